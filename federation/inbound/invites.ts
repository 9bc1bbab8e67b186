import {
	domainOf,
	type EventId,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import {type SignatureChecker, UNKNOWN_KEY, UNOBTAINABLE_KEY} from '../engine/index.ts';
import {readStrippedState} from '../outbound/index.ts';
import {
	findRoomVersion,
	membershipOf,
	type Pdu,
	parsePdu,
	type RoomVersionId,
	roomVersion as roomVersionRow,
	toFederationEvent,
} from '../rooms/index.ts';
import {checkAcl, type InboundContext} from './access.ts';
import {InboundError} from './errors.ts';

/** Bytes of stripped state that are kept of an invite, and entries (D6). */
const STRIPPED_BYTES_MAX = 64 * 1024;
const STRIPPED_ENTRIES_MAX = 100;

/** Where nothing speaks against a signature but that its key is not here. */
const UNJUDGED: ReadonlySet<string> = new Set([UNKNOWN_KEY, UNOBTAINABLE_KEY]);

/** What this server decides about invites from outside. */
export interface InvitePolicy {
	/**
	 * Lets a server invite somebody, or throws what it is answered: asked before it is looked whether there is anybody, so
	 * that the answer says nothing about who has an account here.
	 */
	admit(origin: ServerName, userId: UserId): Promise<void>;
	/**
	 * Whether somebody takes no invites, as far as the inviter's server may know. One that may not is answered as if they
	 * did: anything else would say that they are here.
	 */
	blocks(origin: ServerName, userId: UserId): Promise<boolean>;
	/** Whether there is anybody to tell; an invite for nobody is answered like any other, and not stored. */
	hasAccount(userId: UserId): Promise<boolean>;
}

/** What taking invites needs. */
export interface InviteContext extends InboundContext {
	readonly signatures: SignatureChecker;
	readonly policy: InvitePolicy;
}

/** An invite as a partner server sends it. */
export interface InviteRequest {
	readonly origin: ServerName;
	readonly roomId: RoomId;
	readonly eventId: EventId;
	readonly version: string;
	readonly json: JsonObject;
	readonly strippedState: readonly JsonValue[];
}

/**
 * Takes an invite for a user of this server, and gives it back signed.
 * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
 */
export async function takeInvite(context: InviteContext, request: InviteRequest): Promise<JsonObject> {
	const {version, json, roomId} = request;
	if (!findRoomVersion(version)) {
		throw new InboundError('incompatible_version', 'The room version is not known here', {roomVersion: version});
	}
	const parsed = parsePdu(json, version as RoomVersionId);
	if (!parsed.ok) throw new InboundError('invalid', `The event is none of this room version: ${parsed.fault.reason}`);
	const {pdu} = parsed;
	checkInvite(context, pdu, request);
	const verdict = await context.signatures.check(pdu);
	if (!verdict.allowed) throw new InboundError('invalid', `The invite is not signed: ${verdict.reason}`);
	if ((await context.storage.rooms.find(roomId))?.isBlocked === true) {
		throw new InboundError('forbidden', 'People of this server may not enter the room');
	}
	await context.policy.admit(request.origin, pdu.stateKey as UserId);
	if (await context.policy.blocks(request.origin, pdu.stateKey as UserId)) {
		throw new InboundError('invite_blocked', 'This person takes no invites');
	}
	const strippedState = await readRoomState(context, pdu, request.strippedState);
	const room = await context.engine.findRoom(roomId);
	const isHere = room?.isServerJoined(context.serverName) === true;
	if (isHere) await checkAcl(room, request.origin);
	const signed = context.engine.countersign(pdu);
	// Where this server is in the room, the invite comes by the room's own way.
	if (!isHere && (await context.policy.hasAccount(pdu.stateKey as UserId))) {
		await context.engine.setOutsideMembership({pdu: signed, strippedState});
	}
	return toFederationEvent(signed);
}

/**
 * Reads what the invited person may know of the room. From version 12 on every entry must be an event of that room, the
 * create event among them; servers that invite to older rooms may not have learned that yet.
 */
async function readRoomState(
	{signatures}: InviteContext,
	{roomId, roomVersion: version}: Pdu,
	entries: readonly JsonValue[],
): Promise<JsonObject[]> {
	const kept = entries.slice(0, STRIPPED_ENTRIES_MAX);
	if (roomVersionRow(version).roomIds === 'create-event-hash')
		await checkRoomState(signatures, {roomId, version}, kept);
	return pruneStripped(await readStrippedState(kept, {roomId, version}, signatures));
}

/** @throws InboundError where an entry is no event of the room, or is wrongly signed, or the create event is missing */
async function checkRoomState(
	signatures: SignatureChecker,
	{roomId, version}: {readonly roomId: RoomId; readonly version: RoomVersionId},
	entries: readonly JsonValue[],
): Promise<void> {
	const events = entries.map((entry) => (isJsonObject(entry) ? parsePdu(entry, version) : undefined));
	const pdus = events.flatMap((parsed) => (parsed?.ok && parsed.pdu.roomId === roomId ? [parsed.pdu] : []));
	const verdicts = await Promise.all(pdus.map((pdu) => signatures.check(pdu)));
	const isForged = verdicts.some((verdict) => !verdict.allowed && !UNJUDGED.has(verdict.rule));
	if (pdus.length < entries.length || isForged) {
		throw new InboundError('invalid', 'The room state holds what is no event of the room');
	}
	if (!pdus.some(({type, stateKey}) => type === 'm.room.create' && stateKey === '')) {
		throw new InboundError('incomplete', 'The room state lacks the create event');
	}
}

/** B3, B4: only what is an invite by that server for one of ours is signed. */
function checkInvite({serverName}: InviteContext, pdu: Pdu, {origin, roomId, eventId}: InviteRequest): void {
	const isRight =
		pdu.eventId === eventId &&
		pdu.roomId === roomId &&
		pdu.type === 'm.room.member' &&
		membershipOf(pdu) === 'invite' &&
		domainOf(pdu.sender) === origin &&
		pdu.stateKey !== undefined &&
		domainOf(pdu.stateKey as UserId) === serverName;
	if (!isRight)
		throw new InboundError('invalid', 'The event is not the invite of one of our users that the path names');
}

/**
 * Keeps of stripped state what clients may be shown: the four keys of well-formed entries, within bounds.
 * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
 */
export function pruneStripped(entries: readonly JsonValue[]): JsonObject[] {
	const kept: JsonObject[] = [];
	let bytes = 0;
	for (const entry of entries.slice(0, STRIPPED_ENTRIES_MAX)) {
		if (!isJsonObject(entry)) continue;
		const {type, state_key: stateKey, sender, content} = entry;
		if (typeof type !== 'string' || typeof stateKey !== 'string' || typeof sender !== 'string') continue;
		if (!isJsonObject(content)) continue;
		const pruned: JsonObject = {type, state_key: stateKey, sender, content};
		bytes += JSON.stringify(pruned).length;
		if (bytes > STRIPPED_BYTES_MAX) continue;
		kept.push(pruned);
	}
	return kept;
}
