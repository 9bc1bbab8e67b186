import {domainOf, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {RemoteSummary} from '../../federation/outbound/index.ts';
import {
	isKnockable,
	isRestricted,
	isServerAllowed,
	joinRuleOf,
	listAllowedRooms,
} from '../../federation/rooms/index.ts';
import type {RoomsContext} from './context.ts';
import {findShown} from './current-state.ts';
import type {RoomDescription} from './describe-room.ts';

/** Rooms of a join rule's condition that are looked at. */
const ALLOWED_ROOMS_MAX = 50;
/** Invited people who are looked through for somebody of a server that asks. */
const INVITED_MAX = 1_000;

/** Whether this server is in a room, so that what it knows of it is how the room is. */
export async function isResident({storage}: RoomsContext, roomId: RoomId): Promise<boolean> {
	return (await storage.memberships.listLocalJoined(roomId)).length > 0;
}

/**
 * Whether somebody may be shown what a room of this server is: members and the invited, and whoever may enter, knock or
 * read.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy
 */
export async function mayPreview(context: RoomsContext, userId: UserId, room: RoomDescription): Promise<boolean> {
	const membership = await context.storage.memberships.find(room.roomId, userId);
	if (membership?.membership === 'join' || membership?.membership === 'invite') return true;
	if (room.entry['world_readable'] === true) return true;
	if (membership?.membership === 'ban') return false;
	return isOpenToAsk(room) || isInOneOf(context, userId, allowedRooms(room));
}

/** Whether somebody may be shown what another server says of a room. */
export async function mayPreviewRemote(
	context: RoomsContext,
	userId: UserId,
	{roomId, summary}: RemoteSummary,
): Promise<boolean> {
	const membership = await context.storage.memberships.find(roomId, userId);
	if (membership?.membership === 'invite' || summary['world_readable'] === true) return true;
	if (membership?.membership === 'ban') return false;
	// Servers from before v1.2 name no rule for rooms that anybody may join.
	const rule = summary['join_rule'] ?? 'public';
	if (rule === 'public' || rule === 'knock' || rule === 'knock_restricted') return true;
	const allowed = Array.isArray(summary['allowed_room_ids']) ? (summary['allowed_room_ids'] as RoomId[]) : [];
	return rule === 'restricted' && isInOneOf(context, userId, allowed);
}

/** Whether a server may be told what a room of this one is: what one of its people may be shown, whoever that is. */
export async function mayServerPreview(
	context: RoomsContext,
	origin: ServerName,
	room: RoomDescription,
): Promise<boolean> {
	const {storage} = context;
	const {roomId} = room;
	if (!isServerAllowed(await findShown(context, roomId, 'm.room.server_acl'), origin)) return false;
	if (room.state.get('m.room.create')?.content['m.federate'] === false) return false;
	if (room.entry['world_readable'] === true || isOpenToAsk(room)) return true;
	for (const id of [roomId, ...allowedRooms(room)]) {
		if ((await storage.memberships.listServers(id)).includes(origin)) return true;
	}
	const invited = await storage.memberships.listOfRoom(roomId, {memberships: ['invite'], limit: INVITED_MAX});
	return invited.some(({userId}) => domainOf(userId) === origin);
}

/** Whether anybody may join, or ask to. */
function isOpenToAsk({state, version}: RoomDescription): boolean {
	const rule = joinRuleOf(state.get('m.room.join_rules'));
	return rule === 'public' || isKnockable(version, rule);
}

function allowedRooms({state, version}: RoomDescription): RoomId[] {
	const rules = state.get('m.room.join_rules');
	return isRestricted(version, joinRuleOf(rules)) ? listAllowedRooms(rules).slice(0, ALLOWED_ROOMS_MAX) : [];
}

async function isInOneOf({storage}: RoomsContext, userId: UserId, roomIds: readonly RoomId[]): Promise<boolean> {
	for (const roomId of roomIds) {
		if ((await storage.memberships.find(roomId, userId))?.membership === 'join') return true;
	}
	return false;
}
