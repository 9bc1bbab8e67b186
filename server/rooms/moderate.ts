import type {JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import type {Membership} from '../../federation/rooms/index.ts';
import {
	type Actor,
	mustBeComplete,
	mustBeJoined,
	mustNotBeSuspended,
	type RoomsContext,
	sendAllowed,
} from './context.ts';
import {RoomsError} from './errors.ts';
import {contentAbout, membershipKey} from './member-content.ts';

/** Who can be put out of a room: everybody who is in it or on the way. */
const REMOVABLE: ReadonlySet<Membership> = new Set(['join', 'invite', 'knock']);

/**
 * Puts somebody out of a room. Whether they have an account is not looked at.
 * @throws RoomsError 'not-in-room', 'forbidden'
 */
export function kick(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	target: UserId,
	said?: JsonObject,
): Promise<void> {
	return changeOther(context, actor, roomId, {target, membership: 'leave', said}, (before) => {
		if (before === undefined || !REMOVABLE.has(before)) {
			throw new RoomsError('forbidden', 'The user is not in the room');
		}
		return true;
	});
}

/** Puts somebody out of a room and keeps them out; nothing happens for who is banned. @throws as {@link kick} */
export function ban(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	target: UserId,
	said?: JsonObject,
): Promise<void> {
	return changeOther(context, actor, roomId, {target, membership: 'ban', said}, (before) => before !== 'ban');
}

/** Ends a ban. @throws RoomsError 'not-in-room', 'forbidden', 'bad-state' where there is none */
export function unban(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	target: UserId,
	said?: JsonObject,
): Promise<void> {
	return changeOther(context, actor, roomId, {target, membership: 'leave', said}, (before) => {
		if (before !== 'ban') throw new RoomsError('bad-state', 'The user is not banned from the room');
		return true;
	});
}

async function changeOther(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	change: {readonly target: UserId; readonly membership: Membership; readonly said: JsonObject | undefined},
	isNeeded: (before: Membership | undefined) => boolean,
): Promise<void> {
	mustNotBeSuspended(actor);
	await mustBeJoined(context, roomId, actor.userId);
	await mustBeComplete(context, roomId);
	const {target, membership, said} = change;
	await context.memberships.run(membershipKey(roomId, target), async () => {
		const before = await context.storage.memberships.find(roomId, target);
		if (!isNeeded(before?.membership)) return;
		const content = contentAbout(membership, said);
		await sendAllowed(context, roomId, {type: 'm.room.member', stateKey: target, sender: actor.userId, content});
	});
}
