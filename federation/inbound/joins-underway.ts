import type {RoomId} from '../../crypto/index.ts';

/**
 * Rooms that this server is entering. The resident server sends news as soon as it has taken the join, often before its
 * answer is read here: what comes for such a room waits until the room is here.
 */
export class JoinsUnderway {
	readonly #joins = new Map<RoomId, Set<Promise<unknown>>>();

	/** Runs a join; events of its room wait for its end. */
	async run<T>(roomId: RoomId, join: () => Promise<T>): Promise<T> {
		const joins = this.#joins.get(roomId) ?? new Set<Promise<unknown>>();
		this.#joins.set(roomId, joins);
		const joining = join();
		joins.add(joining);
		try {
			return await joining;
		} finally {
			joins.delete(joining);
			if (joins.size === 0) this.#joins.delete(roomId);
		}
	}

	/** Whether this server is entering a room. */
	has(roomId: RoomId): boolean {
		return this.#joins.has(roomId);
	}

	/** Waits until no join of a room is under way, however they end. */
	async settled(roomId: RoomId): Promise<void> {
		for (let joins = this.#joins.get(roomId); joins; joins = this.#joins.get(roomId)) await Promise.allSettled(joins);
	}
}
