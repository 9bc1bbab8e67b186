import {LRUCache} from 'lru-cache';
import type {RoomId} from '../../../crypto/index.ts';
import type {CommittedChange, Position, Storage} from '../../../storage/index.ts';

/** Rooms whose last change is held. */
const ROOMS_MAX = 200_000;
/** Rooms that are asked for in one read. */
const CHUNK = 500;

/** Where rooms last changed: exactly, also before the process' start. */
export class Activity {
	readonly #storage: Pick<Storage, 'rooms'>;
	readonly #last = new LRUCache<RoomId, Position>({maxSize: ROOMS_MAX, sizeCalculation: () => 1});
	/** Changes that came while a read was under way. */
	readonly #meanwhile = new Map<RoomId, Position>();
	#reads = 0;

	constructor(storage: Pick<Storage, 'rooms'>) {
		this.#storage = storage;
	}

	/** Takes in committed changes. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, roomId, pos} of changes) {
			if (roomId === undefined || (kind !== 'event' && kind !== 'state')) continue;
			// What was read may be ahead of the stream.
			const last = this.#last.peek(roomId);
			if (last !== undefined) this.#last.set(roomId, Math.max(last, pos));
			if (this.#reads > 0) this.#meanwhile.set(roomId, pos);
		}
	}

	/** Reads what is not known of rooms, all at once. */
	async load(roomIds: Iterable<RoomId>): Promise<void> {
		const missing = [...roomIds].filter((roomId) => !this.#last.has(roomId));
		for (let index = 0; index < missing.length; index += CHUNK) await this.#read(missing.slice(index, index + CHUNK));
	}

	/** Gives where a room last changed, an event or its state; 0 where it never did, as far as it has been read. */
	of(roomId: RoomId): Position {
		return this.#last.get(roomId) ?? 0;
	}

	async #read(roomIds: readonly RoomId[]): Promise<void> {
		this.#reads += 1;
		try {
			const found = await this.#storage.rooms.findLastChanges(roomIds);
			for (const roomId of roomIds) {
				this.#last.set(roomId, Math.max(found.get(roomId) ?? 0, this.#meanwhile.get(roomId) ?? 0));
			}
		} finally {
			this.#reads -= 1;
			if (this.#reads === 0) this.#meanwhile.clear();
		}
	}
}
