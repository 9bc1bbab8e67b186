import type {RoomId} from '../../crypto/index.ts';

interface Link {
	readonly roomId: RoomId;
	at: number;
	newer: Link | undefined;
	older: Link | undefined;
}

/**
 * Rooms in the order in which something last happened in them, so that who was told up to some point finds the later
 * ones without looking at the others. Points are positions of the stream, or counts of what is in memory only.
 */
export class TouchedRooms {
	readonly #links = new Map<RoomId, Link>();
	#newest: Link | undefined;
	#oldest: Link | undefined;

	/** Notes that something happened in a room. What comes belatedly is known from then on, but stands in no order. */
	touch(roomId: RoomId, at: number): void {
		const known = this.#links.get(roomId);
		const link = known ?? {roomId, at, newer: undefined, older: undefined};
		if (!known) this.#links.set(roomId, link);
		else if (at <= known.at) return;
		link.at = at;
		if (link === this.#newest) return;
		if (this.#newest && at < this.#newest.at) {
			if (!known) this.#append(link);
			return;
		}
		if (known) this.#unlink(known);
		this.#prepend(link);
	}

	/** When something last happened in a room; 0: never. */
	lastIn(roomId: RoomId): number {
		return this.#links.get(roomId)?.at ?? 0;
	}

	/**
	 * Lists the rooms in which something happened after a point, the latest first; `undefined` for more than `max`. All
	 * that happened after the point must have been noted in its order.
	 */
	listAfter(at: number, max: number): RoomId[] | undefined {
		const rooms: RoomId[] = [];
		for (let link = this.#newest; link && link.at > at; link = link.older) {
			if (rooms.length === max) return undefined;
			rooms.push(link.roomId);
		}
		return rooms;
	}

	#prepend(link: Link): void {
		link.newer = undefined;
		link.older = this.#newest;
		if (this.#newest) this.#newest.newer = link;
		else this.#oldest = link;
		this.#newest = link;
	}

	#append(link: Link): void {
		link.newer = this.#oldest;
		if (this.#oldest) this.#oldest.older = link;
		this.#oldest = link;
	}

	#unlink({newer, older}: Link): void {
		if (newer) newer.older = older;
		if (older) older.newer = newer;
		else this.#oldest = newer;
	}
}
