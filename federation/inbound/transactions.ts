import {isJsonObject, type JsonObject, type JsonValue, type RoomId, type ServerName} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {Engine} from '../engine/index.ts';
import {isServerAllowed, parsePdu} from '../rooms/index.ts';
import type {Edu, EduReceivers} from './edus.ts';
import {roomIdOf, type Staging} from './staging.ts';

/** The specification's limits of one transaction. */
export const PDUS_MAX = 50;
export const EDUS_MAX = 100;

/** What a transaction is taken with. */
export interface TransactionContext {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly staging: Staging;
	readonly edus: EduReceivers;
	/** Told of a receiver that failed; its EDU is lost, the others are not. */
	readonly onProblem: (problem: {
		readonly origin: ServerName;
		readonly eduType: string;
		readonly cause: unknown;
	}) => void;
}

/** A transaction as it came; each element may be anything. */
export interface TransactionRequest {
	readonly origin: ServerName;
	readonly txnId: string;
	readonly pdus: readonly JsonValue[];
	readonly edus: readonly JsonValue[];
	/** Places in `pdus` and `edus` where the reader found what no event may hold (duplicate keys, lone surrogates). */
	readonly brokenPdus: ReadonlySet<number>;
	readonly brokenEdus: ReadonlySet<number>;
}

type Fate = {readonly eventId: string | undefined; readonly error: string | undefined};

/**
 * Takes a transaction of a partner server: its PDUs are on disk when this returns, its EDUs with those who care. Gives
 * the answer, the same for every repetition. A PDU that is none costs no other PDU anything.
 * @see https://spec.matrix.org/v1.19/server-server-api/#transactions
 */
export async function takeTransaction(context: TransactionContext, request: TransactionRequest): Promise<JsonObject> {
	const {origin, txnId} = request;
	const answered = await context.storage.federation.findInboundTransaction(origin, txnId);
	if (answered !== undefined) return JSON.parse(answered) as JsonObject;
	const answer: JsonObject = Object.create(null) as JsonObject;
	const pdus: {index: number; roomId: RoomId; json: JsonObject}[] = [];
	for (const [index, json] of request.pdus.entries()) {
		if (!isJsonObject(json) || request.brokenPdus.has(index)) continue;
		const roomId = roomIdOf(json);
		const {eventId, error} = await foresee(context, origin, roomId, json);
		if (eventId !== undefined) answer[eventId] = error === undefined ? {} : {error};
		if (error === undefined && roomId !== undefined) pdus.push({index, roomId, json});
	}
	const taken: JsonObject = {pdus: answer};
	await context.staging.take({origin, txnId, pdus, answer: taken});
	await passOn(context, request);
	return taken;
}

/** Says what can be said of a PDU before its room has judged it: its id, and whether it will be looked at. */
async function foresee(
	{engine}: TransactionContext,
	origin: ServerName,
	roomId: RoomId | undefined,
	json: JsonObject,
): Promise<Fate> {
	const room = roomId === undefined ? undefined : await engine.findRoom(roomId);
	if (!room) return {eventId: undefined, error: 'the room is not known here'};
	const parsed = parsePdu(json, room.version);
	if (!parsed.ok) return {eventId: undefined, error: parsed.fault.reason};
	const {eventId} = parsed.pdu;
	const acl = await room.findState('m.room.server_acl', '');
	if (!isServerAllowed(acl, origin)) return {eventId, error: 'the room does not admit this server'};
	return {eventId, error: undefined};
}

/** Hands EDUs to their receivers, in order; those of one transaction may depend on each other. */
async function passOn(context: TransactionContext, {origin, edus, brokenEdus}: TransactionRequest): Promise<void> {
	for (const [index, edu] of edus.entries()) {
		const read = brokenEdus.has(index) ? undefined : readEdu(edu);
		const receive = read && Object.hasOwn(context.edus, read.type) ? context.edus[read.type] : undefined;
		if (!read || !receive) continue;
		try {
			await receive(origin, read.content);
		} catch (cause) {
			context.onProblem({origin, eduType: read.type, cause});
		}
	}
}

function readEdu(edu: JsonValue): Edu | undefined {
	if (!isJsonObject(edu)) return undefined;
	const {edu_type: type, content} = edu;
	return typeof type === 'string' && isJsonObject(content) ? {type, content} : undefined;
}
