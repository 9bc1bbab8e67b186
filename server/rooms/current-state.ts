import type {RoomId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import {type Pdu, redactPdu} from '../../federation/rooms/index.ts';
import type {EventRow} from '../../storage/index.ts';
import type {RoomsContext} from './context.ts';

/** The state that tells somebody who is not in a room what it is. */
export const DESCRIBING_TYPES = [
	'm.room.create',
	'm.room.name',
	'm.room.topic',
	'm.room.avatar',
	'm.room.canonical_alias',
	'm.room.join_rules',
	'm.room.history_visibility',
	'm.room.guest_access',
	'm.room.encryption',
] as const;

/** Entries of one room that are read at a time. */
const ENTRIES_MAX = 1_000;

/**
 * Finds an entry of a room's current state as people may be shown it: without what was redacted. What the rules decide
 * by is the engine's business.
 */
export async function findShown(
	{storage, engine}: RoomsContext,
	roomId: RoomId,
	type: string,
	stateKey = '',
): Promise<Pdu | undefined> {
	const row = await storage.rooms.findCurrentState(roomId, type, stateKey);
	const [event] = row ? await engine.readRows([row]) : [];
	return event && asShown(event);
}

/** Lists the entries of a room's current state without state key that are of some types, as people may be shown them. */
export async function listShown(
	{storage, engine}: RoomsContext,
	roomId: RoomId,
	types: readonly string[],
): Promise<Map<string, Pdu>> {
	const rows = await storage.rooms.listCurrentState(roomId, {types, limit: ENTRIES_MAX});
	const events = await engine.readRows(rows.filter(({stateKey}) => stateKey === ''));
	return new Map(events.map((event) => [event.pdu.type, asShown(event)]));
}

/** Gives an event without what was redacted. */
function asShown({pdu, row}: StoredEvent): Pdu {
	return isRedacted(row) ? redactPdu(pdu) : pdu;
}

/** Whether a redaction was applied to an event. */
export function isRedacted({redactedBy}: EventRow): boolean {
	return redactedBy !== null;
}
