import {
	domainOf,
	type EventId,
	isJsonObject,
	type JsonObject,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {EventProto, EventTemplate, RoomView} from '../engine/index.ts';
import {EngineError} from '../engine/index.ts';
import {limitShownState} from '../outbound/index.ts';
import {
	isRestricted,
	joinRuleOf,
	mayAuthoriseJoin,
	type Membership,
	membershipOf,
	mergeSignatures,
	type Pdu,
	parsePdu,
	roomVersion,
	toFederationEvent,
} from '../rooms/index.ts';
import {type InboundContext, openRoomForOutsider} from './access.ts';
import {findCondition} from './conditions.ts';
import {InboundError} from './errors.ts';
import {answerJoin, type JoinWish} from './join-answer.ts';

/** State that a knocking user's server is told, so that people see where they knock. */
const STRIPPED_TYPES = [
	'm.room.create',
	'm.room.name',
	'm.room.avatar',
	'm.room.topic',
	'm.room.join_rules',
	'm.room.canonical_alias',
	'm.room.encryption',
] as const;

/** Members that are asked whether they may vouch for a restricted join. */
const VOUCHERS_MAX = 1_000;

/** What a server asks a template for. */
export interface ProtoRequest {
	readonly origin: ServerName;
	readonly roomId: RoomId;
	readonly userId: UserId;
	readonly membership: 'join' | 'leave' | 'knock';
	/** Room versions that the asking server supports; for a leave all of them. */
	readonly versions?: readonly string[] | undefined;
}

/**
 * Builds the member event that another server then completes and signs.
 * @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms make_join, make_leave, make_knock
 */
export async function makeMemberProto(context: InboundContext, request: ProtoRequest): Promise<EventProto> {
	const {origin, roomId, userId, membership, versions} = request;
	if (domainOf(userId) !== origin) throw new InboundError('forbidden', 'The user is not of the asking server');
	const room = await openRoomForOutsider(context, request);
	if (versions && !versions.includes(room.version)) {
		throw new InboundError('incompatible_version', `The room is of version ${room.version}`, {
			roomVersion: room.version,
		});
	}
	const present = membershipOf(await room.findState('m.room.member', userId));
	const content: JsonObject = {membership};
	if (membership === 'join' && present !== 'join' && present !== 'invite' && present !== 'ban') {
		const voucher = await findVoucher(context, room, userId);
		if (voucher !== undefined) content['join_authorised_via_users_server'] = voucher;
	}
	const event: EventTemplate = {type: 'm.room.member', sender: userId, stateKey: userId, content};
	try {
		const proto = await context.engine.makeProto(roomId, event);
		// Events have had no `origin` for long; the endpoint's answer must.
		return {...proto, event: {...proto.event, origin: context.serverName}};
	} catch (error) {
		if (!(error instanceof EngineError) || error.code !== 'forbidden') throw error;
		throw new InboundError('forbidden', `The room does not allow it: ${error.message}`, {cause: error});
	}
}

/**
 * Gives a local user in whose name a restricted join is allowed; nobody where the room's rule is another.
 * @throws InboundError('forbidden' | 'unable_to_authorise' | 'unable_to_grant')
 */
async function findVoucher(context: InboundContext, room: RoomView, userId: UserId): Promise<UserId | undefined> {
	const joinRules = await room.findState('m.room.join_rules', '');
	if (!isRestricted(roomVersion(room.version), joinRuleOf(joinRules))) return undefined;
	await checkConditions(context, joinRules, userId);
	const [create, levels] = await Promise.all([
		room.findState('m.room.create', ''),
		room.findState('m.room.power_levels', ''),
	]);
	const locals = await context.storage.memberships.listLocalJoined(room.roomId);
	for (const local of locals.slice(0, VOUCHERS_MAX)) {
		const member = await room.findState('m.room.member', local);
		const state = (type: string): Pdu | undefined =>
			({'m.room.member': member, 'm.room.power_levels': levels, 'm.room.create': create})[type];
		if (mayAuthoriseJoin(local, state, create)) return local;
	}
	throw new InboundError('unable_to_grant', 'Nobody on this server may let others into the room');
}

/** @throws InboundError 'forbidden' where the user meets no condition, 'unable_to_authorise' where that cannot be said here */
async function checkConditions(context: InboundContext, joinRules: Pdu | undefined, userId: UserId): Promise<void> {
	const condition = await findCondition(context, joinRules, userId);
	if (condition === 'unmet')
		throw new InboundError('forbidden', 'The user is in none of the rooms that the join rule names');
	if (condition === 'unknown')
		throw new InboundError('unable_to_authorise', 'This server is not in a room that the join rule names');
}

/** A member event that another server made from a template. */
export interface MemberEventRequest {
	readonly origin: ServerName;
	readonly roomId: RoomId;
	readonly eventId: EventId;
	readonly json: JsonObject;
	readonly membership: Extract<Membership, 'join' | 'leave' | 'knock'>;
}

/** Takes a member event into its room, and gives it as it stands there. @throws InboundError, EngineError */
async function takeMemberEvent(
	context: InboundContext,
	request: MemberEventRequest,
): Promise<{pdu: Pdu; room: RoomView}> {
	const {origin, roomId, json, membership} = request;
	checkMemberForm(request);
	const room = await openRoomForOutsider(context, {origin, roomId, userId: json['state_key'], membership});
	const parsed = parsePdu(json, room.version);
	if (!parsed.ok) throw new InboundError('invalid', `The event is none of this room's version: ${parsed.fault.reason}`);
	if (parsed.pdu.eventId !== request.eventId)
		throw new InboundError('invalid', 'The event is not the one that the path names');
	const pdu = await vouch(context, room, parsed.pdu);
	const reception = await context.engine.receive({roomId, json: toFederationEvent(pdu), origin, relay: true});
	if (reception.status === 'rejected')
		throw new InboundError('forbidden', `The room does not allow it: ${reception.reason}`);
	const stored = await checkStanding(context, pdu);
	// As it stands here: with the signature of the room's policy server, where that gave one.
	return {pdu: mergeSignatures(pdu, stored.signatures), room: (await context.engine.findRoom(roomId)) ?? room};
}

/**
 * Refuses a member event that is in the room without counting: one that was refused before and is sent again, one that
 * the room's present does not allow, and one that is over. What the answer tells of the room is for members.
 */
async function checkStanding({engine}: InboundContext, pdu: Pdu): Promise<Pdu> {
	const stored = await engine.findEvent(pdu.eventId);
	const room = await engine.findRoom(pdu.roomId);
	const present = await room?.findState('m.room.member', pdu.stateKey ?? '');
	const isStanding =
		stored?.row.rejected === null &&
		!stored.row.softFailed &&
		(membershipOf(pdu) === 'leave' || membershipOf(present) === membershipOf(pdu));
	if (!stored || !isStanding) throw new InboundError('forbidden', 'The room does not allow it any more');
	return stored.pdu;
}

/** B4: what the path says must be what the body says. Asked before the room is looked for: the answer tells nothing of it. */
function checkMemberForm({origin, roomId, json, membership}: MemberEventRequest): void {
	const {type, room_id, sender, state_key, content = null} = json;
	const isRight =
		room_id === roomId &&
		type === 'm.room.member' &&
		typeof sender === 'string' &&
		state_key === sender &&
		domainOf(sender as UserId) === origin &&
		// What has no membership counts as a leave elsewhere; here it is none.
		isJsonObject(content) &&
		content['membership'] === membership;
	if (!isRight) throw new InboundError('invalid', `The event is not the ${membership} that the path names`);
}

/** Adds our signature to a restricted join in the name of one of our users, after checking that it may be given. */
async function vouch(context: InboundContext, room: RoomView, pdu: Pdu): Promise<Pdu> {
	const voucher = pdu.content['join_authorised_via_users_server'];
	if (!roomVersion(room.version).hasRestrictedJoins || typeof voucher !== 'string') return pdu;
	if (domainOf(voucher as UserId) !== context.serverName) return pdu;
	await checkConditions(context, await room.findState('m.room.join_rules', ''), pdu.sender);
	return context.engine.countersign(pdu);
}

/**
 * Takes a join of another server's user, and gives what that server needs to take part.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid
 */
export async function sendJoin(
	context: InboundContext,
	request: MemberEventRequest,
	wish: JoinWish,
): Promise<JsonObject> {
	const {pdu, room} = await takeMemberEvent(context, request);
	return answerJoin(context, {join: pdu, room}, wish);
}

/** Takes a leave. @see https://spec.matrix.org/v1.19/server-server-api/#leaving-rooms-rejecting-invites */
export async function sendLeave(context: InboundContext, request: MemberEventRequest): Promise<JsonObject> {
	await takeMemberEvent(context, request);
	return {};
}

/** Takes a knock, and gives what the knocking user may know of the room. @see https://spec.matrix.org/v1.19/server-server-api/#knocking-upon-a-room */
export async function sendKnock(context: InboundContext, request: MemberEventRequest): Promise<JsonObject> {
	const {room} = await takeMemberEvent(context, request);
	const state = await room.findStates(STRIPPED_TYPES.map((type) => ({type, stateKey: ''})));
	return {knock_room_state: limitShownState(state).map((event) => toFederationEvent(event))};
}
