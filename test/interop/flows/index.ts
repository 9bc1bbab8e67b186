import type {Flow} from './flow.ts';
import {HEALING} from './healing.ts';
import {MEMBERSHIP} from './membership.ts';
import {PERSONAL} from './personal.ts';
import {TIMELINE} from './timeline.ts';

export {CONFIGURATION, CONFIGURED} from './configured.ts';
export type {Flow} from './flow.ts';
export {goThrough, listPassages, type Reachable} from './run.ts';

/** All that two servers must be able to do together as they come, in the order in which it is tried. */
export const FLOWS: readonly Flow[] = [...MEMBERSHIP, ...TIMELINE, ...PERSONAL, ...HEALING];
