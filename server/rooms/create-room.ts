import {domainOf, isRoomAlias, type JsonObject, type RoomAlias, type RoomId, type UserId} from '../../crypto/index.ts';
import {EngineError} from '../../federation/engine/index.ts';
import {findRoomVersion, type RoomVersionId} from '../../federation/rooms/index.ts';
import {type Batch, DuplicateError} from '../../storage/index.ts';
import {mustTakeName} from './aliases.ts';
import {checkAvatar} from './avatar.ts';
import {type Actor, mustNotBeSuspended, type RoomsContext} from './context.ts';
import {RoomsError} from './errors.ts';
import {type InitialState, listFirstEvents, type Preset} from './first-events.ts';
import {invite, mustTakeInvites} from './invite.ts';
import {contentAbout, inviteContent, ownContent} from './member-content.ts';

/** People that a room may begin with: each is an event. */
const INVITED_MAX = 300;

/** What a new room is to be like, as a client says it. */
export interface NewRoom {
	readonly visibility?: 'public' | 'private' | undefined;
	/** The localpart of an alias of this server. */
	readonly aliasName?: string | undefined;
	readonly name?: string | undefined;
	readonly topic?: string | undefined;
	readonly invite?: readonly UserId[] | undefined;
	/** Of the invited, those whose accounts are made with the room, by `alsoWrite`: there is nothing to be learnt of them. */
	readonly newcomers?: readonly UserId[] | undefined;
	/** Whether people are to be invited by e-mail address or the like, which this server does not do. */
	readonly hasThirdPartyInvites?: boolean | undefined;
	readonly version?: string | undefined;
	readonly creationContent?: JsonObject | undefined;
	readonly initialState?: readonly InitialState[] | undefined;
	readonly preset?: Preset | undefined;
	readonly isDirect?: boolean | undefined;
	readonly powerLevelOverride?: JsonObject | undefined;
	/** What must stand or fall with the room. */
	readonly alsoWrite?: ((batch: Batch, roomId: RoomId) => void) | undefined;
}

/**
 * Makes a room: all of it is one commit, except that invites of people elsewhere need their servers' signatures and so
 * follow it. One that cannot be delivered leaves the room without it.
 * @throws RoomsError 'unsupported-version', 'room-in-use', 'invalid-room-state', 'invalid-parameter', 'bad-event',
 * 'invite-blocked'; FactsSpentError
 */
export async function createRoom(context: RoomsContext, actor: Actor, wish: NewRoom): Promise<RoomId> {
	mustNotBeSuspended(actor);
	if (wish.hasThirdPartyInvites === true) {
		throw new RoomsError('no-third-party-invites', 'Nobody is invited here but by a user id');
	}
	const {serverName, engine} = context;
	const version = chooseVersion(context, wish.version);
	const alias = await chooseAlias(context, actor, wish.aliasName);
	const invited = [...new Set(wish.invite)];
	if (invited.length > INVITED_MAX) {
		throw new RoomsError('invalid-parameter', `At most ${INVITED_MAX} people can be invited to a new room`);
	}
	const said: JsonObject = wish.isDirect === true ? {is_direct: true} : {};
	const local = invited.filter((userId) => domainOf(userId) === serverName);
	const isNewcomer = (userId: UserId): boolean => wish.newcomers?.includes(userId) === true;
	const others = invited.filter((userId) => !isNewcomer(userId));
	await context.visibility.mayInvite(actor, others);
	for (const userId of local) if (!isNewcomer(userId)) await mustTakeInvites(context, actor, userId);
	const invites = await Promise.all(
		local.map(async (userId) => ({
			userId,
			content: isNewcomer(userId) ? contentAbout('invite', said) : await inviteContent(context, actor, userId, said),
		})),
	);
	const events = listFirstEvents({
		version,
		creator: actor.userId,
		preset: wish.preset ?? (wish.visibility === 'public' ? 'public_chat' : 'private_chat'),
		creatorContent: await ownContent(context, actor.userId, 'join'),
		creationContent: wish.creationContent ?? {},
		powerLevelOverride: wish.powerLevelOverride ?? {},
		alias,
		initialState: checkInitialState(wish.initialState ?? [], actor.userId),
		name: wish.name,
		topic: wish.topic,
		invited,
		invites,
	});
	const alsoWrite = (batch: Batch, {roomId}: {readonly roomId: RoomId}) =>
		writeBeside(context, actor, wish, alias, batch, roomId);
	const {roomId} = await engine.createRoom({version, events, alsoWrite}).catch((cause: unknown) => {
		throw toRoomsError(cause);
	});
	await inviteOthers(
		context,
		actor,
		roomId,
		invited.filter((userId) => domainOf(userId) !== serverName),
		said,
	);
	return roomId;
}

