import {
	canonicalJson,
	CanonicalJsonError,
	type EventId,
	isRoomId,
	isUserId,
	type JsonObject,
	type RoomId,
	type UserId,
} from '../../crypto/index.ts';
import {isMembership, type Pdu} from '../../federation/rooms/index.ts';
import {checkAvatar} from './avatar.ts';
import {mustNameRoom} from './canonical-alias.ts';
import {type Actor, mustBeJoined, mustNotBeSuspended, type RoomsContext, sendAllowed} from './context.ts';
import {findShown} from './current-state.ts';
import {notInRoom, RoomsError} from './errors.ts';
import {invite} from './invite.ts';
import {join} from './join.ts';
import {knock} from './knock.ts';
import {leave} from './leave.ts';
import {membershipKey, ownContent} from './member-content.ts';
import {ban, kick, unban} from './moderate.ts';
import {carrySettingsOverIfIn} from './predecessor.ts';

/** A state event as a client sends it. */
export interface NewState {
	readonly type: string;
	readonly stateKey: string;
	readonly content: JsonObject;
}

/**
 * Sets an entry of a room's state. Setting what the same person has set already changes nothing and gives that event.
 * Memberships go the way of the endpoints that are made for them.
 * @throws RoomsError 'not-in-room', 'forbidden', 'bad-event', 'bad-alias', 'invalid-parameter', and those of memberships
 */
export async function setState(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	{type, stateKey, content}: NewState,
): Promise<EventId> {
	checkAvatar(type, content);
	if (type === 'm.room.member') return setMembership(context, actor, roomId, stateKey, content);
	mustNotBeSuspended(actor);
	await mustBeJoined(context, roomId, actor.userId);
	const current = await findShown(context, roomId, type, stateKey);
	if (current && isRepetition(current, actor.userId, content)) return current.eventId;
	if (type === 'm.room.canonical_alias' && stateKey === '') {
		await mustNameRoom(context, actor, roomId, content, current?.content ?? {});
	}
	const {eventId} = await sendAllowed(context, roomId, {type, stateKey, sender: actor.userId, content});
	if (type === 'm.room.tombstone' && stateKey === '' && isRoomId(content['replacement_room'])) {
		// Whoever upgrades a room by hand is in the new one before the old one says so.
		await carrySettingsOverIfIn(context, actor.userId, content['replacement_room']);
	}
	return eventId;
}

async function setMembership(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	target: string,
	content: JsonObject,
): Promise<EventId> {
	const {membership} = content;
	if (!isUserId(target)) throw new RoomsError('bad-event', 'The state key of a member event is a user id');
	if (!isMembership(membership)) {
		throw new RoomsError('bad-event', "'membership' is wrong: expected invite, join, knock, leave or ban");
	}
	checkProfile(content);
	if (target === actor.userId) await setOwnMembership(context, actor, roomId, membership, content);
	else if (membership === 'invite') await invite(context, actor, roomId, target, content);
	else if (membership === 'ban') await ban(context, actor, roomId, target, content);
	else if (membership === 'leave') await putOut(context, actor, roomId, target, content);
	else {
		await mustBeJoined(context, roomId, actor.userId);
		throw new RoomsError('forbidden', 'Nobody can join or knock for another user');
	}
	return getMemberEventId(context, roomId, target);
}

async function setOwnMembership(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	membership: 'invite' | 'join' | 'knock' | 'leave' | 'ban',
	content: JsonObject,
): Promise<void> {
	if (membership === 'leave') await leave(context, actor, roomId, content);
	else if (membership === 'knock') await knock(context, actor, roomId, {said: content});
	else if (membership === 'join') {
		const row = await context.storage.memberships.find(roomId, actor.userId);
		if (row?.membership === 'join') await rewriteOwnMember(context, actor, roomId, content);
		else await join(context, actor, roomId, {said: content});
	} else {
		mustNotBeSuspended(actor);
		await mustBeJoined(context, roomId, actor.userId);
		await sendAllowed(context, roomId, {
			type: 'm.room.member',
			stateKey: actor.userId,
			sender: actor.userId,
			content: {...content, membership},
		});
	}
}

/** Gives somebody who is in a room another name or avatar there. */
async function rewriteOwnMember(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	content: JsonObject,
): Promise<void> {
	mustNotBeSuspended(actor);
	const {userId} = actor;
	await context.memberships.run(membershipKey(roomId, userId), async () => {
		const current = await findShown(context, roomId, 'm.room.member', userId);
		const next = await ownContent(context, userId, 'join', content);
		if (current && isRepetition(current, userId, next)) return;
		await sendAllowed(context, roomId, {type: 'm.room.member', stateKey: userId, sender: userId, content: next});
	});
}

async function putOut(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	target: UserId,
	content: JsonObject,
): Promise<void> {
	await mustBeJoined(context, roomId, actor.userId);
	const before = (await context.storage.memberships.find(roomId, target))?.membership;
	await (before === 'ban' ? unban : kick)(context, actor, roomId, target, content);
}

/** Other people's clients and servers rely on these being text. */
function checkProfile({displayname, avatar_url: avatarUrl}: JsonObject): void {
	for (const value of [displayname, avatarUrl]) {
		if (value !== undefined && value !== null && typeof value !== 'string') {
			throw new RoomsError('bad-event', "'displayname' and 'avatar_url' are wrong: expected strings");
		}
	}
}

async function getMemberEventId({storage}: RoomsContext, roomId: RoomId, target: UserId): Promise<EventId> {
	const row = await storage.memberships.find(roomId, target);
	const event = row && row.eventNid !== null ? await storage.events.findByNid(row.eventNid) : undefined;
	if (!event) throw notInRoom();
	return event.eventId;
}

/** Whether somebody sets what they have set already. */
function isRepetition(current: Pdu, sender: UserId, content: JsonObject): boolean {
	if (current.sender !== sender) return false;
	try {
		return canonicalJson(current.content) === canonicalJson(content);
	} catch (error) {
		// What cannot be written down canonically is refused when the event is built.
		if (error instanceof CanonicalJsonError) return false;
		throw error;
	}
}
