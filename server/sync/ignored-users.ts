import {LRUCache} from 'lru-cache';
import {isJsonObject, type UserId} from '../../crypto/index.ts';
import type {CommittedChange, Storage} from '../../storage/index.ts';

/** Users whose list is held. */
const USERS_MAX = 20_000;
const nobody: ReadonlySet<string> = new Set();

/** Whom people do not want to hear. @see https://spec.matrix.org/v1.19/client-server-api/#ignoring-users */
export class IgnoredUsers {
	readonly #storage: Storage;
	readonly #ignored = new LRUCache<UserId, ReadonlySet<string>>({maxSize: USERS_MAX, sizeCalculation: () => 1});
	#drops = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	/** Drops what committed changes make wrong. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, subject} of changes) {
			if (kind !== 'account_data') continue;
			this.#drops += 1;
			this.#ignored.delete(subject as UserId);
		}
	}

	/** Gives whom a user ignores. */
	of(userId: UserId): Promise<ReadonlySet<string>> | ReadonlySet<string> {
		return this.#ignored.get(userId) ?? this.#read(userId);
	}

	async #read(userId: UserId): Promise<ReadonlySet<string>> {
		const drops = this.#drops;
		const row = await this.#storage.accountData.find(userId, null, 'm.ignored_user_list');
		const users = row?.content?.['ignored_users'];
		const ignored = isJsonObject(users) ? new Set(Object.keys(users).filter((user) => user !== userId)) : nobody;
		if (drops === this.#drops) this.#ignored.set(userId, ignored);
		return ignored;
	}
}
