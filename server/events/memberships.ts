import {LRUCache} from 'lru-cache';
import type {RoomId, UserId} from '../../crypto/index.ts';
import type {CommittedChange, EventRow, MembershipRow, Position, Storage} from '../../storage/index.ts';

/** Memberships kept in memory. */
const MEMBERSHIPS_MAX = 50_000;
/** Changes of one membership that are followed back in search of the last time somebody was in a room. */
const CHANGES_MAX = 50;

/** What a user is to a room, and was. */
export interface Standing {
	readonly row: MembershipRow | undefined;
	/** The position at which the user was last in the room no more: infinite for who is in it, 0 for who never was. */
	readonly joinedUntil: Position;
}

const nobody: Standing = {row: undefined, joinedUntil: 0};

/** What users are to rooms, as the stream has it. */
export class Standings {
	readonly #storage: Storage;
	readonly #standings = new LRUCache<string, Standing>({maxSize: MEMBERSHIPS_MAX, sizeCalculation: () => 1});
	readonly #joins = new LRUCache<string, Position>({maxSize: MEMBERSHIPS_MAX, sizeCalculation: () => 1});
	#drops = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	/** Drops what committed changes make wrong. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, roomId, subject, ref} of changes) {
			const isClosed = kind === 'history' && ref === undefined;
			const concerns = kind === 'event' || kind === 'membership' || kind === 'state' || isClosed;
			if (roomId === undefined || !concerns) continue;
			if (kind === 'event' && subject === undefined) continue;
			this.#drops += 1;
			// A state that changed without an event may change anybody's membership.
			if (subject === undefined) {
				this.#standings.clear();
				this.#joins.clear();
			} else {
				this.#standings.delete(`${roomId} ${subject}`);
				this.#joins.delete(`${roomId} ${subject}`);
			}
		}
	}

	/** Finds what a user is to a room. */
	find(roomId: RoomId, userId: UserId): Promise<Standing> | Standing {
		return this.#standings.get(`${roomId} ${userId}`) ?? this.#read(roomId, userId);
	}

	async #read(roomId: RoomId, userId: UserId): Promise<Standing> {
		const drops = this.#drops;
		const row = await this.#storage.memberships.find(roomId, userId);
		const standing = row ? {row, joinedUntil: await this.#findJoinedUntil(row)} : nobody;
		if (drops === this.#drops) this.#standings.set(`${roomId} ${userId}`, standing);
		return standing;
	}

	/** Finds where the user's stay in a room began; 0 for who is not in it. Changes of name do not begin a stay. */
	async findJoinPosition(roomId: RoomId, userId: UserId): Promise<Position> {
		const key = `${roomId} ${userId}`;
		const known = this.#joins.get(key);
		if (known !== undefined) return known;
		const drops = this.#drops;
		const {row} = await this.find(roomId, userId);
		const pos = row?.membership === 'join' ? await this.#findStart(row) : 0;
		if (drops === this.#drops) this.#joins.set(key, pos);
		return pos;
	}

	/** Tells whether a user was in a room at a position. */
	async wasJoined(roomId: RoomId, userId: UserId, pos: Position): Promise<boolean> {
		const row = await this.#findMemberBefore(roomId, userId, pos + 1);
		return row !== undefined && isJoin(row.json);
	}

	async #findStart({roomId, userId, pos}: MembershipRow): Promise<Position> {
		let start = pos;
		for (let change = 0; change < CHANGES_MAX; change += 1) {
			const before = await this.#findMemberBefore(roomId, userId, start);
			if (!before || !isJoin(before.json) || before.anchor === null || before.anchor >= start) return start;
			start = before.anchor;
		}
		return start;
	}

	/** Finds the member event that was in force just before a position. */
	async #findMemberBefore(roomId: RoomId, userId: UserId, pos: Position): Promise<EventRow | undefined> {
		const {rooms, events, state} = this.#storage;
		const head = await rooms.findHeadAt(roomId, pos - 1);
		if (!head) return undefined;
		const before = state.open(roomId, head.root);
		await before.load([{type: 'm.room.member', stateKey: userId}]);
		const nid = before.get('m.room.member', userId);
		return nid === undefined ? undefined : events.findByNid(nid);
	}

	async #findJoinedUntil({roomId, userId, membership, pos}: MembershipRow): Promise<Position> {
		if (membership === 'join') return Number.POSITIVE_INFINITY;
		let until = pos;
		for (let change = 0; change < CHANGES_MAX; change += 1) {
			const row = await this.#findMemberBefore(roomId, userId, until);
			if (!row) return 0;
			if (isJoin(row.json)) return until;
			if (row.anchor === null || row.anchor >= until) return 0;
			until = row.anchor;
		}
		return 0;
	}
}

function isJoin(json: string): boolean {
	try {
		const event = JSON.parse(json) as {content?: {membership?: unknown}};
		return event.content?.membership === 'join';
	} catch {
		// A damaged row costs the history that hangs on it, nothing else.
		return false;
	}
}
