import {LRUCache} from 'lru-cache';
import type {RoomId, UserId} from '../../crypto/index.ts';
import type {CommittedChange, MembershipRow, Position, Storage} from '../../storage/index.ts';

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
	#drops = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	/** Drops what committed changes make wrong. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, roomId, subject} of changes) {
			if (roomId === undefined || (kind !== 'event' && kind !== 'membership' && kind !== 'state')) continue;
			if (kind === 'event' && subject === undefined) continue;
			this.#drops += 1;
			// A state that changed without an event may change anybody's membership.
			if (subject === undefined) this.#standings.clear();
			else this.#standings.delete(`${roomId} ${subject}`);
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

	async #findJoinedUntil({roomId, userId, membership, pos}: MembershipRow): Promise<Position> {
		if (membership === 'join') return Number.POSITIVE_INFINITY;
		const {rooms, events, state} = this.#storage;
		let until = pos;
		for (let change = 0; change < CHANGES_MAX; change += 1) {
			const head = await rooms.findHeadAt(roomId, until - 1);
			if (!head) return 0;
			const before = state.open(roomId, head.root);
			const key = {type: 'm.room.member', stateKey: userId};
			await before.load([key]);
			const nid = before.get(key.type, key.stateKey);
			const row = nid === undefined ? undefined : await events.findByNid(nid);
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
