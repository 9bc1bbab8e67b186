import type {JsonValue, RoomId, UserId} from '../../crypto/index.ts';
import {EngineError} from '../../federation/engine/index.ts';
import type {RoomsContext} from './context.ts';
import {findShown} from './current-state.ts';
import {membershipKey, profileContent} from './member-content.ts';

/** Rooms whose member event is rewritten at the same time. */
const ROOMS_AT_ONCE = 8;

/**
 * Repeats somebody's profile in every room that they are in. A room that does not take the event keeps the old one: the
 * profile itself has changed all the same.
 * @see https://spec.matrix.org/v1.19/client-server-api/#events-on-change-of-profile-information
 */
export async function updateOwnProfile(
	context: RoomsContext,
	userId: UserId,
	profile: Readonly<Record<string, JsonValue>>,
): Promise<void> {
	const rows = await context.storage.memberships.listOfUser(userId, ['join']);
	const waiting = rows.map(({roomId}) => roomId);
	const work = async (): Promise<void> => {
		for (let roomId = waiting.shift(); roomId !== undefined; roomId = waiting.shift()) {
			await updateIn(context, roomId, userId, profile);
		}
	};
	await Promise.all(Array.from({length: ROOMS_AT_ONCE}, work));
}

async function updateIn(
	context: RoomsContext,
	roomId: RoomId,
	userId: UserId,
	profile: Readonly<Record<string, JsonValue>>,
): Promise<void> {
	const {engine, memberships} = context;
	const wanted = profileContent(profile);
	await memberships.run(membershipKey(roomId, userId), async () => {
		const member = await findShown(context, roomId, 'm.room.member', userId);
		if (member?.content['membership'] !== 'join') return;
		const {displayname, avatar_url: avatarUrl} = member.content;
		if (displayname === wanted['displayname'] && avatarUrl === wanted['avatar_url']) return;
		const content = {...wanted, membership: 'join'};
		try {
			await engine.send({roomId, event: {type: 'm.room.member', stateKey: userId, sender: userId, content}});
		} catch (error) {
			if (!(error instanceof EngineError)) throw error;
		}
	});
}
