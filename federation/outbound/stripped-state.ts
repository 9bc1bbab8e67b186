import type {JsonObject, JsonValue, RoomId} from '../../crypto/index.ts';
import type {SignatureChecker} from '../engine/index.ts';
import {parsePdu, type RoomVersionId, toStrippedState} from '../rooms/index.ts';
import {asObject} from './key-document.ts';

/** Entries that tell what a room is; more are not looked at. */
const ENTRIES_MAX = 100;

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
