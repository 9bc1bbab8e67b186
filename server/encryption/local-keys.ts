import {LRUCache} from 'lru-cache';
import {isUserId, type UserId} from '../../crypto/index.ts';
import type {CommittedChange, Storage} from '../../storage/index.ts';
import {groupByUser, readKeyRows, type UserKeys} from './key-views.ts';

const CACHE_BYTES_MAX = 32 * 1024 * 1024;
/** What rows take in memory once they are parsed, on average. */
const DEVICE_BYTES = 4000;
const CROSS_SIGNING_KEY_BYTES = 2000;
const SIGNATURE_BYTES = 500;
const USER_BYTES = 500;

/** The keys of this server's people, in memory where they were asked for lately. */
export class LocalKeys {
	readonly #storage: Storage;
	readonly #stop: () => void;
	readonly #cache = new LRUCache<UserId, UserKeys>({
		maxSize: CACHE_BYTES_MAX,
		sizeCalculation: sizeOf,
		dispose: ({signatures}, userId) => {
			for (const {signer} of signatures) this.#unlink(signer, userId);
		},
	});
	/** On whose keys somebody's signatures are, of those in memory. */
	readonly #signedBy = new Map<UserId, Set<UserId>>();
	/** Grows with every change: what was read before one may not be kept. */
	#changes = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
		this.#stop = storage.onCommitted((changes) => this.#apply(changes));
	}

	/** Finds what is known of the keys of people here, up to what is committed now; everybody asked for is in it. */
	async find(userIds: readonly UserId[]): Promise<ReadonlyMap<UserId, UserKeys>> {
		const storage = this.#storage;
		if (storage.dialect === 'postgres') await storage.barrier();
		const found = new Map<UserId, UserKeys>();
		const missing: UserId[] = [];
		for (const userId of userIds) {
			const keys = this.#cache.get(userId);
			if (keys === undefined) missing.push(userId);
			else found.set(userId, keys);
		}
		if (missing.length === 0) return found;
		const before = this.#changes;
		const read = await groupByUser(storage, missing, await readKeyRows(storage, missing));
		for (const [userId, keys] of read) {
			found.set(userId, keys);
			if (this.#changes === before) this.#keep(userId, keys);
		}
		return found;
	}

	close(): void {
		this.#stop();
	}

	#keep(userId: UserId, keys: UserKeys): void {
		this.#cache.set(userId, keys);
		for (const {signer} of keys.signatures) {
			this.#signedBy.set(signer, (this.#signedBy.get(signer) ?? new Set()).add(userId));
		}
	}

	#unlink(signer: UserId, userId: UserId): void {
		const signed = this.#signedBy.get(signer);
		signed?.delete(userId);
		if (signed?.size === 0) this.#signedBy.delete(signer);
	}

	#apply(changes: readonly CommittedChange[]): void {
		for (const {kind, subject, extra} of changes) {
			if (kind === 'device_list' || kind === 'account') this.#forget(subject);
			// Whose keys somebody has signed for their own eyes.
			const signed = kind === 'device_keys' ? extra?.['signed'] : undefined;
			if (Array.isArray(signed)) for (const userId of signed) this.#forget(userId);
		}
	}

	#forget(userId: unknown): void {
		this.#changes += 1;
		if (!isUserId(userId)) return;
		this.#cache.delete(userId);
		// With another master key the signatures of the one before are void.
		for (const signed of this.#signedBy.get(userId) ?? []) this.#cache.delete(signed);
	}
}

function sizeOf({devices, crossSigning, signatures}: UserKeys): number {
	return (
		USER_BYTES +
		devices.length * DEVICE_BYTES +
		crossSigning.length * CROSS_SIGNING_KEY_BYTES +
		signatures.length * SIGNATURE_BYTES
	);
}
