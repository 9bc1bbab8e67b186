import type {EventId, RoomId, ServerName} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {RemoteEvents} from './engine.ts';

/** Servers that are asked; whoever waits for the answer waits for each of them that is slow. */
const SERVERS_MAX = 3;
/** Pages of history that one question fetches at most: what lies further back is left to be paged to. */
const PAGES_MAX = 5;
const PAGE_EVENTS = 100;

/** What looking elsewhere is done with. */
export interface FetchByTimeContext {
	readonly storage: Storage;
	readonly remote: RemoteEvents;
	readonly serverName: ServerName;
	/** Fetches a page into the newest gap of the room; whether something came. */
	readonly fetchPage: (limit: number) => Promise<boolean>;
}

/** A time, and where to look from it. */
export interface TimeQuery {
	readonly ts: number;
	readonly direction: 'forwards' | 'backwards';
	/** The time of the event that is known here; others' must be nearer. */
	readonly known: number | undefined;
}

/**
 * Asks servers in a room for the event nearest to a time, and where one knows a nearer one fetches history until it is
 * here, or too much was fetched. What they say counts for no more than that: who wants the event looks here again, where
 * it was judged like all others.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid
 */
export async function fetchByTime(context: FetchByTimeContext, roomId: RoomId, query: TimeQuery): Promise<boolean> {
	const {storage, remote, serverName, fetchPage} = context;
	const servers = (await storage.memberships.listServers(roomId)).filter((server) => server !== serverName);
	for (const server of servers.slice(0, SERVERS_MAX)) {
		// One that does not answer, or does not serve this, leaves the question to the next.
		const found = await remote.findByTime(server, roomId, query.ts, query.direction).catch(() => undefined);
		if (!found || !isNearer(found.originServerTs, query)) continue;
		for (let page = 0; page < PAGES_MAX && !(await isHere(storage, found.eventId)); page += 1) {
			if (!(await fetchPage(PAGE_EVENTS))) break;
		}
		if (await isHere(storage, found.eventId)) return true;
	}
	return false;
}

function isNearer(ts: number, {ts: wanted, direction, known}: TimeQuery): boolean {
	const distance = (time: number): number => (direction === 'forwards' ? time - wanted : wanted - time);
	return distance(ts) >= 0 && (known === undefined || distance(ts) < distance(known));
}

async function isHere({events}: Storage, eventId: EventId): Promise<boolean> {
	return (await events.findMarks([eventId])).get(eventId)?.outlier === false;
}
