import type {RoomId} from '../../../crypto/index.ts';
import type {MembershipRow, Position} from '../../../storage/index.ts';
import type {Unwanted} from '../../events/index.ts';
import type {Feed} from '../feed.ts';
import type {Connection} from './connection.ts';
import {fitsFilters, type FilterContext} from './list-filters.ts';
import type {OwnData} from './own-data.ts';
import type {ListRequest, RoomRequest, SlidingSyncRequest} from './request.ts';
import type {StateWish} from './state-wish.ts';
import type {Scope, ScopedRoom, SlidingParts} from './view.ts';

/** A user's rooms in one moment. */
export interface ScopeContext {
	readonly feed: Feed;
	/** The last change that concerned the user when these were the rooms. */
	readonly touched: Position;
	readonly rooms: ReadonlyMap<RoomId, MembershipRow>;
	readonly upto: Position;
	readonly unwanted: Unwanted;
	readonly own: OwnData;
	readonly connection: Connection;
}

interface Ordered {
	readonly row: MembershipRow;
	readonly activity: Position;
}

/** Finds the rooms that requests ask for. */
export class Scopes {
	readonly #parts: SlidingParts;
	/** The order of a user's rooms, as long as nothing has happened in them. */
	readonly #orders = new WeakMap<Feed, {readonly touched: Position; readonly rooms: readonly Ordered[]}>();

	constructor(parts: SlidingParts) {
		this.#parts = parts;
	}

	/** Finds the rooms that a request asks for, and counts its lists. */
	async find(request: SlidingSyncRequest, context: ScopeContext): Promise<Scope> {
		const {lists, subscriptions} = request;
		const counts = new Map<string, number>();
		if (lists.size + subscriptions.size === 0) return {rooms: [], counts};
		const listed: Ordered[] = [];
		for (const room of await this.#order(context)) {
			const isListed = this.#isListed(context, room.row);
			if (typeof isListed === 'boolean' ? isListed : await isListed) listed.push(room);
		}
		const asked = new Map<RoomId, Asked>();
		for (const [name, list] of lists) {
			const filtered = await this.#filter(context, listed, list);
			counts.set(name, filtered.length);
			const wanted = this.#wanted(list);
			for (const room of inRanges(filtered, list)) this.#ask(asked, room, wanted, name);
		}
		for (const [roomId, wanted] of subscriptions) {
			const room = await this.#findSubscribed(context, roomId);
			if (room) this.#ask(asked, room, this.#wanted(wanted), undefined);
		}
		const rooms: ScopedRoom[] = [...asked.values()].toSorted((a, b) => b.activity - a.activity);
		return {rooms, counts};
	}

	/** The user's rooms, the most recently active first. */
	async #order({feed, touched, rooms}: ScopeContext): Promise<readonly Ordered[]> {
		const known = this.#orders.get(feed);
		if (known && known.touched === touched && known.rooms.length === rooms.size) return known.rooms;
		const {activity} = this.#parts;
		const joined = [...rooms.values()].filter(({membership}) => membership === 'join');
		await activity.load(joined.map(({roomId}) => roomId));
		const ordered = [...rooms.values()]
			.map((row) => ({row, activity: this.#activityOf(row)}))
			.toSorted((a, b) => b.activity - a.activity);
		this.#orders.set(feed, {touched, rooms: ordered});
		return ordered;
	}

	/** What happens in a room is nothing to those who are not inside. */
	#activityOf({roomId, membership, pos}: MembershipRow): Position {
		return membership === 'join' ? Math.max(pos, this.#parts.activity.of(roomId)) : pos;
	}

	/** Whether a room is among those that lists are made of. @see proposal 4186, lists */
	#isListed({connection, unwanted}: ScopeContext, row: MembershipRow): Promise<boolean> | boolean {
		const {roomId, userId, membership, sender} = row;
		switch (membership) {
			case 'join':
			case 'knock':
				return true;
			case 'invite':
				return !unwanted.invites && !unwanted.users.has(sender);
			case 'leave':
			case 'ban':
				if (connection.find(roomId)) return true;
				// Whoever left knows it; who was put out may not have seen it. Who never was inside need not know.
				return sender !== userId && this.#wasInside(row);
			default:
				return membership satisfies never;
		}
	}

	async #wasInside({roomId, userId}: MembershipRow): Promise<boolean> {
		return (await this.#parts.events.findStanding(roomId, userId)).joinedUntil > 0;
	}

	async #findSubscribed(context: ScopeContext, roomId: RoomId): Promise<Ordered | undefined> {
		const row = context.rooms.get(roomId);
		if (!row) return undefined;
		const maySee = (await this.#isListed(context, row)) || (isOut(row) && (await this.#wasInside(row)));
		return maySee ? {row, activity: this.#activityOf(row)} : undefined;
	}

	async #filter(
		context: ScopeContext,
		listed: readonly Ordered[],
		{filters}: ListRequest,
	): Promise<readonly Ordered[]> {
		if (Object.values(filters).every((filter) => filter === undefined)) return listed;
		const filter: FilterContext = {
			...context,
			filters,
			children: filters.spaces && (await this.#listChildren(context, filters.spaces)),
		};
		const filtered: Ordered[] = [];
		for (const room of listed) if (await fitsFilters(this.#parts, filter, room.row)) filtered.push(room);
		return filtered;
	}

	/** Lists the rooms that belong to any of the spaces that the user is in. */
	async #listChildren({rooms, upto}: ScopeContext, spaces: readonly string[]): Promise<ReadonlySet<string>> {
		const children = new Set<string>();
		for (const space of new Set(spaces)) {
			const row = rooms.get(space as RoomId);
			if (row?.membership !== 'join') continue;
			for (const child of await this.#parts.facts.listChildren(row.roomId, upto)) children.add(child);
		}
		return children;
	}

	#wanted({timelineLimit, requiredState}: RoomRequest): Wanted {
		return {limit: timelineLimit, wish: this.#parts.wishes.of(requiredState)};
	}

	#ask(asked: Map<RoomId, Asked>, room: Ordered, {limit, wish}: Wanted, list: string | undefined): void {
		const {roomId} = room.row;
		const before = asked.get(roomId);
		if (!before) {
			const {row, activity} = room;
			const lists = list === undefined ? [] : [list];
			asked.set(roomId, {row, activity, limit, wish, lists, isSubscribed: list === undefined});
			return;
		}
		before.limit = Math.max(before.limit, limit);
		before.wish = this.#parts.wishes.unite(before.wish, wish);
		if (list === undefined) before.isSubscribed = true;
		else if (!before.lists.includes(list)) before.lists.push(list);
	}
}

interface Wanted {
	readonly limit: number;
	readonly wish: StateWish;
}

interface Asked extends Ordered {
	limit: number;
	wish: StateWish;
	readonly lists: string[];
	isSubscribed: boolean;
}

const isOut = ({membership}: MembershipRow): boolean => membership === 'leave' || membership === 'ban';

function* inRanges(rooms: readonly Ordered[], {ranges}: ListRequest): Generator<Ordered> {
	if (ranges === undefined) yield* rooms;
	else for (const [first, last] of ranges) yield* rooms.slice(first, last + 1);
}
