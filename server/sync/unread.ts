import {LRUCache} from 'lru-cache';
import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import type {Engine, StoredEvent} from '../../federation/engine/index.ts';
import {notificationLevel, powerLevelsOf, userLevel} from '../../federation/rooms/index.ts';
import type {EventNid, MembershipRow, Position, Storage} from '../../storage/index.ts';
import type {Events} from '../events/index.ts';
import {evaluate, type Outcome, type PushRules} from '../push/index.ts';
import {findThreadOf, MAIN_THREAD} from '../receipts/index.ts';
import type {Positions} from './positions.ts';
import {anchorOf, type RoomTails} from './room-tails.ts';
import type {Summaries} from './summaries.ts';

/** Events that are looked at one by one; of more, the room's running number says how many notify by default. */
const LOOKED_AT_MAX = 500;
const PAGE = 100;
/** Threads that are looked at for what was written in them before the events that are looked at one by one. */
const THREADS_MAX = 100;
/** Rooms that one number is counted over: those with the latest memberships. */
const ROOMS_MAX = 500;
/** Pairs of user and room whose counts are held. */
const TALLIES_MAX = 100_000;
/** Events whose thread is held: those that relate to something else than a thread's root. */
const PLACED_MAX = 50_000;

/** Unread notifications. */
export interface UnreadCount {
	readonly notifications: number;
	readonly highlights: number;
}

const none: UnreadCount = {notifications: 0, highlights: 0};

type Thread = EventId | typeof MAIN_THREAD;

/** Unread notifications of a room for one user. */
export interface UnreadCounts {
	readonly main: UnreadCount;
	/** By the root of the thread; threads without any are left out. */
	readonly threads: ReadonlyMap<EventId, UnreadCount>;
}

interface Tally {
	/** Counted up to here. */
	readonly upto: Position;
	readonly counts: Map<Thread, {notifications: number; highlights: number}>;
}

/** Up to where a user has read. */
export interface ReadUpTo {
	/** Whatever the thread. */
	readonly all: Position;
	readonly threads: Map<string, Position>;
}

/** What counting needs. */
export interface UnreadDependencies {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly events: Events;
	readonly pushRules: PushRules;
	readonly positions: Positions;
	readonly tails: RoomTails;
	readonly summaries: Summaries;
}

/**
 * Counts unread notifications. No row is kept for them: what came after the user's receipt is run through the user's
 * rules once, and each later event is added when it comes.
 * @see https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
 */
export class Unread {
	readonly #dependencies: UnreadDependencies;
	readonly #tallies = new LRUCache<string, Tally>({maxSize: TALLIES_MAX, sizeCalculation: () => 1});
	readonly #placed = new LRUCache<EventNid, Thread>({maxSize: PLACED_MAX, sizeCalculation: () => 1});

	constructor(dependencies: UnreadDependencies) {
		this.#dependencies = dependencies;
	}

