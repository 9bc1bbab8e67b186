import {domainOf, isRoomId, type RoomAlias, type RoomId, type ServerName} from '../../crypto/index.ts';
import type {AliasRow} from '../../storage/index.ts';
import type {Actor, RoomsContext} from './context.ts';
import {RoomsError} from './errors.ts';

/** Servers of a room that are named to who asks for an alias; any of them can let somebody in. */
const SERVERS_MAX = 50;
/** Invited people who are looked through for somebody of a server that asks. */
const INVITED_MAX = 1_000;

/** What an alias stands for. */
export interface AliasedRoom {
	readonly roomId: RoomId;
	/** Servers that know the room, at least one. */
	readonly servers: readonly ServerName[];
}

/** Gives the room that is meant, with servers to reach it by. @throws RoomsError 'not-found' for an alias */
export async function findRoom(
	context: RoomsContext,
	actor: Actor,
	roomIdOrAlias: RoomId | RoomAlias,
	via: readonly ServerName[],
): Promise<AliasedRoom> {
	if (isRoomId(roomIdOrAlias)) return {roomId: roomIdOrAlias, servers: via};
	const {roomId, servers} = await getAlias(context, actor, roomIdOrAlias);
	return {roomId, servers: [...new Set([...via, ...servers])]};
}

/**
 * Gives the room that an alias names. Who may not know of the room is told the same as where there is no such alias, and so
 * is who has asked for as many as a day allows.
 * @param actor `undefined` for callers without an account
 * @throws RoomsError 'not-found'
 */
export async function getAlias(
	context: RoomsContext,
	actor: Actor | undefined,
	alias: RoomAlias,
): Promise<AliasedRoom> {
	const {storage, serverName, remote, visibility} = context;
	if (domainOf(alias) !== serverName) {
		// Nobody without an account makes this server ask others.
		const found = actor && (await remote.findAlias(alias));
		if (!found) throw noSuchAlias();
		return found;
	}
	// How much there was to look at must not show in the time of a refusal.
	return visibility.refuseOnGrid(async () => {
		const row = await storage.aliases.find(alias);
		if (row && (await isShown(context, actor, row))) return withServers(context, row);
		if (!(await mayAsk(context, actor, alias))) throw noSuchAlias();
		if (!row || !actor || !(await visibility.isAcquainted(actor, row.creator, 'directory'))) throw noSuchAlias();
		return withServers(context, row);
	});
}

/**
 * Whether somebody may be told of an alias that is neither published nor of a room that they are in or invited into: whether
 * there is such an alias is a fact of their day, unless they may know of everybody here.
 */
async function mayAsk({visibility, facts}: RoomsContext, actor: Actor | undefined, alias: RoomAlias): Promise<boolean> {
	if (!actor) {
		await facts.noteProbes(undefined, [alias]);
		return false;
	}
	if (visibility.mayKnowAll(actor, 'directory')) return true;
	return (await facts.learnSome({asker: {kind: 'person', name: actor.userId}, topic: 'alias'}, [alias])).has(alias);
}

/**
 * Gives another server the room that an alias of this one names: to those who may know of the people here, and those
 * with somebody in the room or invited into it. @throws RoomsError 'not-found'
 */
export async function getAliasFor(context: RoomsContext, origin: ServerName, alias: RoomAlias): Promise<AliasedRoom> {
	const {storage, visibility, facts} = context;
	const row = await storage.aliases.find(alias);
	if (row && (await isShownTo(context, origin, row))) return withServers(context, row);
	const asker = {kind: 'server', name: origin} as const;
	const isAllowed =
		visibility.mayServerKnowAll(origin, 'directory') ||
		(await facts.learnSome({asker, topic: 'alias'}, [alias])).has(alias);
	if (!isAllowed || !row || !(await visibility.isServerAcquainted(origin, row.creator, 'directory')))
		throw noSuchAlias();
	return withServers(context, row);
}

/** Whether another server has a right to an alias: its room is published, or somebody of theirs is in it or invited. */
async function isShownTo(context: RoomsContext, origin: ServerName, {roomId}: AliasRow): Promise<boolean> {
	const {storage} = context;
	return (
		(await storage.rooms.find(roomId))?.isPublished === true ||
		(await storage.memberships.listServers(roomId)).includes(origin) ||
		(await isInvited(context, roomId, origin))
	);
}

async function isInvited({storage}: RoomsContext, roomId: RoomId, server: ServerName): Promise<boolean> {
	const invited = await storage.memberships.listOfRoom(roomId, {memberships: ['invite'], limit: INVITED_MAX});
	return invited.some(({userId}) => domainOf(userId) === server);
}

async function withServers({storage, serverName}: RoomsContext, {roomId, servers}: AliasRow): Promise<AliasedRoom> {
	const others = await storage.memberships.listServers(roomId);
	return {roomId, servers: [...new Set([serverName, ...servers, ...others])].slice(0, SERVERS_MAX)};
}

/**
 * Tells whether somebody may learn what an alias names: what the directory shows everybody may, members and those
 * invited may, and whoever may know of the people here.
 */
export async function mayKnowAlias(context: RoomsContext, actor: Actor | undefined, row: AliasRow): Promise<boolean> {
	if (await isShown(context, actor, row)) return true;
	return actor !== undefined && context.visibility.isAcquainted(actor, row.creator, 'directory');
}

/** Whether an alias is everybody's to know, or its room has the caller in it or invited. */
async function isShown(
	{storage, visibility}: RoomsContext,
	actor: Actor | undefined,
	{roomId}: AliasRow,
): Promise<boolean> {
	if ((await storage.rooms.find(roomId))?.isPublished === true || visibility.isOpen('directory')) return true;
	if (!actor) return false;
	const membership = (await storage.memberships.find(roomId, actor.userId))?.membership;
	return membership === 'join' || membership === 'invite';
}

/** One text for an alias that is not there and for one that the caller may not know. */
export function noSuchAlias(): RoomsError {
	return new RoomsError('not-found', 'There is no such alias');
}
