import type {RoomId} from '../../crypto/index.ts';
import type {CommittedChange} from '../../storage/index.ts';

/** Who waits for news of a room that they need not be in. */
export class RoomWatch {
	readonly #watchers = new Map<RoomId, Set<() => void>>();

	/** Calls back at each event of a room until it is stopped. */
	add(roomId: RoomId, wake: () => void): () => void {
		const watchers = this.#watchers.get(roomId) ?? new Set();
		this.#watchers.set(roomId, watchers.add(wake));
		return () => {
			watchers.delete(wake);
			if (watchers.size === 0 && this.#watchers.get(roomId) === watchers) this.#watchers.delete(roomId);
		};
	}

	/** Wakes those whom changes concern. */
	apply(changes: readonly CommittedChange[]): void {
		if (this.#watchers.size === 0) return;
		for (const {kind, roomId} of changes) {
			if (roomId === undefined || (kind !== 'event' && kind !== 'state')) continue;
			for (const wake of this.#watchers.get(roomId) ?? []) wake();
		}
	}
}
