import {
	CanonicalJsonError,
	canonicalJson,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type ServerName,
} from '../../crypto/index.ts';
import {StorageError} from '../../storage/index.ts';
import {isServerAllowed, parsePdu} from '../rooms/index.ts';
import {type Clock, type RoomView, waitForTick} from '../engine/index.ts';
import type {InboundContext} from './access.ts';
import {admitEdu, type EduReceivers, readEdu} from './edus.ts';
import type {JoinsUnderway} from './joins-underway.ts';
import {findRetracted} from './retractions.ts';
import {type InboundTransaction, roomIdOf, type Staging} from './staging.ts';

/** The specification's limits of one transaction. */
export const PDUS_MAX = 50;
export const EDUS_MAX = 100;
/**
 * A transaction with EDUs, or with events of rooms that the sender is not in, is answered at the next tick of this grid:
 * whether an EDU found somebody and an event a room, for which something is then written, or nothing shows in no clock.
 * What the EDUs bring is there at once.
 */
const GRID_MS = 20;

/** What a transaction is taken with. */
export interface TransactionContext extends InboundContext {
	readonly staging: Staging;
	readonly joins: JoinsUnderway;
	readonly edus: EduReceivers;
	readonly clock: Pick<Clock, 'monotonic' | 'setTimer'>;
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

/** Whether a PDU will be looked at, and what is answered for it. */
interface Fate {
	readonly isTaken: boolean;
	/** Absent where it cannot or must not be told: such a PDU is not in the answer. */
	readonly eventId?: string | undefined;
	readonly error?: string;
	/** Whether the sender has to know nothing of the room, not even that there is one. */
	readonly isHidden?: boolean;
	/** Whether the room is here, and the sender never was in it. */
	readonly isOfOutsider?: boolean;
}

/**
 * Takes a transaction of a partner server: its EDUs are with those who care and its PDUs on disk when this returns. Gives
 * the answer, the same for every repetition. A PDU that is none costs no other PDU anything.
 * @see https://spec.matrix.org/v1.19/server-server-api/#transactions
 */
export async function takeTransaction(context: TransactionContext, request: TransactionRequest): Promise<JsonObject> {
	const {origin, txnId} = request;
	const begunMs = context.clock.monotonic();
	const answered = await context.storage.federation.findInboundTransaction(origin, txnId);
	if (answered !== undefined) return JSON.parse(answered) as JsonObject;
	// The note that it was taken comes last: after a crash between the two the transaction comes again, and an EDU
	// twice is harmless where an EDU lost (keys of an encrypted room) is not.
	await passOn(context, request);
	const answer: JsonObject = Object.create(null) as JsonObject;
	const pdus: InboundTransaction['pdus'][number][] = [];
	let isHiding = request.edus.length > 0;
	for (const [index, json] of request.pdus.entries()) {
		const roomId = isJsonObject(json) ? roomIdOf(json) : undefined;
		if (!isJsonObject(json) || roomId === undefined || request.brokenPdus.has(index)) continue;
		const {
			isTaken,
			eventId,
			error,
			isHidden = false,
			isOfOutsider = false,
		} = await foresee(context, origin, roomId, json);
		isHiding ||= isHidden;
		if (eventId !== undefined && !isHidden) answer[eventId] = error === undefined ? {} : {error};
		if (isTaken) pdus.push({index, roomId, json, isOfOutsider});
	}
	const taken: JsonObject = {pdus: answer};
	await context.staging.take({origin, txnId, pdus, answer: taken});
	if (isHiding) await waitForTick(context.clock, begunMs, GRID_MS);
	return taken;
}

/** Says what can be said of a PDU before its room has judged it: its id, and whether it will be looked at. */
async function foresee(
	context: TransactionContext,
	origin: ServerName,
	roomId: RoomId,
	json: JsonObject,
): Promise<Fate> {
	const room = await context.engine.findRoom(roomId);
	if (!room?.isServerJoined(context.serverName)) {
		const isAwaited = context.joins.has(roomId) || (await findRetracted(context, {roomId, json})) !== undefined;
		return {isTaken: isAwaited && hasCanonicalForm(json), isHidden: true};
	}
	const isOfOutsider = await isOutsider(context, room, origin);
	const isHidden = isOfOutsider;
	const parsed = parsePdu(json, room.version);
	if (!parsed.ok) return {isTaken: false, isHidden};
	const {eventId} = parsed.pdu;
	const acl = await room.findState('m.room.server_acl', '');
	if (!isServerAllowed(acl, origin)) {
		return {isTaken: false, eventId, error: 'the room does not admit this server', isHidden};
	}
	return {isTaken: true, eventId, isHidden, isOfOutsider};
}

/** Whether a server has never been in a room, as far as this one knows. */
async function isOutsider({storage}: TransactionContext, room: RoomView, server: ServerName): Promise<boolean> {
	if (room.isPartial || room.isServerJoined(server)) return false;
	return !(await storage.memberships.hasServerBeenIn(room.roomId, server));
}

/** Whether an event can be kept until its room's version is known; of what has no canonical form nobody has a hash. */
function hasCanonicalForm(json: JsonObject): boolean {
	try {
		canonicalJson(json);
		return true;
	} catch (error) {
		if (error instanceof CanonicalJsonError) return false;
		throw error;
	}
}

function isHopeless({code}: StorageError): boolean {
	return code === 'invalid_text' || code === 'refused' || code === 'corrupt';
}

/** Hands EDUs to their receivers, in order; those of one transaction may depend on each other. */
async function passOn(context: TransactionContext, {origin, edus, brokenEdus}: TransactionRequest): Promise<void> {
	for (const [index, element] of edus.entries()) {
		const edu = brokenEdus.has(index) ? undefined : readEdu(element);
		const receive = edu && Object.hasOwn(context.edus, edu.type) ? context.edus[edu.type] : undefined;
		if (!edu || !receive) continue;
		try {
			const admitted = await admitEdu(context.engine, origin, edu);
			if (admitted) await receive(origin, admitted.content);
		} catch (cause) {
			// Without its database the server takes nothing at all, and the transaction comes again. What the database
			// will never hold would come again for ever.
			if (cause instanceof StorageError && !isHopeless(cause)) throw cause;
			context.onProblem({origin, eduType: edu.type, cause});
		}
	}
}
