import type {EventId, RoomId} from '../../crypto/index.ts';
import type {Engine, StoredEvent} from '../../federation/engine/index.ts';
import type {StateEntry} from '../../storage/index.ts';
import type {PartialRooms} from './partial-rooms.ts';

/** Events whose senders are looked for in one room of an answer: as many as clients show at a time. */
const EVENTS_MAX = 100;

/**
 * Finds by whom events of a room are whose members are not known yet: the member events that they themselves name. Of
 * rooms that are whole, and of people who are known, there is nothing to find.
 */
export async function findCitedMembers(
	{engine, partialRooms}: {readonly engine: Engine; readonly partialRooms: PartialRooms},
	roomId: RoomId,
	events: readonly StoredEvent[],
	isKnown: (userId: string) => boolean,
): Promise<StateEntry[]> {
	const unknown = events.filter(({pdu}) => !isKnown(pdu.sender)).slice(-EVENTS_MAX);
	if (unknown.length === 0 || !(await partialRooms.has(roomId))) return [];
	const senders = new Set<string>(unknown.map(({pdu}) => pdu.sender));
	const cited = new Set<EventId>(unknown.flatMap(({pdu}) => pdu.authEvents));
	const members = new Map<string, StateEntry>();
	for (const {pdu, row} of await engine.findEvents([...cited])) {
		const {type, stateKey} = pdu;
		if (pdu.roomId !== roomId || row.rejected !== null || type !== 'm.room.member' || stateKey === undefined) continue;
		if (senders.has(stateKey)) members.set(stateKey, {type, stateKey, eventNid: row.nid});
	}
	return [...members.values()];
}
