import type {RoomId, UserId} from '../../../crypto/index.ts';
import {MatrixError, rawJson} from '../../http/index.ts';
import type {
	ExtensionRequests,
	ListRequest,
	RequiredState,
	RoomRequest,
	SlidingSyncRequest,
	StateElement,
} from '../../sync/index.ts';
import {WAITING_TOKEN} from '../../quarantine/index.ts';
import {type Infer, v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Lists, and likewise subscriptions, of one request. @see proposal 4186 */
const REQUESTS_MAX = 100;
/** Events of a timeline; as /sync has it. */
const TIMELINE_MAX = 100;
/** Messages to a device in one answer, where the client does not say. */
const TO_DEVICE_DEFAULT = 100;

const stateElement = v.object({type: v.optional(v.string()), state_key: v.optional(v.string())});
/** As today's clients ask, and as the proposal was accepted. */
const requiredState = v.union(
	v.array(v.array(v.string(), {min: 2, max: 2})),
	v.object({
		include: v.optional(v.array(stateElement)),
		exclude: v.optional(v.array(stateElement)),
		lazy_members: v.optional(v.boolean()),
	}),
);
const roomRequest = {required_state: v.optional(requiredState), timeline_limit: v.integer({min: 0})};
const range = v.array(v.integer({min: 0}), {min: 2, max: 2});
const texts = v.array(v.string());
const roomTypes = v.array(v.nullable(v.string()));
const filters = v.object({
	is_dm: v.optional(v.nullable(v.boolean())),
	spaces: v.optional(v.nullable(texts)),
	is_encrypted: v.optional(v.nullable(v.boolean())),
	is_invite: v.optional(v.nullable(v.boolean())),
	is_invited: v.optional(v.nullable(v.boolean())),
	room_types: v.optional(v.nullable(roomTypes)),
	not_room_types: v.optional(v.nullable(roomTypes)),
	tags: v.optional(v.nullable(texts)),
	not_tags: v.optional(v.nullable(texts)),
});
const list = v.object({
	...roomRequest,
	ranges: v.optional(v.array(range, {max: REQUESTS_MAX})),
	range: v.optional(range),
	filters: v.optional(v.nullable(filters)),
});
const enabled = {enabled: v.optional(v.nullable(v.boolean()))};
const scoped = v.object({...enabled, lists: v.optional(v.nullable(texts)), rooms: v.optional(v.nullable(texts))});
const extensions = v.object({
	to_device: v.optional(
		v.object({...enabled, since: v.optional(v.nullable(v.string())), limit: v.optional(v.integer({min: 1}))}),
	),
	e2ee: v.optional(v.object(enabled)),
	account_data: v.optional(scoped),
	receipts: v.optional(scoped),
	typing: v.optional(scoped),
});
const presence = v.literal('offline', 'online', 'unavailable');

const slidingBody = v.object({
	conn_id: v.optional(v.string({max: 255})),
	pos: v.optional(v.string()),
	timeout: v.optional(v.integer()),
	set_presence: v.optional(v.string()),
	lists: v.optional(v.record(list)),
	room_subscriptions: v.optional(v.record(v.object(roomRequest))),
	extensions: v.optional(extensions),
});
type SlidingBody = Infer<typeof slidingBody>;
type Asked = Pick<SlidingSyncRequest, 'lists' | 'subscriptions' | 'extensions'>;

/** What bodies ask for, as long as they are remembered: of each for the user who sent it last. */
const askedBefore = new WeakMap<SlidingBody, {readonly userId: UserId; readonly asked: Asked}>();

/**
 * Tells a device what is new to it in windows on its rooms, and waits for news where there is none. Both as the clients
 * in use ask, and as the proposal was accepted.
 * @see https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/4186-simplified-sliding-sync.md
 */
export const slidingSync = route({
	id: 'slidingSync',
	method: 'POST',
	path: '/_matrix/client/unstable/org.matrix.simplified_msc3575/sync',
	auth: 'guest',
	allowsQuarantined: true,
	rateLimit: 'sync',
	query: v.object({
		pos: v.optional(v.string()),
		set_presence: v.optional(presence),
		timeout: v.optional(v.integer()),
	}),
	body: slidingBody,
	remembersBodies: true,
	async handle({caller, query, body, signal}, {quarantine, sync}) {
		const {userId, deviceId} = caller;
		const timeoutMs = query.timeout ?? body.timeout ?? 0;
		if (caller.isQuarantined && (await quarantine.wait(caller, {timeoutMs, signal}))) {
			const lists = Object.keys(body.lists ?? {}).map((name) => [name, {count: 0, ops: []}] as const);
			return {pos: WAITING_TOKEN, lists: Object.fromEntries(lists), rooms: {}, extensions: {}};
		}
		const pos = query.pos ?? body.pos;
		const text = await sync.slidingSync({
			userId,
			deviceId,
			connId: body.conn_id ?? '',
			pos: pos === WAITING_TOKEN ? undefined : pos,
			timeoutMs,
			presence: query.set_presence ?? readPresence(body.set_presence),
			...readAsked(userId, body),
			signal,
		});
		return rawJson(text);
	},
});

function readAsked(userId: UserId, body: SlidingBody): Asked {
	const before = askedBefore.get(body);
	if (before?.userId === userId) return before.asked;
	const asked = {
		lists: readMap('lists', body.lists, (one) => readList(userId, one)),
		subscriptions: readMap('room_subscriptions', body.room_subscriptions, (one) => readRoom(userId, one)) as Map<
			RoomId,
			RoomRequest
		>,
		extensions: readExtensions(body.extensions),
	};
	askedBefore.set(body, {userId, asked});
	return asked;
}

function readPresence(text = 'online'): Infer<typeof presence> {
	if (text === 'online' || text === 'offline' || text === 'unavailable') return text;
	throw new MatrixError('M_INVALID_PARAM', "'set_presence' is wrong: expected online, offline or unavailable");
}

function readMap<In, Out>(
	name: string,
	values: Readonly<Record<string, In>> = {},
	read: (value: In) => Out,
): Map<string, Out> {
	const entries = Object.entries(values);
	if (entries.length > REQUESTS_MAX) {
		throw new MatrixError('M_INVALID_PARAM', `'${name}' is wrong: expected at most ${REQUESTS_MAX}`);
	}
	return new Map(entries.map(([key, value]) => [key, read(value)]));
}

function readRoom(
	userId: UserId,
	{
		required_state: required,
		timeline_limit: limit,
	}: {
		readonly required_state?: Infer<typeof requiredState>;
		readonly timeline_limit: number;
	},
): RoomRequest {
	return {timelineLimit: Math.min(limit, TIMELINE_MAX), requiredState: readRequiredState(userId, required ?? {})};
}

function readList(userId: UserId, request: Infer<typeof list>): ListRequest {
	const {ranges, range: single, filters: wanted} = request;
	const all = single ? [single] : ranges;
	return {
		...readRoom(userId, request),
		ranges: all?.map(([first = 0, last = 0]) => [first, last] as const),
		filters: {
			isDm: wanted?.is_dm ?? undefined,
			spaces: wanted?.spaces ?? undefined,
			isEncrypted: wanted?.is_encrypted ?? undefined,
			isInvited: wanted?.is_invited ?? wanted?.is_invite ?? undefined,
			roomTypes: wanted?.room_types ?? undefined,
			notRoomTypes: wanted?.not_room_types ?? undefined,
			tags: wanted?.tags ?? undefined,
			notTags: wanted?.not_tags ?? undefined,
		},
	};
}

function readRequiredState(userId: UserId, required: Infer<typeof requiredState>): RequiredState {
	if (!isPairs(required)) {
		return {
			include: (required.include ?? []).map(readElement),
			exclude: (required.exclude ?? []).map(readElement),
			lazyMembers: required.lazy_members ?? false,
		};
	}
	const isLazy = ([type, stateKey]: readonly string[]): boolean => type === 'm.room.member' && stateKey === '$LAZY';
	return {
		include: required
			.filter(([, stateKey]) => stateKey !== '$LAZY')
			.map(([type, stateKey]) => ({
				type: type === '*' ? undefined : type,
				stateKey: stateKey === '*' ? undefined : stateKey === '$ME' ? userId : stateKey,
			})),
		exclude: [],
		lazyMembers: required.some(isLazy),
	};
}

function isPairs(required: Infer<typeof requiredState>): required is readonly (readonly string[])[] {
	return Array.isArray(required);
}

const readElement = ({type, state_key: stateKey}: Infer<typeof stateElement>): StateElement => ({type, stateKey});

function readExtensions(wanted: Infer<typeof extensions> = {}): ExtensionRequests {
	const {to_device: toDevice} = wanted;
	const scopeOf = (scope: Infer<typeof scoped> | undefined) =>
		scope?.enabled ? {lists: scope.lists ?? undefined, rooms: scope.rooms ?? undefined} : undefined;
	return {
		toDevice: toDevice?.enabled
			? {since: toDevice.since ?? undefined, limit: toDevice.limit ?? TO_DEVICE_DEFAULT}
			: undefined,
		e2ee: wanted.e2ee?.enabled ?? false,
		accountData: scopeOf(wanted.account_data),
		receipts: scopeOf(wanted.receipts),
		typing: scopeOf(wanted.typing),
	};
}
