import {setFlagsFromString} from 'node:v8';

/*
 * While the program is loaded, V8 would let its space for young objects grow to 32 MiB, all of it garbage a moment later,
 * and keep it. So it stays small until everything is built, which leaves an idle server about 20 MiB smaller, and may grow
 * under load as it would otherwise. This module comes first in main.ts, before there is anything to load.
 */
setFlagsFromString('--semi-space-growth-factor=1');

/** Lets the space for young objects grow with the load, as V8 does by default. */
export function endStartup(): void {
	setFlagsFromString('--semi-space-growth-factor=2');
}
