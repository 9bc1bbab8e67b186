import {
	canonicalJson,
	domainOf,
	isJsonObject,
	isRoomAlias,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type UserId,
} from '../../crypto/index.ts';
import {EngineError, type EventTemplate, type RoomView} from '../../federation/engine/index.ts';
import {findRoomVersion, powerLevelsOf, type RoomVersionId, roomVersion} from '../../federation/rooms/index.ts';
import type {Batch} from '../../storage/index.ts';
import {
	type Actor,
	forbidden,
	getRoom,
	mustBeJoined,
	mustNotBeSuspended,
	type RoomsContext,
	sendAllowed,
} from './context.ts';
import {createRoom} from './create-room.ts';
import {findShown, listShown} from './current-state.ts';
import {RoomsError} from './errors.ts';
import type {InitialState} from './first-events.ts';
import {carrySettingsOver} from './predecessor.ts';

/** What the specification recommends to take over, but for the power levels, which depend on the version. */
const TAKEN_OVER = [
	'm.room.server_acl',
	'm.room.encryption',
	'm.room.name',
	'm.room.avatar',
	'm.room.topic',
	'm.room.guest_access',
	'm.room.history_visibility',
	'm.room.join_rules',
	'm.room.canonical_alias',
] as const;

/** What a room is to become. */
export interface Upgrade {
	readonly version: string;
	readonly additionalCreators?: readonly UserId[] | undefined;
}

/**
 * Replaces a room by one of another version. The new room stands before the old one is ended; if the end is refused,
 * the old one goes on.
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-18
 * @throws RoomsError 'not-in-room', 'forbidden', 'unsupported-version'
 */
export async function upgradeRoom(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	{version: wanted, additionalCreators = []}: Upgrade,
): Promise<RoomId> {
	mustNotBeSuspended(actor);
	const version = findRoomVersion(wanted)?.id;
	if (!version) throw new RoomsError('unsupported-version', 'This server does not know the room version');
	await mustBeJoined(context, roomId, actor.userId);
	const view = await getRoom(context, roomId);
	const tombstone = {body: 'This room has been replaced', replacement_room: roomId};
	const end = {type: 'm.room.tombstone', stateKey: '', sender: actor.userId, content: tombstone};
	// 1: Checks that the user has permission to send m.room.tombstone events in the room.
	const verdict = await view.check(end);
	if (!verdict.allowed) throw forbidden(new EngineError('forbidden', verdict.reason, {rule: verdict.rule}));
	const successor = await createRoom(context, actor, {
		version,
		creationContent: await creationContent(view, version, additionalCreators),
		// The levels come last: until then the creator has the power to set all the rest.
		initialState: [
			...(await stateToTakeOver(context, roomId)),
			...(await levelsToTakeOver(view, version, [actor.userId, ...additionalCreators])),
		],
		visibility: 'private',
		alsoWrite: await moveNames(context, roomId),
	});
	await sendAllowed(context, roomId, {...end, content: {...tombstone, replacement_room: successor}});
	await forgetNames(context, actor, roomId);
	await closeOldRoom(context, actor, view);
	await carrySettingsOver(context, actor.userId, successor);
	return successor;
}

async function creationContent(
	view: RoomView,
	version: RoomVersionId,
	additionalCreators: readonly UserId[],
): Promise<JsonObject> {
	const create = await view.findState('m.room.create', '');
	const type = create?.content['type'];
	const federates = create?.content['m.federate'];
	const [lastKnown] = view.extremities;
	const hasCreators = roomVersion(version).creatorsAreUnlimited && additionalCreators.length > 0;
	return {
		// The last event that is known; the tombstone, which names the new room, comes after that.
		predecessor: {room_id: view.roomId, ...(lastKnown !== undefined && {event_id: lastKnown})},
		...(type !== undefined && {type}),
		...(federates !== undefined && {'m.federate': federates}),
		...(hasCreators && {additional_creators: [...additionalCreators]}),
	};
}

/** The levels of the old room, in the form of the new version. */
async function levelsToTakeOver(
	view: RoomView,
	version: RoomVersionId,
	creators: readonly UserId[],
): Promise<InitialState[]> {
	const event = await view.findState('m.room.power_levels', '');
	if (!event) return [];
	const isUnlimited = roomVersion(version).creatorsAreUnlimited;
	const wasUnlimited = roomVersion(view.version).creatorsAreUnlimited;
	const {users, events, ...levels} = event.content;
	const named = isJsonObject(users) ? users : {};
	const types = isJsonObject(events) ? events : {};
	const content: JsonObject = {...levels, users: {...named}, events: {...types}};
	if (isUnlimited) {
		// Who is above all levels must not be listed, and they alone end the room.
		content['users'] = Object.fromEntries(
			Object.entries(named).filter(([userId]) => !creators.includes(userId as UserId)),
		);
		content['events'] = {...types, 'm.room.tombstone': Math.max(150, toLevel(levels['state_default']) + 50)};
	} else if (wasUnlimited) {
		// Who was above all levels stands at the top of them now, and no level is beyond reach.
		content['users'] = {...capped(named), [creators[0]!]: 100};
		content['events'] = capped(types);
		Object.assign(content, capped(levels));
	}
	return [{type: 'm.room.power_levels', state_key: '', content}];
}