function writeBeside(
	{storage, serverName}: RoomsContext,
	{userId}: Actor,
	wish: NewRoom,
	alias: RoomAlias | undefined,
	batch: Batch,
	roomId: RoomId,
): void {
	if (alias !== undefined) storage.aliases.add(batch, {alias, roomId, creator: userId, servers: [serverName]});
	if (wish.visibility === 'public') storage.rooms.setPublished(batch, roomId, true);
	wish.alsoWrite?.(batch, roomId);
}

/** Gives the version of a new room. @throws RoomsError 'unsupported-version' */
export function chooseVersion({defaultRoomVersion}: RoomsContext, wanted: string | undefined): RoomVersionId {
	if (wanted === undefined) return defaultRoomVersion;
	const version = findRoomVersion(wanted);
	if (!version) throw new RoomsError('unsupported-version', 'This server does not know the room version');
	return version.id;
}

async function chooseAlias(
	context: RoomsContext,
	actor: Actor,
	name: string | undefined,
): Promise<RoomAlias | undefined> {
	if (name === undefined) return undefined;
	const alias = `#${name}:${context.serverName}`;
	if (name === '' || name.includes(':') || !isRoomAlias(alias)) {
		throw new RoomsError(
			'invalid-parameter',
			'room_alias_name: expected a localpart of at most 255 bytes with the rest',
		);
	}
	await mustTakeName(context, actor, alias);
	if (await context.storage.aliases.find(alias)) throw roomInUse();
	return alias;
}

/** Memberships of others are not for their inviter to write: their own servers have a say in them. */
function checkInitialState(initialState: readonly InitialState[], creator: UserId): readonly InitialState[] {
	const foreign = initialState.some(({type, state_key: stateKey}) => type === 'm.room.member' && stateKey !== creator);
	if (foreign) {
		throw new RoomsError('invalid-room-state', 'initial_state: expected no m.room.member of others, use invite');
	}
	for (const {type, content} of initialState) checkAvatar(type, content);
	return initialState;
}

async function inviteOthers(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	others: readonly UserId[],
	said: JsonObject,
): Promise<void> {
	const outcomes = await Promise.allSettled(others.map((userId) => invite(context, actor, roomId, userId, said)));
	for (const outcome of outcomes) {
		// What the specification gives createRoom a code for is told; a server that is down now may be invited later.
		const {reason} = outcome as PromiseRejectedResult;
		if (reason instanceof RoomsError && ['unsupported-version', 'invite-blocked'].includes(reason.code)) throw reason;
		if (reason !== undefined && !(reason instanceof RoomsError) && !(reason instanceof EngineError)) throw reason;
	}
}

function toRoomsError(cause: unknown): unknown {
	if (cause instanceof EngineError && cause.rule !== undefined) {
		return new RoomsError('invalid-room-state', `The room cannot begin like this: ${cause.message}`, {cause});
	}
	return cause instanceof DuplicateError && cause.table === 'aliases' ? roomInUse({cause}) : cause;
}

function roomInUse(options?: ErrorOptions): RoomsError {
	return new RoomsError('room-in-use', 'The alias names another room already', options);
}
