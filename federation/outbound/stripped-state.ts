import {canonicalJson, type JsonObject, type JsonValue, type RoomId} from '../../crypto/index.ts';
import type {SignatureChecker} from '../engine/index.ts';
import {type Pdu, parsePdu, type RoomVersionId, toStrippedState} from '../rooms/index.ts';
import {asObject} from './key-document.ts';

/** Entries that tell what a room is; more are not looked at. */
const ENTRIES_MAX = 100;

/**
 * Characters of the state that this server shows to those who are not in a room, so that a room's description cannot make
 * an invite or the answer to a knock larger than other servers take (threats D6).
 */
const SHOWN_LENGTH_MAX = 64 * 1024;

/** Keeps of the state that describes a room what fits: the create event always, then the others in their order. */
export function limitShownState(events: readonly Pdu[]): Pdu[] {
	const isCreate = ({type}: Pdu): boolean => type === 'm.room.create';
	let length = 0;
	return [...events.filter(isCreate), ...events.filter((event) => !isCreate(event))].filter((event) => {
		const own = canonicalJson(event.json).length;
		if (!isCreate(event) && length + own > SHOWN_LENGTH_MAX) return false;
		length += own;
		return true;
	});
}

/**
 * Gives the state that came with an invite or knock as clients may be shown it: four keys of each entry. An entry that is
 * an event of another room, or badly signed, is left out. Servers before v1.16 send entries that are no events: those
 * cannot be checked, and are taken as they are.
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export async function readStrippedState(
	value: JsonValue | undefined,
	room: {readonly roomId: RoomId; readonly version: RoomVersionId},
	signatures: SignatureChecker,
): Promise<JsonObject[]> {
	if (!Array.isArray(value)) return [];
	const entries = await Promise.all(value.slice(0, ENTRIES_MAX).map((entry) => readEntry(entry, room, signatures)));
	return entries.filter((entry) => entry !== undefined);
}

async function readEntry(
	value: JsonValue,
	{roomId, version}: {readonly roomId: RoomId; readonly version: RoomVersionId},
	signatures: SignatureChecker,
): Promise<JsonObject | undefined> {
	const entry = asObject(value);
	if (entry === undefined) return undefined;
	if (entry['signatures'] !== undefined) {
		const parsed = parsePdu(entry, version);
		if (!parsed.ok || parsed.pdu.roomId !== roomId || parsed.pdu.stateKey === undefined) return undefined;
		return (await signatures.check(parsed.pdu)).allowed ? toStrippedState(parsed.pdu) : undefined;
	}
	const {type, sender, state_key: stateKey, content: rawContent} = entry;
	const content = asObject(rawContent);
	const isStripped = typeof type === 'string' && typeof sender === 'string' && typeof stateKey === 'string';
	return isStripped && content !== undefined ? {content, sender, state_key: stateKey, type} : undefined;
}
