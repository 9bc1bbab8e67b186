import {domainOf, type RoomAlias, type RoomId} from '../../crypto/index.ts';
import {eventLevel, powerLevelsOf, userLevel} from '../../federation/rooms/index.ts';
import {type AliasRow, DuplicateError} from '../../storage/index.ts';
import {mayRead} from './access.ts';
import {withoutAlias} from './canonical-alias.ts';
import {type Actor, getRoom, mustBeJoined, mustNotBeSuspended, type RoomsContext, sendAllowed} from './context.ts';
import {findShown} from './current-state.ts';
import {notInRoom, RoomsError} from './errors.ts';
import {mayKnowAlias, noSuchAlias} from './find-room.ts';

/** Aliases that one room may have here. */
const ALIASES_OF_ROOM_MAX = 50;

/**
 * Gives a room that the caller is in an alias of this server.
 * @throws RoomsError 'invalid-parameter', 'not-in-room', 'alias-taken', 'forbidden'; FactsSpentError
 */
export async function addAlias(context: RoomsContext, actor: Actor, alias: RoomAlias, roomId: RoomId): Promise<void> {
	const {storage, serverName} = context;
	mustNotBeSuspended(actor);
	if (domainOf(alias) !== serverName) throw new RoomsError('invalid-parameter', 'The alias is of another server');
	await mustBeJoined(context, roomId, actor.userId);
	if ((await storage.aliases.listOfRoom(roomId)).length >= ALIASES_OF_ROOM_MAX) {
		throw new RoomsError('forbidden', `A room has at most ${ALIASES_OF_ROOM_MAX} aliases`);
	}
	await mustTakeName(context, actor, alias);
	const batch = storage.batch();
	storage.aliases.add(batch, {alias, roomId, creator: actor.userId, servers: [serverName]});
	try {
		await storage.commit(batch);
	} catch (cause) {
		if (!(cause instanceof DuplicateError)) throw cause;
		throw new RoomsError('alias-taken', 'The alias names another room already', {cause});
	}
}

/**
 * Lets somebody try to give a name: that it is taken tells of a room, so that names are counted, taken or not, where the
 * caller may not know of everybody here (row 27 of the enumeration surface). @throws FactsSpentError
 */
export async function mustTakeName({visibility, facts}: RoomsContext, actor: Actor, alias: RoomAlias): Promise<void> {
	if (visibility.mayKnowAll(actor, 'directory')) return;
	await facts.learn({asker: {kind: 'person', name: actor.userId}, topic: 'alias-name'}, [alias]);
}

/**
 * Removes an alias of this server, from the room's canonical aliases too where the caller may change those. Its creator
 * may, who may change the canonical aliases, and administrators.
 * @throws RoomsError 'not-found', 'forbidden' only for who may know of the alias
 */
export async function removeAlias(context: RoomsContext, actor: Actor, alias: RoomAlias): Promise<void> {
	const {storage} = context;
	const row = await storage.aliases.find(alias);
	if (!row) throw noSuchAlias();
	const isModerator = await mayChangeAliases(context, actor, row.roomId);
	if (row.creator !== actor.userId && !actor.isAdmin && !isModerator) {
		if (!(await mayKnowAlias(context, actor, row))) throw noSuchAlias();
		throw new RoomsError('forbidden', 'The alias is not yours to remove');
	}
	const batch = storage.batch();
	storage.aliases.remove(batch, alias);
	await storage.commit(batch);
	if (isModerator) await removeFromCanonical(context, actor, row);
}

/** Lists the aliases that this server gives to a room, for members and where anybody may read. @throws RoomsError 'not-in-room' */
export async function listAliases(context: RoomsContext, {userId}: Actor, roomId: RoomId): Promise<RoomAlias[]> {
	const {until} = await mayRead(context, roomId, userId);
	if (until !== Number.POSITIVE_INFINITY) throw notInRoom();
	return (await context.storage.aliases.listOfRoom(roomId)).map(({alias}) => alias);
}

/** Whether somebody is in a room and may change its canonical aliases: who keeps its names in order. */
export async function mayChangeAliases(context: RoomsContext, {userId}: Actor, roomId: RoomId): Promise<boolean> {
	if ((await context.storage.memberships.find(roomId, userId))?.membership !== 'join') return false;
	const view = await getRoom(context, roomId);
	const levels = powerLevelsOf(
		await view.findState('m.room.create', ''),
		await view.findState('m.room.power_levels', ''),
	);
	return userLevel(levels, userId) >= eventLevel(levels, 'm.room.canonical_alias', true);
}

async function removeFromCanonical(context: RoomsContext, {userId}: Actor, {roomId, alias}: AliasRow): Promise<void> {
	const current = await findShown(context, roomId, 'm.room.canonical_alias');
	const content = current && withoutAlias(current.content, alias);
	if (!content) return;
	await sendAllowed(context, roomId, {type: 'm.room.canonical_alias', stateKey: '', sender: userId, content});
}
