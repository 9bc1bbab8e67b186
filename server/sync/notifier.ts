import {LRUCache} from 'lru-cache';
import type {DeviceId, RoomId, UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type CommittedChange, type MembershipRow, type Position, type Storage, usersOf} from '../../storage/index.ts';
import type {Ephemeral, EphemeralChange} from '../ephemeral/index.ts';
import {Feed, type WaitEnd, type Waiter} from './feed.ts';
import {Positions} from './positions.ts';

/** The longest that a request waits; behind proxies a longer one would be cut off. */
export const TIMEOUT_MS_MAX = 120_000;
/** Memberships held in the feeds of all users together; who synced longest ago is let go of first. */
const MEMBERSHIPS_MAX = 1_000_000;
/** Ended sessions remembered, for requests that were just about to wait. */
const ENDED_MAX = 10_000;

/** What a request waits for. */
export interface Wait {
	/** Where the request was answered up to. */
	readonly pos: Position;
	readonly seq: number;
	/** Where the stream stood when the session was checked. */
	readonly startPos: Position;
	readonly deviceId: DeviceId;
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

/**
 * Maps what is committed to the users it concerns and wakes those who wait. Holds positions and memberships; a waiting
 * request holds an entry in a set, and nothing of the database.
 */
export class Notifier {
	readonly positions: Positions;
	readonly #storage: Storage;
	readonly #clock: Clock;
	readonly #feeds: LRUCache<UserId, Feed>;
	/** The feeds of those who are in a room. */
	readonly #members = new Map<RoomId, Set<Feed>>();
	readonly #loading = new Map<UserId, Promise<Feed>>();
	readonly #ended = new LRUCache<string, Position>({maxSize: ENDED_MAX, sizeCalculation: () => 1});
	readonly #stops: readonly (() => void)[];

	constructor(storage: Storage, ephemeral: Ephemeral, clock: Clock) {
		this.#storage = storage;
		this.#clock = clock;
		this.positions = new Positions(storage);
		this.#feeds = new LRUCache<UserId, Feed>({
			maxSize: MEMBERSHIPS_MAX,
			sizeCalculation: ({roomCount}) => roomCount + 1,
			dispose: (feed) => this.#close(feed),
		});
		this.#stops = [
			storage.onCommitted((changes) => this.#hear(changes)),
			ephemeral.onChange((change) => this.#hearEphemeral(change)),
		];
	}

	/** Finds a user's feed where its memberships are in memory as the stream has them. */
	findFeed(userId: UserId): Feed | undefined {
		const feed = this.#loading.has(userId) ? undefined : this.#feeds.get(userId);
		return feed && feed.stale.size === 0 && !feed.refreshing ? feed : undefined;
	}

	/** Gives a user's feed, its memberships as the stream has them. */
	async getFeed(userId: UserId): Promise<Feed> {
		let loading = this.#loading.get(userId);
		const known = loading ? undefined : this.#feeds.get(userId);
		if (!known && !loading) {
			loading = this.#load(userId).finally(() => this.#loading.delete(userId));
			this.#loading.set(userId, loading);
		}
		const feed = known ?? (await loading!);
		await this.#refresh(feed);
		return feed;
	}