const toLevel = (value: JsonValue | undefined): number => (typeof value === 'number' ? value : 50);

function capped(levels: JsonObject): JsonObject {
	return Object.fromEntries(
		Object.entries(levels).map(([name, level]) => [name, typeof level === 'number' ? Math.min(level, 100) : level]),
	);
}

/** What a room without the event allows its successor must not loosen: without one, no guests. */
const IMPLIED: readonly InitialState[] = [
	{type: 'm.room.guest_access', state_key: '', content: {guest_access: 'forbidden'}},
];

async function stateToTakeOver(context: RoomsContext, roomId: RoomId): Promise<InitialState[]> {
	const found = await listShown(context, roomId, TAKEN_OVER);
	const moved = new Set<JsonValue>((await context.storage.aliases.listOfRoom(roomId)).map(({alias}) => alias));
	const implied = IMPLIED.filter(({type}) => !found.has(type));
	const taken = [...found.values()].map(({type, content}) => ({
		type,
		state_key: '',
		content: type === 'm.room.canonical_alias' ? keepAliases(content, (alias) => moved.has(alias)) : content,
	}));
	return [...implied, ...taken];
}

/** Gives the content of canonical aliases with some of them. An alias of another server goes on naming the old room. */
function keepAliases({alias, alt_aliases: others}: JsonObject, isKept: (alias: JsonValue) => boolean): JsonObject {
	const kept = Array.isArray(others) ? others.filter(isKept) : [];
	return {
		...(alias !== undefined && isKept(alias) && {alias}),
		...(kept.length > 0 && {alt_aliases: kept}),
	};
}

/** 4: Moves any local aliases to the new room; its place in the directory goes along. */
async function moveNames({storage}: RoomsContext, roomId: RoomId): Promise<(batch: Batch, successor: RoomId) => void> {
	const aliases = await storage.aliases.listOfRoom(roomId);
	const room = await storage.rooms.find(roomId);
	return (batch, successor) => {
		for (const row of aliases) {
			storage.aliases.remove(batch, row.alias);
			storage.aliases.add(batch, {...row, roomId: successor});
		}
		if (room?.isPublished !== true) return;
		storage.rooms.setPublished(batch, roomId, false);
		storage.rooms.setPublished(batch, successor, true);
	};
}

/** The old room says no longer that it has names which lead to the new one by now. */
async function forgetNames(context: RoomsContext, {userId}: Actor, roomId: RoomId): Promise<void> {
	const {storage, serverName} = context;
	const event = await findShown(context, roomId, 'm.room.canonical_alias');
	if (!event) return;
	const here = new Set<JsonValue>((await storage.aliases.listOfRoom(roomId)).map(({alias}) => alias));
	const isRight = (alias: JsonValue): boolean =>
		!isRoomAlias(alias) || domainOf(alias) !== serverName || here.has(alias);
	const content = keepAliases(event.content, isRight);
	if (canonicalJson(content) === canonicalJson(keepAliases(event.content, () => true))) return;
	await sendIfAllowed(context, roomId, {type: 'm.room.canonical_alias', stateKey: '', sender: userId, content});
}

/** 6: If possible, lets nobody speak in the old room or invite into it who could not end it. */
async function closeOldRoom(context: RoomsContext, {userId}: Actor, view: RoomView): Promise<void> {
	const event = await view.findState('m.room.power_levels', '');
	const create = await view.findState('m.room.create', '');
	if (!event) return;
	const levels = powerLevelsOf(create, event);
	const closed = Math.max(50, levels.usersDefault + 1);
	const content = {
		...event.content,
		events_default: Math.max(closed, levels.eventsDefault),
		invite: Math.max(closed, levels.invite),
	};
	await sendIfAllowed(context, view.roomId, {type: 'm.room.power_levels', stateKey: '', sender: userId, content});
}

/** What the old room does not allow any more changes nothing about the new one. */
async function sendIfAllowed(context: RoomsContext, roomId: RoomId, event: EventTemplate): Promise<void> {
	try {
		await sendAllowed(context, roomId, event);
	} catch (error) {
		if (!(error instanceof RoomsError)) throw error;
	}
}
