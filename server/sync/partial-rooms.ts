import {LRUCache} from 'lru-cache';
import type {RoomId} from '../../crypto/index.ts';
import type {CommittedChange, MembershipRow, Storage} from '../../storage/index.ts';

/** Rooms of which it is known whether they are partial. */
const ROOMS_MAX = 20_000;

/**
 * Which rooms were entered before their members were known. Clients that take rooms as they are, whole, are shown such a
 * room only when it is: they would not ask again who is there.
 */
export class PartialRooms {
	readonly #storage: Storage;
	readonly #rooms = new LRUCache<RoomId, boolean>({maxSize: ROOMS_MAX, sizeCalculation: () => 1});
	#drops = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	/** Drops what committed changes make wrong: our entries, and completions. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, roomId, subject} of changes) {
			if (roomId === undefined || (kind !== 'state' && (kind !== 'event' || subject === undefined))) continue;
			this.#drops += 1;
			this.#rooms.delete(roomId);
		}
	}

	async has(roomId: RoomId): Promise<boolean> {
		const known = this.#rooms.get(roomId);
		if (known !== undefined) return known;
		const drops = this.#drops;
		const isPartial = (await this.#storage.rooms.find(roomId))?.isPartial === true;
		if (drops === this.#drops) this.#rooms.set(roomId, isPartial);
		return isPartial;
	}

	/** Whether a membership was set by the completion of its room, and not by the event that it names. */
	async isByCompletion({eventNid, pos}: MembershipRow): Promise<boolean> {
		const event = eventNid === null ? undefined : await this.#storage.events.findByNid(eventNid);
		return event?.anchor !== undefined && event.anchor !== null && event.anchor < pos;
	}
}
