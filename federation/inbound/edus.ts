import {isJsonObject, isRoomId, type JsonObject, type JsonValue, type ServerName} from '../../crypto/index.ts';
import type {Engine} from '../engine/index.ts';
import {isServerAllowed} from '../rooms/index.ts';

/** An ephemeral data unit of a partner server: its content is whatever that server likes. */
export interface Edu {
	readonly type: string;
	readonly content: JsonObject;
}

/**
 * Takes one type of EDU. Whoever implements it checks the content, and that every user named as acting belongs to
 * `origin`; what is malformed or not allowed is dropped without a word, so that it costs no other EDU anything. The same
 * EDU may come twice: a transaction is noted as taken only after its EDUs.
 */
export type EduReceiver = (origin: ServerName, content: JsonObject) => Promise<void>;

/** Who takes which EDU, by `edu_type`; types that are not here are ignored. */
export type EduReceivers = Readonly<Record<string, EduReceiver>>;

/** Rooms that one receipt EDU may name; more are not looked at. */
const ROOMS_MAX = 1_000;

/** Reads one element of a transaction's `edus`; `undefined` for what is no EDU. */
export function readEdu(edu: JsonValue | undefined): Edu | undefined {
	if (edu === undefined || !isJsonObject(edu)) return undefined;
	const {edu_type: type, content} = edu;
	return typeof type === 'string' && isJsonObject(content) ? {type, content} : undefined;
}

/**
 * Gives what of an EDU the access lists of its rooms let in; `undefined` for nothing.
 * @see https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls
 */
export async function admitEdu(engine: Engine, origin: ServerName, edu: Edu): Promise<Edu | undefined> {
	const {type, content} = edu;
	if (type === 'm.typing') return (await admits(engine, origin, content['room_id'])) ? edu : undefined;
	if (type !== 'm.receipt') return edu;
	const admitted = Object.create(null) as JsonObject;
	for (const [roomId, receipts] of Object.entries(content).slice(0, ROOMS_MAX)) {
		if (await admits(engine, origin, roomId)) admitted[roomId] = receipts;
	}
	return {type, content: admitted};
}

async function admits(engine: Engine, origin: ServerName, roomId: JsonValue | undefined): Promise<boolean> {
	const room = isRoomId(roomId) ? await engine.findRoom(roomId) : undefined;
	return room !== undefined && isServerAllowed(await room.findState('m.room.server_acl', ''), origin);
}
