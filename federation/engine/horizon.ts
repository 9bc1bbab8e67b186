import {domainOf, type RoomId, type ServerName} from '../../crypto/index.ts';
import type {GapRow, Position, Storage} from '../../storage/index.ts';
import type {Pdu} from '../rooms/index.ts';

/** Gaps that are looked at, the newest first. */
const GAPS_MAX = 100;
/** After every place of a timeline. */
const END = {anchor: Number.MAX_SAFE_INTEGER, minor: 0};

/** How far back what this server knows of a room goes, since it entered it last. */
export interface Horizon {
	/** The anchor of our entry: what is placed there or later is not before it. */
	readonly anchor: Position;
	/** The depth of the deepest event with something unknown behind it: what is less deep may lie there. */
	readonly depth: number;
	/** The events of that entry's past that nobody has told us of. */
	readonly gaps: readonly GapRow[];
}

/** What finding a horizon needs. */
export interface HorizonContext {
	readonly storage: Storage;
	readonly serverName: ServerName;
}

/** Finds the horizon of a room; `undefined` where everything before our entry is here, or nothing can be said. */
export async function findHorizon({storage, serverName}: HorizonContext, roomId: RoomId): Promise<Horizon | undefined> {
	const rows = await storage.events.listGaps(roomId, END, GAPS_MAX);
	const anchors = [...new Set(rows.map(({anchor}) => anchor))].filter((anchor) => anchor !== null);
	for (const anchor of anchors) {
		const [entry] = await storage.events.listTimeline({
			roomId,
			direction: 'backwards',
			from: {anchor, minor: 1},
			limit: 1,
		});
		// A gap behind an event of our own is that of an entry: all others are built on what is here.
		if (entry?.anchor !== anchor || domainOf(entry.sender) !== serverName) continue;
		const gaps = rows.filter((row) => row.anchor === anchor);
		const events = await storage.events.findByNids(gaps.map(({eventNid}) => eventNid));
		return {anchor, depth: Math.max(...[...events.values()].map(({depth}) => depth)), gaps};
	}
	return undefined;
}

/** Whether an event lies behind our entry into the room, as far as can be told: it comes after nothing that is not. */
export async function mayLieBehind(
	{storage}: HorizonContext,
	pdu: Pdu,
	horizon: Horizon | undefined,
): Promise<boolean> {
	if (!horizon || pdu.depth >= horizon.depth) return false;
	const named = await storage.events.findByIds(pdu.prevEvents);
	const isAfter = (row: {readonly anchor: Position | null; readonly minor: number | null}): boolean =>
		row.anchor !== null && (row.anchor > horizon.anchor || (row.anchor === horizon.anchor && row.minor === 0));
	return ![...named.values()].some(isAfter);
}
