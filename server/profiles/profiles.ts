import {domainOf, type JsonValue, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Batch, Storage} from '../../storage/index.ts';
import {ProfilesError} from './errors.ts';
import {checkKey, checkSize, checkValue, MEMBER_EVENT_FIELDS, type Profile} from './fields.ts';

/** What the profiles domain is built from. */
export interface ProfilesDependencies {
	readonly storage: Storage;
	readonly serverName: ServerName;
	/** Rewrites the person's member event in every joined room; the rooms domain does. */
	readonly updateMemberEvents: (userId: UserId, profile: Profile) => Promise<void>;
	/** Asks another server for a profile, or one field of it; `undefined` where it gives none. */
	readonly queryRemote: (userId: UserId, key: string | undefined) => Promise<Profile | undefined>;
	/** Who has no profile, as if there were nobody of the name. */
	readonly isUnseen: (userId: UserId) => boolean;
}

/** What else is written in the commit of a change. */
type AlsoWrite = (batch: Batch) => void;

/**
 * Profiles. Whether somebody may see one is not asked here but of `Visibility`.
 * @see https://spec.matrix.org/v1.19/client-server-api/#profiles
 */
export interface Profiles {
	/** Gives the whole profile, of a person here or elsewhere. @throws ProfilesError 'not-found' for no such person */
	get(userId: UserId): Promise<Profile>;
	/** Gives one field. @throws ProfilesError 'not-found' */
	getField(userId: UserId, key: string): Promise<JsonValue>;
	/** Gives the profile of a person of this server as their member events should have it; empty where there is none. */
	findLocal(userId: UserId): Promise<Profile>;
	/**
	 * Sets a field of a person of this server, and their member events where they repeat it.
	 * @throws ProfilesError 'key-too-large', 'invalid-key', 'invalid-value', 'profile-too-large'
	 */
	setField(userId: UserId, key: string, value: JsonValue, alsoWrite?: AlsoWrite): Promise<void>;
	/** Removes a field; nothing happens where there is none. @throws ProfilesError 'key-too-large', 'invalid-key' */
	removeField(userId: UserId, key: string, alsoWrite?: AlsoWrite): Promise<void>;
}

/** Makes the profiles domain. */
export function createProfiles(dependencies: ProfilesDependencies): Profiles {
	const {storage, serverName, queryRemote, isUnseen} = dependencies;
	const inTurn = createTurns();

	async function get(userId: UserId, key: string | undefined): Promise<Profile> {
		if (domainOf(userId) !== serverName) {
			const profile = await queryRemote(userId, key);
			if (profile === undefined) {
				throw notFound();
			}
			return profile;
		}
		const account = await storage.accounts.find(userId);
		if (account === undefined || account.isDeactivated || isUnseen(userId)) {
			throw notFound();
		}
		return storage.profiles.find(userId);
	}

	return {
		get: (userId) => get(userId, undefined),
		async getField(userId, key) {
			const profile = await get(userId, key);
			const value = Object.hasOwn(profile, key) ? profile[key] : undefined;
			if (value === undefined || value === null) {
				throw notFound();
			}
			return value;
		},
		findLocal: (userId) => storage.profiles.find(userId),
		async setField(userId, key, value, alsoWrite) {
			checkKey(key);
			const stored = checkValue(key, value);
			await inTurn(userId, () => write(dependencies, userId, {key, value: stored, alsoWrite}));
		},
		async removeField(userId, key, alsoWrite) {
			checkKey(key);
			await inTurn(userId, () => write(dependencies, userId, {key, value: undefined, alsoWrite}));
		},
	};
}

async function write(
	{storage, updateMemberEvents}: ProfilesDependencies,
	userId: UserId,
	{
		key,
		value,
		alsoWrite,
	}: {readonly key: string; readonly value: JsonValue | undefined; readonly alsoWrite: AlsoWrite | undefined},
): Promise<void> {
	const before = await storage.profiles.find(userId);
	const profile = {...before};
	if (value === undefined) {
		if (!Object.hasOwn(before, key)) {
			return;
		}
		delete profile[key];
	} else {
		profile[key] = value;
		checkSize(profile);
	}
	const batch = storage.batch();
	storage.profiles.set(batch, userId, key, value, batch.announce({kind: 'profile', subject: userId}));
	alsoWrite?.(batch);
	await storage.commit(batch);
	if (MEMBER_EVENT_FIELDS.has(key) && before[key] !== value) {
		await updateMemberEvents(userId, profile);
	}
}

/** Runs tasks of one user one after the other: the size of a profile is read before it is written. */
function createTurns(): (userId: UserId, task: () => Promise<void>) => Promise<void> {
	const last = new Map<UserId, Promise<void>>();
	return async (userId, task) => {
		// Whoever comes next waits for the end of this turn, not for its success.
		const current = (last.get(userId) ?? Promise.resolve()).then(task, task);
		last.set(userId, current);
		try {
			await current;
		} finally {
			if (last.get(userId) === current) {
				last.delete(userId);
			}
		}
	};
}

function notFound(): ProfilesError {
	return new ProfilesError('not-found', 'No such profile or profile field');
}
