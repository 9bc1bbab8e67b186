import type {EventId, ServerName} from '../../crypto/index.ts';
import type {GapRow} from '../../storage/index.ts';
import {fetchBehind} from './backfill.ts';
import {EngineError} from './errors.ts';
import {findHorizon, mayLieBehind} from './horizon.ts';
import {listMissing, type MissingContext, type Room} from './missing-events.ts';
import type {CheckedPdu} from './receive-event.ts';

/** Requests of one page each that one event may cost before it is taken to lie too far back. */
const PAGES_MAX = 3;
const PAGE_EVENTS = 100;
/** Servers that are asked for one page: who sent the event may have been left behind itself. */
const SERVERS_MAX = 3;

/**
 * Finds out whether an event that a server sent us as news lies behind our entry into the room, by asking for what does.
 * An event that does is no end of the graph to build on: the state of long ago, resolved against the present one, could
 * bring back what was changed since. What is found gets its place before our entry; what lies further back than is looked
 * is taken to lie there, too: if it does not, an event that names it will bring it.
 * @throws EngineError('unavailable') where servers that could tell do not answer
 */
export async function isHistory(
	context: MissingContext,
	room: Room,
	checked: CheckedPdu,
	extremities: readonly EventId[],
): Promise<boolean> {
	if (checked.pdu.prevEvents.every((eventId) => extremities.includes(eventId))) return false;
	for (let page = 0; ; page += 1) {
		const horizon = await findHorizon(context, room.roomId);
		if (!horizon || !(await mayLieBehind(context, checked.pdu, horizon))) return false;
		if (page === PAGES_MAX) return true;
		const [nearest] = horizon.gaps;
		const gaps = horizon.gaps.filter(({eventNid}) => eventNid === nearest?.eventNid);
		if (!(await fetchPage(context, room, gaps, checked.origin))) return true;
		if ((await listMissing(context, [checked.pdu.eventId])).length === 0) return true;
	}
}

/** Fetches a page behind a gap, from who sent the event or from others in the room. Gives whether something came. */
async function fetchPage(
	context: MissingContext,
	room: Room,
	gaps: readonly GapRow[],
	origin: ServerName,
): Promise<boolean> {
	const members = await context.storage.memberships.listServers(room.roomId);
	const servers = [...new Set([origin, ...members])].filter((server) => server !== context.serverName);
	let failure: EngineError | undefined;
	for (const server of servers.slice(0, SERVERS_MAX)) {
		try {
			if (await fetchBehind(context, room, gaps, {server, limit: PAGE_EVENTS})) return true;
		} catch (error) {
			if (!(error instanceof EngineError) || error.code !== 'unavailable') throw error;
			failure = error;
		}
	}
	if (failure) throw failure;
	return false;
}
