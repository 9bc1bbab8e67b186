import type {UserId} from '../../crypto/index.ts';
import type {CommittedChange, Storage} from '../../storage/index.ts';
import type {BridgedNames} from '../appservices/index.ts';
import {type Person, toPerson} from './match.ts';

/** Accounts that are kept in memory for the search: some hundred bytes each. Those beyond are found by their whole id. */
const PEOPLE_MAX = 100_000;
/** Accounts that are read at a time. */
const PAGE_PEOPLE = 1_000;

/**
 * The people of this server who can be found: in memory, so that a search of them costs no read, and each read anew once
 * something of theirs has changed. Who was deactivated or locked is not among them, and neither are the many of application
 * services: those are found by the rooms that they are in.
 */
export class LocalPeople {
	readonly #storage: Pick<Storage, 'accounts' | 'profiles'>;
	readonly #bridged: Pick<BridgedNames, 'findServices'>;
	readonly #people = new Map<UserId, Person>();
	#changed = new Set<UserId>();
	#refreshing: Promise<void> | undefined;
	#isRead = false;

	constructor(storage: Pick<Storage, 'accounts' | 'profiles'>, bridged: Pick<BridgedNames, 'findServices'>) {
		this.#storage = storage;
		this.#bridged = bridged;
	}

	/** Hears of committed changes. */
	hear(changes: readonly CommittedChange[]): void {
		for (const {kind, subject} of changes) {
			if ((kind === 'profile' || kind === 'account') && subject !== undefined) this.#changed.add(subject as UserId);
		}
	}

	/** Gives everybody, as of now. */
	async list(): Promise<Iterable<Person>> {
		// One that is under way may have begun before the last change; one that begins after it has not.
		await this.#refreshing?.catch(() => undefined);
		if (!this.#isRead || this.#changed.size > 0) {
			this.#refreshing ??= this.#refresh().finally(() => (this.#refreshing = undefined));
			await this.#refreshing;
		}
		return this.#people.values();
	}

	/** Gives one of them, whether or not they are in memory. */
	async find(userId: UserId): Promise<Person | undefined> {
		return (await this.#readMany([userId])).get(userId);
	}

	async #refresh(): Promise<void> {
		if (!this.#isRead) {
			// What changes from here on is read once more; what changed before is read with all.
			this.#changed = new Set();
			await this.#readAll();
		}
		const changed = [...this.#changed];
		this.#changed = new Set();
		try {
			const people = await this.#readMany(changed);
			for (const userId of (await this.#bridged.findServices(changed)).keys()) people.delete(userId);
			for (const userId of changed) {
				const person = people.get(userId);
				if (person === undefined) this.#people.delete(userId);
				else if (this.#people.size < PEOPLE_MAX || this.#people.has(userId)) this.#people.set(userId, person);
			}
		} catch (error) {
			for (const userId of changed) this.#changed.add(userId);
			throw error;
		}
	}

	async #readAll(): Promise<void> {
		let after: UserId | undefined;
		do {
			const page = await this.#storage.accounts.list({after, limit: PAGE_PEOPLE});
			const ids = page.map(({userId}) => userId);
			const profiles = await this.#storage.profiles.findMany(ids);
			const services = await this.#bridged.findServices(ids);
			for (const {userId, isDeactivated, isLocked} of page) {
				if (!isDeactivated && !isLocked && !services.has(userId))
					this.#people.set(userId, toPerson(userId, profiles.get(userId) ?? {}));
			}
			after = page.length === PAGE_PEOPLE ? page.at(-1)?.userId : undefined;
		} while (after !== undefined && this.#people.size < PEOPLE_MAX);
		this.#isRead = true;
	}

	async #readMany(userIds: readonly UserId[]): Promise<Map<UserId, Person>> {
		const profiles = await this.#storage.profiles.findMany(userIds);
		const people = new Map<UserId, Person>();
		for (const userId of userIds) {
			const account = await this.#storage.accounts.find(userId);
			if (account === undefined || account.isDeactivated || account.isLocked) continue;
			people.set(userId, toPerson(userId, profiles.get(userId) ?? {}));
		}
		return people;
	}
}
