import type {JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import type {RoomStateAt} from '../room-states.ts';
import {heroesOf} from '../summaries.ts';
import {findContents} from './contents.ts';
import type {StateChanges} from './required-state.ts';
import {memberType} from './state-wish.ts';
import type {SlidingParts} from './view.ts';

const nameType = 'm.room.name';
const avatarType = 'm.room.avatar';

/** What is to be told of how a room is called. */
export interface NameWish {
	readonly roomId: RoomId;
	readonly userId: UserId;
	readonly now: RoomStateAt;
	/** Absent: the client was told nothing. */
	readonly changes: StateChanges | undefined;
	/** Whether those of whom it may be called are told: to who is inside. */
	readonly hasHeroes: boolean;
}

/**
 * Gives what is new of a room's name, its picture, and the people after whom it is called where it has no name, as JSON
 * texts by the keys of the answer.
 */
export async function describeName(parts: SlidingParts, wish: NameWish): Promise<Record<string, string | undefined>> {
	const {now, changes} = wish;
	const isNew = (type: string): boolean => changes === undefined || hasChanged(changes, type);
	const membersChanged = changes === undefined || hasChangedMembers(changes);
	if (!isNew(nameType) && !isNew(avatarType) && !membersChanged) return {};
	const keys = [nameType, avatarType].map((type) => ({type, stateKey: ''}));
	const contents = await findContents(parts, await parts.indexes.find(now, keys));
	const name = textOf(contents.get(nameType)?.['name']);
	const avatar = textOf(contents.get(avatarType)?.['url']);
	const needsHeroes = wish.hasHeroes && name === undefined && (membersChanged || isNew(nameType));
	// To who knows nothing, what is not there need not be said.
	const gone = changes === undefined ? undefined : 'null';
	return {
		...(isNew(nameType) && {name: name === undefined ? gone : JSON.stringify(name)}),
		...(isNew(avatarType) && {avatar: avatar === undefined ? gone : JSON.stringify(avatar)}),
		...(needsHeroes && {heroes: await describeHeroes(parts, wish)}),
	};
}

/** Whether somebody's membership changed. */
export function hasChangedMembers({entries, removed}: StateChanges): boolean {
	return [...entries, ...removed].some(({type}) => type === memberType);
}

function hasChanged({entries, removed}: StateChanges, wanted: string): boolean {
	return [...entries, ...removed].some(({type, stateKey}) => type === wanted && stateKey === '');
}

async function describeHeroes(parts: SlidingParts, {roomId, userId, now}: NameWish): Promise<string | undefined> {
	const heroes = heroesOf(await parts.summaries.get(roomId), userId);
	const keys = heroes.map((stateKey) => ({type: memberType, stateKey}));
	const contents = await findContents(parts, await parts.indexes.find(now, keys));
	const told = heroes.map((hero) => describeHero(hero, contents.get(hero)));
	return told.length === 0 ? undefined : JSON.stringify(told);
}

function describeHero(userId: UserId, content: JsonObject = {}): JsonObject {
	const displayName = textOf(content['displayname']);
	const avatarUrl = textOf(content['avatar_url']);
	return {
		user_id: userId,
		...(displayName !== undefined && {displayname: displayName}),
		...(avatarUrl !== undefined && {avatar_url: avatarUrl}),
	};
}

/** What is in a room may be anything; an empty text is as good as none. */
function textOf(value: unknown): string | undefined {
	return typeof value === 'string' && value !== '' ? value : undefined;
}
