import {
	domainOf,
	isUserId,
	type JsonObject,
	type RoomAlias,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import {EngineError, type RoomView} from '../../federation/engine/index.ts';
import {
	isRestricted,
	joinRuleOf,
	listAllowedRooms,
	powerLevelsOf,
	roomVersion,
	userLevel,
} from '../../federation/rooms/index.ts';
import type {MembershipRow} from '../../storage/index.ts';
import {type Actor, forbidden, mustNotBeSuspended, type RoomsContext} from './context.ts';
import {notAdmitted, RoomsError} from './errors.ts';
import {findRoom} from './find-room.ts';
import {membershipKey, ownContent} from './member-content.ts';
import {carrySettingsOver} from './predecessor.ts';

/** What a client says about how to enter a room. */
export interface Entry {
	/** Servers to ask where this one is not in the room. */
	readonly via?: readonly ServerName[] | undefined;
	/** What the member event holds beside the membership: `reason`, or a profile for this room. */
	readonly said?: JsonObject | undefined;
}

/**
 * Joins a room; nothing happens for who is in it. A stranger learns nothing of rooms that do not let them in.
 * @throws RoomsError 'not-found' for an alias; 'not-in-room', 'forbidden', 'no-guests', and those of RemoteRooms
 */
export async function join(
	context: RoomsContext,
	actor: Actor,
	roomIdOrAlias: RoomId | RoomAlias,
	{via = [], said}: Entry = {},
): Promise<RoomId> {
	mustNotBeSuspended(actor);
	const {roomId, servers} = await findRoom(context, actor, roomIdOrAlias, via);
	await context.memberships.run(membershipKey(roomId, actor.userId), async () => {
		const row = await context.storage.memberships.find(roomId, actor.userId);
		if (row?.membership === 'join') return;
		if ((await context.storage.rooms.find(roomId))?.isBlocked === true) throw notAdmitted();
		const content = await ownContent(context, actor.userId, 'join', said);
		const view = await findResidentRoom(context, roomId);
		// While it is not known who is in the room, it is not known either who is banned from it: others know.
		const known = view?.isPartial ? await context.storage.memberships.listServers(roomId) : [];
		if (view && !view.isPartial) await joinHere(context, actor, view, row, content);
		else await joinElsewhere(context, actor, roomId, listServers(context, row, [...servers, ...known]), content);
		// Who comes back has settled what they keep here.
		if (row?.membership !== 'leave') await carrySettingsOver(context, actor.userId, roomId);
	});
	return roomId;
}

/** Gives the room where this server can decide about it: somebody of ours is in it, or nobody of another server is. */
export async function findResidentRoom(
	{engine, storage, serverName}: RoomsContext,
	roomId: RoomId,
): Promise<RoomView | undefined> {
	const view = await engine.findRoom(roomId);
	if (!view || view.isServerJoined(serverName)) return view;
	return (await storage.memberships.listServers(roomId)).length === 0 ? view : undefined;
}

/** Lists servers that may let somebody into a room, the inviter's first. */
export function listServers(
	{serverName}: RoomsContext,
	row: MembershipRow | undefined,
	servers: readonly ServerName[],
): ServerName[] {
	const inviters = row?.membership === 'invite' ? [domainOf(row.sender)] : [];
	const shown = row?.membership === 'knock' ? listSendersServers(row.strippedState ?? []) : [];
	const all = new Set([...inviters, ...servers, ...shown]);
	return [...all].filter((server) => server !== serverName);
}

/** The servers of those who made what a knocking user is shown of a room: all that is known of who is in it. */
function listSendersServers(strippedState: readonly JsonObject[]): ServerName[] {
	return strippedState
		.map(({sender}) => sender)
		.filter(isUserId)
		.map((userId) => domainOf(userId));
}

async function joinElsewhere(
	{remote}: RoomsContext,
	{userId, isGuest}: Actor,
	roomId: RoomId,
	via: readonly ServerName[],
	content: JsonObject,
): Promise<void> {
	if (via.length === 0) throw notAdmitted();
	if (isGuest) throw noGuests();
	await remote.join({roomId, userId, via, content});
}

async function joinHere(
	context: RoomsContext,
	actor: Actor,
	view: RoomView,
	row: MembershipRow | undefined,
	content: JsonObject,
): Promise<void> {
	const {roomId} = view;
	if (actor.isGuest && !(await takesGuests(view))) throw row ? noGuests() : notAdmitted();
	if (row?.membership !== 'invite') {
		const admission = await findAdmission(context, view, actor.userId);
		if (admission === 'refused') throw notAdmitted();
		if (admission === 'elsewhere') {
			await joinElsewhere(context, actor, roomId, await context.storage.memberships.listServers(roomId), content);
			return;
		}
		if (admission !== 'free') content['join_authorised_via_users_server'] = admission;
	}
	const event = {type: 'm.room.member', stateKey: actor.userId, sender: actor.userId, content};
	await context.engine.send({roomId, event}).catch((cause: unknown) => {
		if (!(cause instanceof EngineError) || cause.code !== 'forbidden') throw cause;
		// Who was never there is told the same as where there is no room.
		throw row ? forbidden(cause) : notAdmitted({cause});
	});
}

/**
 * Says by whom somebody without an invite is let in: `free` where the rules decide alone, a local member for a
 * restricted room whose conditions are met, `elsewhere` where only members of other servers have the power.
 * @see https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms
 */
async function findAdmission(
	context: RoomsContext,
	view: RoomView,
	userId: UserId,
): Promise<UserId | 'free' | 'elsewhere' | 'refused'> {
	const joinRules = await view.findState('m.room.join_rules', '');
	if (!isRestricted(roomVersion(view.version), joinRuleOf(joinRules))) return 'free';
	const {storage} = context;
	const allowed = await Promise.all(
		listAllowedRooms(joinRules).map((roomId) => storage.memberships.find(roomId, userId)),
	);
	if (!allowed.some((row) => row?.membership === 'join')) return 'refused';
	return (await findAuthoriser(context, view)) ?? 'elsewhere';
}

/** Finds a member of this server with the power to invite. */
async function findAuthoriser({storage, serverName}: RoomsContext, view: RoomView): Promise<UserId | undefined> {
	const {roomId} = view;
	const levels = powerLevelsOf(
		await view.findState('m.room.create', ''),
		await view.findState('m.room.power_levels', ''),
	);
	const hasPower = (userId: string) => userLevel(levels, userId) >= levels.invite;
	const named = [...levels.creators, ...levels.users.keys()].filter((user) => isUserId(user));
	for (const userId of named.filter((user) => hasPower(user) && domainOf(user) === serverName)) {
		if ((await storage.memberships.find(roomId, userId))?.membership === 'join') return userId;
	}
	if (levels.usersDefault < levels.invite) return undefined;
	return (await storage.memberships.listLocalJoined(roomId)).find((userId) => hasPower(userId));
}

async function takesGuests(view: RoomView): Promise<boolean> {
	const event = await view.findState('m.room.guest_access', '');
	return event?.content['guest_access'] === 'can_join';
}

function noGuests(): RoomsError {
	return new RoomsError('no-guests', 'The room lets no guests in');
}
