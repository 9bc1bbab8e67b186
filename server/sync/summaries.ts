import {LRUCache} from 'lru-cache';
import type {RoomId, UserId} from '../../crypto/index.ts';
import {listFirstMembers} from '../../federation/inbound/index.ts';
import type {CommittedChange, Storage} from '../../storage/index.ts';

/** Rooms whose members are counted in memory. */
const ROOMS_MAX = 20_000;
/** Heroes that the specification asks for. */
const HEROES_MAX = 5;

/** How many are in a room, and who they begin with. */
export interface RoomMembers {
	readonly joined: number;
	readonly invited: number;
	/** One more than heroes are asked for, so that the viewer can be left out. */
	readonly first: readonly UserId[];
}

/** Counts and first members of rooms, as the stream has them. */
export class Summaries {
	readonly #storage: Storage;
	readonly #members = new LRUCache<RoomId, RoomMembers>({maxSize: ROOMS_MAX, sizeCalculation: () => 1});
	#drops = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	/** Drops what committed changes make wrong. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, roomId, subject} of changes) {
			const isMember = kind === 'membership' || kind === 'state' || (kind === 'event' && subject !== undefined);
			if (!isMember || roomId === undefined) continue;
			this.#drops += 1;
			this.#members.delete(roomId);
		}
	}

	/** Gives a room's members. */
	async get(roomId: RoomId): Promise<RoomMembers> {
		const known = this.#members.get(roomId);
		if (known) return known;
		const drops = this.#drops;
		const {memberships} = this.#storage;
		const count = await memberships.count(roomId);
		const first = await listFirstMembers(this.#storage, roomId, HEROES_MAX + 1);
		const members = {joined: count.join, invited: count.invite, first};
		if (drops === this.#drops) this.#members.set(roomId, members);
		return members;
	}
}

/** Lists those by whom a room without a name is called, for one of its members. */
export function heroesOf({first}: RoomMembers, userId: UserId): UserId[] {
	return first.filter((member) => member !== userId).slice(0, HEROES_MAX);
}
