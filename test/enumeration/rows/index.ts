/** The enumeration surface as a table: 50 rows, each with the ways to ask. */
import type {Probe, Row} from '../probe.ts';
import {ACCOUNT_ROWS} from './accounts.ts';
import {BRIDGE_ROWS} from './bridges.ts';
import {EDGE_ROWS} from './edges.ts';
import {INVITE_ROWS, PEOPLE_ROWS} from './people.ts';
import {ROOM_ROWS, USED_UP_ROWS} from './rooms.ts';
import {SERVER_INVITE_ROWS, SERVER_ROWS} from './servers.ts';

/** What other rows ask. */
const OTHER_ROWS: readonly Row[] = [
	{number: 23, surface: 'names of application services', probes: [], ofClass: 'bridged'},
	{number: 47, surface: 'what other servers are sent unasked', probes: []},
];

/** All rows in the order in which they are gone through: what changes anything comes last. */
export const ROWS: readonly Row[] = [
	...ACCOUNT_ROWS,
	...PEOPLE_ROWS,
	...ROOM_ROWS,
	...SERVER_ROWS,
	...EDGE_ROWS,
	...BRIDGE_ROWS,
	...OTHER_ROWS,
	...INVITE_ROWS,
	...SERVER_INVITE_ROWS,
	...USED_UP_ROWS,
];

/** All ways to ask, in the same order. */
export const PROBES: readonly Probe[] = ROWS.flatMap(({probes}) => probes);
