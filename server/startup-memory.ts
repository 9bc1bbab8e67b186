import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

/*
 * While the program is loaded, V8 would let its space for young objects grow to 32 MiB, all of it garbage a moment later,
 * and keep it. So it stays small until everything is built, which leaves an idle server about 10 MiB smaller, and may grow
 * under load as it would otherwise. This module comes first in main.ts, before there is anything to load.
 */
setFlagsFromString('--semi-space-growth-factor=1');

/** Gives back what loading has left behind, and lets the space for young objects grow with the load, as by default. */
export function endStartup(): void {
	// V8 would get to it half a minute later, or in the middle of the first burst of requests.
	setFlagsFromString('--expose-gc');
	(runInNewContext('gc') as () => void)();
	setFlagsFromString('--semi-space-growth-factor=2');
}
