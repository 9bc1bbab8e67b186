import {domainOf, isUserId, type JsonObject, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {MembershipRow} from '../../storage/index.ts';
import type {SignatureChecker} from '../engine/index.ts';
import {membershipOf, type Pdu, parsePdu, type RoomVersionId} from '../rooms/index.ts';
import type {InboundContext} from './access.ts';

/** What taking retractions needs. */
export interface RetractionContext extends InboundContext {
	readonly signatures: SignatureChecker;
}

/** Somebody's word about one of our users in a room that this server is not in. */
export interface Retraction {
	readonly origin: ServerName;
	readonly roomId: RoomId;
	readonly json: JsonObject;
}

/** Gives the invite or knock of one of our users that an event of a room this server is not in would end. */
export async function findRetracted(
	{storage, serverName}: InboundContext,
	{roomId, json}: Pick<Retraction, 'roomId' | 'json'>,
): Promise<MembershipRow | undefined> {
	const {type, state_key: userId} = json;
	if (type !== 'm.room.member' || !isUserId(userId) || domainOf(userId) !== serverName) return undefined;
	const row = await storage.memberships.find(roomId, userId);
	return row?.membership === 'invite' || row?.membership === 'knock' ? row : undefined;
}

/**
 * Takes the end of an invite or knock of one of our users: the room is not here, so its rules cannot be asked. The event
 * must be signed, come from its sender's server, and name the invite or knock among its auth events, whose id is a secret
 * of those who are in the room. Whether it was taken.
 */
export async function takeRetraction(context: RetractionContext, retraction: Retraction): Promise<boolean> {
	const {storage, engine, signatures} = context;
	const row = await findRetracted(context, retraction);
	const room = row && (await storage.rooms.find(retraction.roomId));
	if (!row || row.eventNid === null || !room) return false;
	const parsed = parsePdu(retraction.json, room.version as RoomVersionId);
	const ended = (await storage.events.findByNid(row.eventNid))?.eventId;
	if (!parsed.ok || ended === undefined) return false;
	const {pdu} = parsed;
	if (!isRetraction(pdu, retraction) || !pdu.authEvents.includes(ended)) return false;
	if (!(await signatures.check(pdu)).allowed) return false;
	await engine.setOutsideMembership({pdu, strippedState: []});
	return true;
}

function isRetraction(pdu: Pdu, {origin, roomId}: Retraction): boolean {
	const membership = membershipOf(pdu);
	return (
		pdu.roomId === roomId &&
		domainOf(pdu.sender) === origin &&
		pdu.sender !== (pdu.stateKey as UserId) &&
		(membership === 'leave' || membership === 'ban')
	);
}