	/** Counts what a member of a room has not read of its events up to a position. */
	async count(userId: UserId, roomId: RoomId, upto: Position): Promise<UnreadCounts> {
		const key = `${userId} ${roomId}`;
		const known = this.#tallies.get(key);
		const tally =
			(known && (await this.#goOn(known, userId, roomId, upto))) ?? (await this.#begin(userId, roomId, upto));
		if (!known || tally.upto > known.upto || this.#isOutdated(known, userId, roomId)) this.#tallies.set(key, tally);
		const threads = new Map<EventId, UnreadCount>();
		for (const [thread, count] of tally.counts) if (thread !== MAIN_THREAD) threads.set(thread, count);
		return {main: tally.counts.get(MAIN_THREAD) ?? none, threads};
	}

	/** Receipts and rules that moved since change the past. */
	#isOutdated({upto}: Tally, userId: UserId, roomId: RoomId): boolean {
		const {positions} = this.#dependencies;
		return positions.hasOwnReceipts(roomId, userId, upto) || positions.hasAccountData(userId, upto);
	}

	async #goOn(known: Tally, userId: UserId, roomId: RoomId, upto: Position): Promise<Tally | undefined> {
		if (this.#isOutdated(known, userId, roomId) || upto < known.upto) return undefined;
		const {events, from} = await this.#dependencies.tails.get(roomId, upto);
		if (from > known.upto) return undefined;
		const fresh = events.filter((event) => anchorOf(event) > known.upto);
		// What was counted may be redacted now.
		if (fresh.some(({pdu}) => pdu.redacts !== undefined)) return undefined;
		const {users: ignored} = await this.#dependencies.events.findUnwanted(userId);
		const counts = new Map([...known.counts].map(([thread, count]) => [thread, {...count}] as const));
		for (const event of fresh) {
			const thread = await this.findThread(event);
			if (event.row.sender === userId) counts.delete(thread);
			else if (isHeard(event, ignored)) await this.#add(counts, thread, userId, event);
		}
		return {upto, counts};
	}

	/** Finds the thread that an event is in. */
	async findThread({row}: StoredEvent): Promise<Thread> {
		// Most relate to nothing, or to the root itself, and need no look.
		const known = row.relatesTo === null ? MAIN_THREAD : this.#placed.get(row.nid);
		if (known !== undefined) return known;
		const {thread, isSettled} = await findThreadOf(this.#dependencies.storage, row);
		if (isSettled && row.relType !== 'm.thread') this.#placed.set(row.nid, thread);
		return thread;
	}

	/** Counts backwards from the newest event to what was read. */
	async #begin(userId: UserId, roomId: RoomId, upto: Position): Promise<Tally> {
		const read = await this.findRead(userId, roomId);
		const {users: ignored} = await this.#dependencies.events.findUnwanted(userId);
		const counts: Tally['counts'] = new Map();
		const done = new Set<Thread>();
		let lookedAt = 0;
		for await (const event of this.#listBack(roomId, upto, read.all)) {
			if (lookedAt === LOOKED_AT_MAX) {
				await this.#addRest(counts, roomId, event, read, done);
				break;
			}
			lookedAt += 1;
			const thread = await this.findThread(event);
			if (done.has(thread) || anchorOf(event) <= (read.threads.get(thread) ?? 0)) continue;
			// Whoever writes has read what came before.
			if (event.row.sender === userId) done.add(thread);
			else if (isHeard(event, ignored)) await this.#add(counts, thread, userId, event);
		}
		return {upto, counts};
	}

	async *#listBack(roomId: RoomId, upto: Position, downTo: Position): AsyncGenerator<StoredEvent> {
		const {tails, storage, engine} = this.#dependencies;
		const tail = await tails.get(roomId, upto);
		for (const event of tail.events.toReversed()) {
			if (anchorOf(event) <= downTo) return;
			yield event;
		}
		for (let below = tail.from; below > downTo; ) {
			const rows = await storage.events.listLatest(roomId, below, PAGE);
			for (const event of await engine.readRows(rows)) {
				if (anchorOf(event) <= downTo) return;
				yield event;
			}
			below = rows.length < PAGE ? 0 : (rows.at(-1)?.anchor ?? 1) - 1;
		}
	}

	/** Own receipts, and the join: nobody has missed what came before it. */
	async findRead(userId: UserId, roomId: RoomId): Promise<ReadUpTo> {
		const {storage, events} = this.#dependencies;
		const receipts = await storage.receipts.listOfUser(roomId, userId);
		const found =
			receipts.length === 0 ? undefined : await storage.events.findByIds(receipts.map(({eventId}) => eventId));
		let all = await events.findJoinPosition(roomId, userId);
		const threads = new Map<string, Position>();
		for (const {eventId, threadId} of receipts) {
			const anchor = found?.get(eventId)?.anchor ?? 0;
			if (threadId === null) all = Math.max(all, anchor);
			else threads.set(threadId, Math.max(threads.get(threadId) ?? 0, anchor));
		}
		return {all, threads};
	}

	/** Says what a user's rules make of an event. */
	async judge(userId: UserId, {pdu}: StoredEvent): Promise<Outcome> {
		const {pushRules, summaries, engine} = this.#dependencies;
		return evaluate(await pushRules.findCompiled(userId), {
			pdu,
			memberCount: async () => (await summaries.get(pdu.roomId)).joined,
			async maySenderNotify(key) {
				const room = await engine.findRoom(pdu.roomId);
				const create = await room?.findState('m.room.create', '');
				const levels = powerLevelsOf(create, await room?.findState('m.room.power_levels', ''));
				return userLevel(levels, pdu.sender) >= notificationLevel(levels, key);
			},
		});
	}

	async #add(counts: Tally['counts'], thread: Thread, userId: UserId, event: StoredEvent): Promise<void> {
		const {notifies, highlights} = await this.judge(userId, event);
		if (!notifies) return;
		const count = counts.get(thread) ?? {notifications: 0, highlights: 0};
		count.notifications += 1;
		if (highlights) count.highlights += 1;
		counts.set(thread, count);
	}

	/** Counts by the running numbers what is too much to be looked at. */
	async #addRest(
		counts: Tally['counts'],
		roomId: RoomId,
		last: StoredEvent,
		read: ReadUpTo,
		done: ReadonlySet<Thread>,
	): Promise<void> {
		const {events, relations} = this.#dependencies.storage;
		const upto = anchorOf(last);
		const readTo = (thread: Thread): Position => Math.max(read.all, read.threads.get(thread) ?? 0);
		if (!done.has(MAIN_THREAD) && upto > readTo(MAIN_THREAD)) {
			const base = await events.findLatest(roomId, readTo(MAIN_THREAD));
			raise(counts, MAIN_THREAD, last.row.notifyCount - (base?.notifyCount ?? 0));
		}
		for (const {root, latest} of await relations.listThreads(roomId, {limit: THREADS_MAX})) {
			if (latest.anchor <= readTo(root)) continue;
			if (done.has(root) || upto <= readTo(root)) continue;
			const newest = await events.findLatestInThread(roomId, root, upto);
			const base = await events.findLatestInThread(roomId, root, readTo(root));
			raise(counts, root, (newest?.threadNotifyCount ?? 0) - (base?.threadNotifyCount ?? 0));
		}
	}
}

/** Adds notifications of which nothing more is known. */
function raise(counts: Tally['counts'], thread: Thread, by: number): void {
	if (by <= 0) return;
	const count = counts.get(thread) ?? {notifications: 0, highlights: 0};
	counts.set(thread, {...count, notifications: count.notifications + by});
}

/** Counts what a user has not read in the rooms that the user is in. */
export async function countInRooms(
	unread: Unread,
	userId: UserId,
	rooms: readonly MembershipRow[],
	upto: Position,
): Promise<number> {
	const joined = rooms.filter(({membership}) => membership === 'join').toSorted((a, b) => b.pos - a.pos);
	let count = 0;
	for (const {roomId} of joined.slice(0, ROOMS_MAX)) {
		const {main, threads} = await unread.count(userId, roomId, upto);
		count += main.notifications;
		for (const {notifications} of threads.values()) count += notifications;
	}
	return count;
}

/** What is redacted, and what somebody says whom the user ignores, notifies of nothing. */
export function isHeard({row}: StoredEvent, ignored: ReadonlySet<string>): boolean {
	return row.redactedBy === null && (row.stateKey !== null || !ignored.has(row.sender));
}