	/** Reads memberships again that have changed. Several requests of a user wait for one reading. */
	async #refresh(feed: Feed): Promise<void> {
		while (feed.stale.size > 0 || feed.refreshing) {
			feed.refreshing ??= this.#readStale(feed).finally(() => {
				feed.refreshing = undefined;
			});
			await feed.refreshing;
		}
	}

	async #readStale(feed: Feed): Promise<void> {
		for (const roomId of feed.stale) {
			feed.stale.delete(roomId);
			let row: MembershipRow | undefined;
			try {
				row = await this.#storage.memberships.find(roomId, feed.userId);
				if (row) await this.#reach([row]);
			} catch (error) {
				feed.stale.add(roomId);
				throw error;
			}
			// Changed once more while it was read: the loop comes back to it.
			if (!feed.stale.has(roomId)) this.#setRoom(feed, roomId, row);
		}
	}

	/**
	 * Waits until the stream has told of the changes that made rows: these are then read again, and no answer shows where
	 * somebody is now beside what had happened before.
	 */
	async #reach(rows: readonly MembershipRow[]): Promise<void> {
		const head = this.#storage.stream.head();
		if (rows.some(({pos}) => pos > head)) await this.#storage.barrier();
	}

	#setRoom(feed: Feed, roomId: RoomId, row: MembershipRow | undefined): void {
		feed.setRoom(roomId, row);
		if (row?.membership === 'join' && !feed.isClosed) this.#follow(feed, roomId);
		else this.#unfollow(feed, roomId);
	}

	/** Waits until something happens that concerns a user. */
	wait(feed: Feed, {pos, seq, startPos, deviceId, timeoutMs, signal}: Wait): Promise<WaitEnd> {
		if (this.#hasEnded(feed.userId, deviceId, startPos)) return Promise.resolve('ended');
		if (signal.aborted) return Promise.resolve('aborted');
		if (feed.isClosed || feed.touched > pos || feed.touchedSeq > seq) return Promise.resolve('changed');
		return new Promise((resolve) => {
			const end = (how: WaitEnd): void => {
				feed.waiters.delete(waiter);
				timer.cancel();
				signal.removeEventListener('abort', abort);
				resolve(how);
			};
			const waiter: Waiter = {deviceId, end};
			const abort = (): void => end('aborted');
			const timer = this.#clock.setTimer(timeoutMs, () => end('timeout'));
			signal.addEventListener('abort', abort);
			feed.waiters.add(waiter);
		});
	}

	/** Stops following the stream, and ends all waits. */
	close(): void {
		for (const stop of this.#stops) stop();
		this.#feeds.clear();
	}

	async #load(userId: UserId): Promise<Feed> {
		const feed = new Feed(userId);
		// Known before the read: what changes meanwhile is read again.
		this.#feeds.set(userId, feed);
		const {memberships, stream} = this.#storage;
		const rows = [
			...(await memberships.listOfUser(userId)),
			...(await memberships.listForgotten(userId, stream.floor())),
		];
		await this.#reach(rows);
		for (const row of rows) this.#setRoom(feed, row.roomId, row);
		// Once more, for the size that it has now.
		if (!feed.isClosed) this.#feeds.set(userId, feed, {noDisposeOnSet: true});
		return feed;
	}

	#follow(feed: Feed, roomId: RoomId): void {
		const members = this.#members.get(roomId) ?? new Set();
		this.#members.set(roomId, members.add(feed));
	}

	#unfollow(feed: Feed, roomId: RoomId): void {
		const members = this.#members.get(roomId);
		members?.delete(feed);
		if (members?.size === 0) this.#members.delete(roomId);
	}

	#close(feed: Feed): void {
		feed.isClosed = true;
		for (const roomId of feed.rooms.keys()) this.#unfollow(feed, roomId);
		feed.wake('changed');
	}

	#hear(changes: readonly CommittedChange[]): void {
		this.positions.apply(changes);
		for (const change of changes) this.#tell(change);
	}

	#tell({kind, roomId, subject, pos, extra}: CommittedChange): void {
		switch (kind) {
			case 'event':
			case 'state':
			case 'membership':
				if (roomId !== undefined) this.#tellRoom(roomId, subject, pos);
				break;
			case 'receipt':
				if (extra?.['private'] === true) this.#feeds.peek(subject as UserId)?.touch(pos);
				else if (roomId !== undefined) this.#touchMembers(roomId, pos);
				break;
			case 'account_data':
				this.#feeds.peek(subject as UserId)?.touch(pos);
				break;
			case 'to_device':
			case 'device_keys':
				for (const userId of usersOf({subject, extra})) this.#feeds.peek(userId as UserId)?.touch(pos);
				break;
			case 'device_list':
				this.#tellPeers(subject as UserId, (feed) => feed.touch(pos));
				break;
			case 'device':
				this.#endSessions(subject as UserId, extra?.['device_ids'], pos);
				break;
			case 'account':
				// Whether the session may go on is said to its next request.
				this.#feeds.peek(subject as UserId)?.wake('timeout');
				break;
			case 'cursor':
			case 'edu':
			case 'floor':
			case 'job':
			case 'history':
			case 'profile':
				break;
		}
	}

	#tellRoom(roomId: RoomId, subject: string | undefined, pos: Position): void {
		if (subject !== undefined) {
			const feed = this.#feeds.peek(subject as UserId);
			feed?.stale.add(roomId);
			feed?.touch(pos);
		}
		this.#touchMembers(roomId, pos);
	}

	#touchMembers(roomId: RoomId, pos: Position): void {
		for (const feed of this.#members.get(roomId) ?? []) feed.touch(pos);
	}

	/** Tells those who share a room with a user. A failed read delays the news to the next change. */
	#tellPeers(userId: UserId, tell: (feed: Feed) => void): void {
		const own = this.#feeds.peek(userId);
		if (own) tell(own);
		const rooms = this.#storage.memberships.listOfUser(userId, ['join']).then((rows) => {
			for (const {roomId} of rows) for (const feed of this.#members.get(roomId) ?? []) tell(feed);
		});
		rooms.catch(() => undefined);
	}

	#endSessions(userId: UserId, deviceIds: unknown, pos: Position): void {
		const ended = Array.isArray(deviceIds) ? new Set<unknown>(deviceIds) : undefined;
		for (const deviceId of ended ?? ['*']) this.#ended.set(`${userId} ${String(deviceId)}`, pos);
		this.#feeds.peek(userId)?.wake('ended', (deviceId) => ended?.has(deviceId) ?? true);
	}

	#hasEnded(userId: UserId, deviceId: DeviceId, after: Position): boolean {
		return [deviceId, '*'].some((name) => (this.#ended.get(`${userId} ${name}`) ?? 0) > after);
	}

	#hearEphemeral(change: EphemeralChange): void {
		this.positions.applyEphemeral(change);
		if (change.kind === 'typing') {
			for (const feed of this.#members.get(change.roomId) ?? []) feed.touchEphemeral(change.seq);
			return;
		}
		this.#tellPeers(change.userId, (feed) => feed.touchEphemeral(change.seq));
	}
}
