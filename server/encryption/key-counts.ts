import {LRUCache} from 'lru-cache';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {type ChangeKind, type CommittedChange, type Storage, usersOf} from '../../storage/index.ts';

/** Unclaimed one-time keys by algorithm, and the algorithms whose fallback key nobody was given yet. */
export interface KeyCounts {
	readonly oneTimeKeys: Readonly<Record<string, number>>;
	readonly unusedFallbackKeyTypes: readonly string[];
}

interface UserCounts {
	/** Grows with every change that concerns the user: what was read before one may not be kept. */
	changes: number;
	readonly devices: Map<DeviceId, KeyCounts>;
}

/** People whose devices' counts are kept: a few hundred bytes for each. */
const USERS_MAX = 50_000;
/** A device that is removed may come again under its id, without its keys. */
const KINDS: readonly ChangeKind[] = ['device_keys', 'device_list', 'device'];

/** How many keys are left of devices here, in memory where that was asked for lately. */
export class LocalKeyCounts {
	readonly #storage: Storage;
	readonly #users = new LRUCache<string, UserCounts>({maxSize: USERS_MAX, sizeCalculation: () => 1});
	readonly #stop: () => void;

	constructor(storage: Storage) {
		this.#storage = storage;
		this.#stop = storage.onCommitted((changes) => this.#apply(changes));
	}

	/** Counts what is left of a device's keys, as of what was delivered of the stream. */
	async find(userId: UserId, deviceId: DeviceId): Promise<KeyCounts> {
		const user = this.#user(userId);
		const known = user.devices.get(deviceId);
		if (known !== undefined) return known;
		const {changes} = user;
		const {keys} = this.#storage;
		const [oneTimeKeys, unusedFallbackKeyTypes] = await Promise.all([
			keys.countOneTimeKeys(userId, deviceId),
			keys.listUnusedFallbackKeys(userId, deviceId),
		]);
		// Clients watch this algorithm, and some take its absence for no news rather than for none.
		const counts = {oneTimeKeys: {signed_curve25519: 0, ...oneTimeKeys}, unusedFallbackKeyTypes};
		if (user.changes === changes) user.devices.set(deviceId, counts);
		return counts;
	}

	/**
	 * Makes a change whose outcome the caller can tell, and keeps that: a device that fills its store in many uploads would
	 * have all its keys counted for each.
	 */
	async change(userId: UserId, deviceId: DeviceId, commit: () => Promise<void>, after: KeyCounts): Promise<void> {
		const user = this.#user(userId);
		const {changes} = user;
		await commit();
		// Only the change itself came in between.
		if (user.changes === changes + 1) user.devices.set(deviceId, after);
	}

	close(): void {
		this.#stop();
	}

	#user(userId: UserId): UserCounts {
		let user = this.#users.get(userId);
		if (user === undefined) this.#users.set(userId, (user = {changes: 0, devices: new Map()}));
		return user;
	}

	#apply(changes: readonly CommittedChange[]): void {
		for (const change of changes) {
			if (!KINDS.includes(change.kind)) continue;
			for (const userId of usersOf(change)) {
				const user = this.#users.peek(userId);
				if (user === undefined) continue;
				user.changes += 1;
				user.devices.clear();
			}
		}
	}
}
