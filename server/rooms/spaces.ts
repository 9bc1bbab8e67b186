import {
	decodeBase64Url,
	domainOf,
	encodeBase64Url,
	type JsonObject,
	type RoomAlias,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {RemoteSpace, RemoteSummary, SpaceChild} from '../../federation/outbound/index.ts';
import type {Actor, RoomsContext} from './context.ts';
import {describeRoom} from './describe-room.ts';
import {notInRoom, RoomsError} from './errors.ts';
import {findRoom} from './find-room.ts';
import {isResident, mayPreview, mayPreviewRemote, mayServerPreview} from './preview.ts';
import {arrangeChildren, listChildren} from './space-children.ts';

/** Rooms on a page, where the client does not say and at most. */
const PAGE_ROOMS = 50;
/** Rooms of one tree that are shown at all: each page walks from the root. */
const TREE_ROOMS_MAX = 1_000;
/** Levels of a tree that are gone down; nobody nests deeper, and each is a question to somebody. */
const DEPTH_MAX = 20;
/** Servers that are asked about one room. */
const SERVERS_MAX = 3;
/** Questions to other servers that one request may cost, and those of them that may fail: somebody waits. */
const QUESTIONS_MAX = 40;
const FAILURES_MAX = 3;

/** What of a tree of spaces is wanted. */
export interface HierarchyQuery {
	readonly suggestedOnly: boolean;
	readonly limit?: number | undefined;
	readonly maxDepth?: number | undefined;
	/** Where an answer before said to go on. */
	readonly from?: string | undefined;
}

/** A page of a tree of spaces. */
export interface HierarchyPage {
	/** In the specification's form, depth first. */
	readonly rooms: readonly JsonObject[];
	readonly next: string | undefined;
}

/** A room of a tree as somebody may see it. */
interface Sight {
	readonly summary: JsonObject;
	readonly children: readonly SpaceChild[];
	/** What a server said of the children beside, where it was one that was asked. */
	readonly remote?: RemoteSpace | undefined;
}

interface Walk {
	readonly context: RoomsContext;
	readonly userId: UserId;
	readonly suggestedOnly: boolean;
	readonly maxDepth: number;
	questions: number;
	failures: number;
}

/**
 * Walks a tree of spaces depth first, each room once.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy
 * @throws RoomsError 'not-in-room' for a root that is not there or not to be seen; 'invalid-parameter' for a wrong token
 */
export async function listHierarchy(
	context: RoomsContext,
	{userId}: Pick<Actor, 'userId'>,
	roomId: RoomId,
	{suggestedOnly, limit = PAGE_ROOMS, maxDepth = DEPTH_MAX, from}: HierarchyQuery,
): Promise<HierarchyPage> {
	const scope = {suggestedOnly, maxDepth: Math.min(maxDepth, DEPTH_MAX)};
	const offset = from === undefined ? 0 : readToken(from, scope);
	const end = Math.min(offset + Math.max(1, Math.min(limit, PAGE_ROOMS)), TREE_ROOMS_MAX);
	const rooms: JsonObject[] = [];
	let count = 0;
	for await (const room of walk({context, userId, ...scope, questions: 0, failures: 0}, roomId)) {
		if (count === end) return {rooms, next: count < TREE_ROOMS_MAX ? writeToken(count, scope) : undefined};
		if (count >= offset) rooms.push(room);
		count += 1;
	}
	if (count === 0) throw notInRoom();
	return {rooms, next: undefined};
}

type Scope = Pick<Walk, 'suggestedOnly' | 'maxDepth'>;

/** A token says how many rooms were shown, and of which walk. */
const writeToken = (count: number, {suggestedOnly, maxDepth}: Scope): string =>
	encodeBase64Url(Buffer.from(`${count}.${suggestedOnly ? 's' : 'a'}.${maxDepth}`));

function readToken(token: string, {suggestedOnly, maxDepth}: Scope): number {
	const text = Buffer.from(decodeBase64Url(token) ?? []).toString('utf8');
	const [, count, kind, depth] = /^(\d{1,4})\.([as])\.(\d{1,2})$/u.exec(text) ?? [];
	if (count === undefined) throw new RoomsError('invalid-parameter', "Expected a token of this endpoint as 'from'");
	if ((kind === 's') !== suggestedOnly || Number(depth) !== maxDepth) {
		throw new RoomsError('invalid-parameter', "'suggested_only' and 'max_depth' cannot change from page to page");
	}
	return Number(count);
}

async function* walk(state: Walk, root: RoomId): AsyncGenerator<JsonObject, void, void> {
	type Place = {
		readonly roomId: RoomId;
		readonly via: readonly ServerName[];
		readonly depth: number;
		readonly parent?: RemoteSpace | undefined;
	};
	const row = await state.context.storage.memberships.find(root, state.userId);
	const rootVia = [...(row?.membership === 'invite' ? [domainOf(row.sender)] : []), ...namedServer(root)];
	const stack: Place[] = [{roomId: root, via: rootVia, depth: 0}];
	const visited = new Set<RoomId>();
	for (let place = stack.pop(); place !== undefined; place = stack.pop()) {
		const {roomId, via, depth, parent} = place;
		if (visited.has(roomId)) continue;
		visited.add(roomId);
		const sight = await look(state, roomId, via, parent);
		if (sight === undefined) continue;
		yield {...sight.summary, children_state: sight.children.map(({event}) => event)};
		if (depth >= state.maxDepth) continue;
		for (const child of sight.children.toReversed()) {
			if (!visited.has(child.roomId)) {
				stack.push({roomId: child.roomId, via: child.via, depth: depth + 1, parent: sight.remote});
			}
		}
	}
}

/** The server that a room's id names, where it names one. */
function namedServer(roomId: RoomId): ServerName[] {
	const colon = roomId.indexOf(':');
	return colon < 0 ? [] : [roomId.slice(colon + 1) as ServerName];
}

/** Looks at a room: as this server knows it, else as another one says; `undefined` where the user may not. */
async function look(
	state: Walk,
	roomId: RoomId,
	via: readonly ServerName[],
	parent?: RemoteSpace,
): Promise<Sight | undefined> {
	const {context, userId, suggestedOnly} = state;
	if (await isResident(context, roomId)) {
		const room = await describeRoom(context, roomId);
		if (!room || !(await mayPreview(context, userId, room))) return undefined;
		return {summary: {...room.entry, ...room.more}, children: await listChildren(context, room, suggestedOnly)};
	}
	if (parent?.inaccessible.includes(roomId)) return undefined;
	const told = parent?.children.find((child) => child.roomId === roomId);
	// What is no space has no children to ask for.
	if (told && told.summary['room_type'] !== 'm.space') return sightOf(state, told);
	const remote = await ask(state, roomId, via);
	if (remote) return sightOf(state, remote.room, remote);
	return told && sightOf(state, told);
}

async function sightOf(
	{context, userId, suggestedOnly}: Walk,
	told: RemoteSummary,
	remote?: RemoteSpace,
): Promise<Sight | undefined> {
	if (!(await mayPreviewRemote(context, userId, told))) return undefined;
	const {summary, children} = told;
	const isSpace = summary['room_type'] === 'm.space';
	return {summary, children: isSpace ? arrangeChildren(children, suggestedOnly) : [], remote};
}

/**
 * Asks servers about a room until one tells, which is remembered for a while. That one tells nothing is not: a join may
 * change it.
 */
async function ask(state: Walk, roomId: RoomId, via: readonly ServerName[]): Promise<RemoteSpace | undefined> {
	const {remote, serverName, spaces} = state.context;
	for (const server of [...new Set(via)].filter((name) => name !== serverName).slice(0, SERVERS_MAX)) {
		const key = `${server} ${roomId}`;
		const known = spaces.get(key);
		if (known) return known;
		if (state.questions >= QUESTIONS_MAX || state.failures >= FAILURES_MAX) return undefined;
		state.questions += 1;
		try {
			const space = await remote.findSpace(server, roomId);
			if (!space) continue;
			spaces.set(key, space);
			return space;
		} catch (error) {
			if (!(error instanceof RoomsError)) throw error;
			state.failures += 1;
		}
	}
	return undefined;
}

/**
 * Gives a room as somebody may see it who need not be in it, with their membership.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias
 * @throws RoomsError 'not-found', the same for a room that is not there and one that is not to be seen
 */
export async function getSummary(
	context: RoomsContext,
	actor: Actor,
	roomIdOrAlias: RoomId | RoomAlias,
	via: readonly ServerName[],
): Promise<JsonObject> {
	const {userId} = actor;
	const {roomId, servers} = await findRoom(context, actor, roomIdOrAlias, via).catch((cause: unknown) => {
		throw cause instanceof RoomsError ? noSuchRoom({cause}) : cause;
	});
	const row = await context.storage.memberships.find(roomId, userId);
	const inviters = row?.membership === 'invite' ? [domainOf(row.sender)] : [];
	const state = {context, userId, suggestedOnly: false, maxDepth: 0, questions: 0, failures: 0};
	const sight = await look(state, roomId, [...inviters, ...servers, ...namedServer(roomId)]);
	if (!sight) throw noSuchRoom();
	return {...sight.summary, ...(row && {membership: row.membership})};
}

function noSuchRoom(options?: ErrorOptions): RoomsError {
	return new RoomsError('not-found', 'There is no such room, or it is not for you to see', options);
}

/**
 * Gives another server a room and its children, as far as that server may know of them.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid
 * @throws RoomsError 'not-found'
 */
export async function getSpaceFor(
	context: RoomsContext,
	origin: ServerName,
	roomId: RoomId,
	suggestedOnly: boolean,
): Promise<JsonObject> {
	const describe = async (id: RoomId) => ((await isResident(context, id)) ? describeRoom(context, id) : undefined);
	const room = await describe(roomId);
	if (!room || !(await mayServerPreview(context, origin, room))) throw noSuchRoom();
	const listed = await listChildren(context, room, suggestedOnly);
	const children: JsonObject[] = [];
	const inaccessible: RoomId[] = [];
	for (const child of listed) {
		const described = await describe(child.roomId);
		if (!described) continue;
		if (!(await mayServerPreview(context, origin, described))) {
			inaccessible.push(child.roomId);
			continue;
		}
		const ofChild = await listChildren(context, described, suggestedOnly);
		children.push({...described.entry, ...described.more, children_state: ofChild.map(({event}) => event)});
	}
	return {
		room: {...room.entry, ...room.more, children_state: listed.map(({event}) => event)},
		children,
		inaccessible_children: inaccessible,
	};
}
