import {LRUCache} from 'lru-cache';
import type {RoomId, UserId} from '../../crypto/index.ts';
import type {CommittedChange, Storage} from '../../storage/index.ts';

/** Rooms whose members with pushers are held. */
const ROOMS_MAX = 10_000;

/** Who has pushers, in which rooms. */
export class Recipients {
	readonly #storage: Storage;
	readonly #users = new Set<UserId>();
	readonly #rooms = new LRUCache<RoomId, readonly UserId[]>({maxSize: ROOMS_MAX, sizeCalculation: () => 1});

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	has(userId: string | undefined): userId is UserId {
		return this.#users.has(userId as UserId);
	}

	/** Notes whether somebody has pushers. */
	set(userId: UserId, has: boolean): void {
		if (this.#users.has(userId) === has) return;
		if (has) this.#users.add(userId);
		else this.#users.delete(userId);
		this.#rooms.clear();
	}

	/** Drops what a change makes wrong. */
	apply({kind, roomId, subject}: CommittedChange): void {
		// A receipt names somebody too, but moves nobody.
		if (roomId === undefined || kind === 'receipt') return;
		if (subject !== undefined || kind === 'state') this.#rooms.delete(roomId);
	}

	/** Lists those in a room who have pushers. */
	async listOfRoom(roomId: RoomId): Promise<readonly UserId[]> {
		if (this.#users.size === 0) return [];
		const known = this.#rooms.get(roomId);
		if (known) return known;
		const members = await this.#storage.memberships.listLocalJoined(roomId);
		const found = members.filter((member) => this.#users.has(member));
		this.#rooms.set(roomId, found);
		return found;
	}
}
