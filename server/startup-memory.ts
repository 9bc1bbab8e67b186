import {setFlagsFromString} from 'node:v8';
import {runInNewContext} from 'node:vm';

/*
 * While the program is loaded, V8 would let its space for young objects grow to 32 MiB, all of it garbage a moment later,
 * and keep it. So it stays small until everything is built, which leaves an idle server about 10 MiB smaller, and may grow
 * under load as it would otherwise. This module comes first in main.ts, before there is anything to load.
 */
setFlagsFromString('--semi-space-growth-factor=1');

/**
 * Collects all garbage at once and moves what is left together, so that its pages go back to the system: by itself V8 moves a
 * few at a time. It stops the program for a millisecond or two for each MiB that is kept.
 */
export function collectGarbage(): void {
	setFlagsFromString('--expose-gc');
	setFlagsFromString('--compact-on-every-full-gc');
	(runInNewContext('gc') as () => void)();
	setFlagsFromString('--no-compact-on-every-full-gc');
}

/** Gives back what loading has left behind, and lets the space for young objects grow with the load. */
export function endStartup(): void {
	// V8 would get to it half a minute later, or in the middle of the first burst of requests.
	collectGarbage();
	setFlagsFromString('--semi-space-growth-factor=2');
}
