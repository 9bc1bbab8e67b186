/** A client of sliding sync that keeps what it is told, fetches what it is told to be missing, and complains. */
import type {DeviceId, JsonObject, RoomId, UserId} from '../../../crypto/index.ts';
import type {Engine} from '../../../federation/engine/index.ts';
import {boundAt, type Events, readPlaceToken} from '../../../server/events/index.ts';
import type {RequiredState, SlidingSyncRequest, Sync} from '../../../server/sync/index.ts';
import type {Storage} from '../../../storage/index.ts';

interface ShownEvent {
	readonly event_id?: string;
	readonly type: string;
	readonly state_key?: string;
	readonly content?: JsonObject;
}

/** An entry of a room, as far as this client looks at it. */
interface ShownRoom {
	readonly initial?: boolean;
	readonly expanded_timeline?: boolean;
	readonly membership?: string;
	readonly required_state?: readonly ShownEvent[];
	readonly timeline?: readonly ShownEvent[];
	readonly limited?: boolean;
	readonly prev_batch?: string;
	readonly joined_count?: number;
	readonly name?: string | null;
}

interface Shown {
	readonly pos: string;
	readonly lists: Readonly<Record<string, {readonly count: number}>>;
	readonly rooms: Readonly<Record<string, ShownRoom>>;
	readonly extensions: {
		readonly account_data?: {
			readonly global?: readonly ShownEvent[];
			readonly rooms?: Readonly<Record<string, readonly ShownEvent[]>>;
		};
		readonly receipts?: {readonly rooms: Readonly<Record<string, {readonly content: JsonObject}>>};
	};
}

/** What a client knows of a room. */
export interface KnownRoom {
	readonly timeline: string[];
	readonly state: Map<string, string>;
	membership: string | undefined;
	joinedCount: number | undefined;
	name: string | null | undefined;
	/** The last tag that was told, as text. */
	tag: string | undefined;
	/** Of others: on which event they were told to have read last. */
	readonly receipts: Map<string, string>;
}

/** What the client lives on. */
export interface ClientWorld {
	readonly engine: Engine;
	readonly storage: Storage;
	readonly events: Events;
	/** Some process of the server. */
	readonly sync: () => Sync;
}

/** What the client asks for. */
export interface Wish {
	/** The last index of its window. */
	readonly last: number;
	readonly limit: number;
	readonly required: RequiredState;
	readonly subscribed?: RoomId | undefined;
}

export const allState: RequiredState = {
	include: [{type: undefined, stateKey: undefined}],
	exclude: [],
	lazyMembers: false,
};

/** A device with one connection. */
export class SlidingClient {
	readonly userId: UserId;
	readonly rooms = new Map<string, KnownRoom>();
	readonly #world: ClientWorld;
	pos: string | undefined;
	count = 0;

	constructor(world: ClientWorld, userId: UserId) {
		this.#world = world;
		this.userId = userId;
	}

	/** Asks, and takes in the answer unless it is `lost`. Gives how many rooms it told of. */
	async slide({last, limit, required, subscribed}: Wish, isLost = false): Promise<number> {
		const room = {timelineLimit: limit, requiredState: required};
		const scope = {lists: undefined, rooms: undefined};
		const request: SlidingSyncRequest = {
			userId: this.userId,
			deviceId: 'DEVICE' as DeviceId,
			connId: 'list',
			pos: this.pos,
			timeoutMs: 0,
			presence: 'offline',
			lists: new Map([['all', {...room, ranges: [[0, last]], filters: {}}]]),
			subscriptions: new Map(subscribed === undefined ? [] : [[subscribed, room]]),
			extensions: {toDevice: undefined, e2ee: false, accountData: scope, receipts: scope, typing: undefined},
			signal: new AbortController().signal,
		};
		const answer = JSON.parse(await this.#world.sync().slidingSync(request)) as Shown;
		if (isLost) return Object.keys(answer.rooms).length;
		for (const [roomId, shown] of Object.entries(answer.rooms)) await this.#take(roomId as RoomId, shown);
		for (const [roomId, pieces] of Object.entries(answer.extensions.account_data?.rooms ?? {})) {
			const tag = pieces.find(({type}) => type === 'm.tag');
			if (tag) this.#roomOf(roomId).tag = JSON.stringify(tag.content);
		}
		for (const [roomId, {content}] of Object.entries(answer.extensions.receipts?.rooms ?? {})) {
			this.#takeReceipts(roomId, content);
		}
		this.pos = answer.pos;
		this.count = answer.lists['all']!.count;
		return Object.keys(answer.rooms).length;
	}

	#roomOf(roomId: string): KnownRoom {
		const known = this.rooms.get(roomId);
		if (!known) throw new Error(`an extension told of ${roomId}, which nothing was told of before`);
		return known;
	}

	#takeReceipts(roomId: string, content: JsonObject): void {
		const {receipts} = this.#roomOf(roomId);
		for (const [eventId, types] of Object.entries(content)) {
			for (const user of Object.keys((types as Record<string, object>)['m.read'] ?? {})) receipts.set(user, eventId);
		}
	}

	async #take(roomId: RoomId, shown: ShownRoom): Promise<void> {
		const before = this.rooms.get(roomId);
		if (!before && !shown.initial) throw new Error(`${roomId} began in the middle`);
		const isKnown = before !== undefined && !shown.initial;
		const room: KnownRoom = isKnown
			? before
			: {
					timeline: [],
					state: new Map(),
					membership: undefined,
					joinedCount: undefined,
					name: undefined,
					tag: undefined,
					receipts: new Map(),
				};
		this.rooms.set(roomId, room);
		const told = (shown.timeline ?? []).map(({event_id: eventId}) => eventId!);
		const known = new Set(room.timeline);
		const again = told.filter((eventId) => known.has(eventId));
		if (again.length > 0 && !shown.expanded_timeline) throw new Error(`${again.length} events were told twice`);
		if (shown.limited) await this.#fetchGap(roomId, room, shown.prev_batch!);
		const all = new Set(room.timeline);
		room.timeline.push(...told.filter((eventId) => !all.has(eventId)));
		for (const event of shown.required_state ?? []) this.#apply(room, event);
		room.membership = shown.membership ?? room.membership;
		room.joinedCount = shown.joined_count ?? room.joinedCount;
		if (shown.name !== undefined) room.name = shown.name;
	}

	/** What /messages gives before the start of a timeline. */
	async #fetchGap(roomId: RoomId, room: KnownRoom, prevBatch: string): Promise<void> {
		const {storage, engine, events} = this.#world;
		const from = readPlaceToken(prevBatch);
		if (!from) throw new Error(`expected a token of /messages, got ${prevBatch}`);
		const query = {roomId, direction: 'backwards', from: boundAt(from, 'backwards'), limit: 1_000} as const;
		const rows = await storage.events.listTimeline(query);
		const visible = await events.filterVisible(this.userId, await engine.readRows(rows.toReversed()));
		const known = new Set(room.timeline);
		room.timeline.push(...visible.map(({pdu}) => pdu.eventId).filter((eventId) => !known.has(eventId)));
	}

	#apply(room: KnownRoom, {type, state_key: stateKey, event_id: eventId}: ShownEvent): void {
		const key = `${type} ${stateKey ?? ''}`;
		if (eventId === undefined) room.state.delete(key);
		else room.state.set(key, eventId);
	}
}
