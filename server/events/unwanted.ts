import {LRUCache} from 'lru-cache';
import {isJsonObject, type UserId} from '../../crypto/index.ts';
import type {CommittedChange, Storage} from '../../storage/index.ts';

/** Users whose wishes are held. */
const USERS_MAX = 20_000;

/** What somebody does not want to be shown. */
export interface Unwanted {
	/** People whose messages and invites are not shown; their state events are. */
	readonly users: ReadonlySet<string>;
	/** Whether no invites are shown at all. */
	readonly invites: boolean;
}

/**
 * What people do not want to be shown, from their account data.
 * @see https://spec.matrix.org/v1.19/client-server-api/#ignoring-users
 * @see https://spec.matrix.org/v1.19/client-server-api/#invite-permission
 */
export class UnwantedOfUsers {
	readonly #storage: Storage;
	readonly #unwanted = new LRUCache<UserId, Unwanted>({maxSize: USERS_MAX, sizeCalculation: () => 1});
	#drops = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
	}

	/** Drops what committed changes make wrong. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, roomId, subject} of changes) {
			if (kind !== 'account_data' || roomId !== undefined) continue;
			this.#drops += 1;
			this.#unwanted.delete(subject as UserId);
		}
	}

	/** Gives what a user does not want to be shown. */
	of(userId: UserId): Promise<Unwanted> | Unwanted {
		return this.#unwanted.get(userId) ?? this.#read(userId);
	}

	async #read(userId: UserId): Promise<Unwanted> {
		const drops = this.#drops;
		const {accountData} = this.#storage;
		const [ignored, permission] = await Promise.all([
			accountData.find(userId, null, 'm.ignored_user_list'),
			accountData.find(userId, null, 'm.invite_permission_config'),
		]);
		const users = ignored?.content?.['ignored_users'];
		const unwanted = {
			users: new Set(isJsonObject(users) ? Object.keys(users).filter((user) => user !== userId) : []),
			invites: permission?.content?.['default_action'] === 'block',
		};
		if (drops === this.#drops) this.#unwanted.set(userId, unwanted);
		return unwanted;
	}
}
