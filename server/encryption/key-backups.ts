import {canonicalJson, findCanonicalFault, type JsonObject, type RoomId, type UserId} from '../../crypto/index.ts';
import type {RoomKeyId, RoomKeyRow, Storage} from '../../storage/index.ts';
import {
	findBackup,
	getBackup,
	getNewestBackup,
	isBackupConflict,
	type KeyBackupState,
	readVersion,
	retryChange,
	stateOf,
	unknownBackup,
} from './backup-versions.ts';
import {EncryptionError} from './errors.ts';
import {addRoomKeys, deleteRoomKeys, listRoomKeys, removeLeftKeys, type RoomKeysScope} from './room-keys.ts';
import {Turns} from './turns.ts';

/** How the keys of a version are encrypted. */
export interface KeyBackupMethod {
	readonly algorithm: string;
	readonly authData: JsonObject;
}

/** A version of a backup, as its owner is shown it. */
export interface KeyBackupVersion extends KeyBackupMethod, KeyBackupState {
	readonly version: string;
}

/**
 * Copies of room keys that people keep with their server, encrypted for themselves. Every method that names a version
 * throws EncryptionError 'unknown-backup' where there is none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups
 */
export interface KeyBackups {
	/** Begins a new version, the only one that keys can be added to from then on. @throws EncryptionError 'backup-full' */
	createVersion(userId: UserId, method: KeyBackupMethod): Promise<string>;
	/** Gives a version; the newest where none is named. */
	getVersion(userId: UserId, version?: string): Promise<KeyBackupVersion>;
	/** Replaces the data of a version. @throws EncryptionError 'backup-mismatch' for another algorithm */
	updateVersion(userId: UserId, version: string, method: KeyBackupMethod): Promise<void>;
	/** Deletes a version and its keys, which are gone when it resolves. A version that was deleted before is no error. */
	deleteVersion(userId: UserId, version: string): Promise<void>;
	/**
	 * Adds keys to the newest version. Of two keys of one session the better one is kept.
	 * @throws EncryptionError 'wrong-backup-version', 'bad-form', 'too-large', 'too-many', 'backup-full'
	 */
	addKeys(userId: UserId, version: string, keys: readonly RoomKeyRow[]): Promise<KeyBackupState>;
	/** Gives one key. @throws EncryptionError 'unknown-key' */
	getKey(userId: UserId, version: string, id: RoomKeyId): Promise<RoomKeyRow>;
	/** Opens the keys of a version, or of one room in it, as pages in the order of rooms; each is read when it is asked for. */
	openKeys(userId: UserId, version: string, roomId?: RoomId): Promise<AsyncIterable<readonly RoomKeyRow[]>>;
	/** Deletes keys; those that are not there are no error. */
	deleteKeys(userId: UserId, version: string, scope: RoomKeysScope): Promise<KeyBackupState>;
	/**
	 * Removes the keys of deleted versions that are there still, of anybody; `goOn` is asked between pages. Gives how many
	 * pages it were, and whether all are gone.
	 */
	removeLeft(goOn: () => Promise<boolean>): Promise<{readonly pages: number; readonly isDone: boolean}>;
}

/** Versions of one person that are kept; clients delete the old ones when they begin anew. */
const VERSIONS_MAX = 50;
const ALGORITHM_BYTES_MAX = 255;
/** A public key, and signatures by the devices of a person. */
const AUTH_DATA_BYTES_MAX = 65_536;

/** Makes the key backups. */
export function createKeyBackups(storage: Storage): KeyBackups {
	// What a person changes is compared with what is stored, so changes of one person come one after the other.
	const turns = new Turns<UserId>();
	return {
		createVersion: (userId, method) => turns.run(userId, () => createVersion(storage, userId, method)),
		async getVersion(userId, version) {
			const backup =
				version === undefined
					? await storage.keyBackups.findNewest(userId)
					: await findBackup(storage, userId, version);
			if (backup === undefined) throw unknownBackup();
			const {algorithm, authData} = backup;
			return {version: String(backup.version), algorithm, authData, ...stateOf(backup)};
		},
		updateVersion: (userId, version, method) =>
			turns.run(userId, () => updateVersion(storage, userId, version, method)),
		deleteVersion: (userId, version) => turns.run(userId, () => deleteVersion(storage, userId, version)),
		addKeys: (userId, version, keys) =>
			turns.run(userId, () =>
				retryChange(async () => addRoomKeys(storage, await getNewestBackup(storage, userId, version), keys)),
			),
		async getKey(userId, version, {roomId, sessionId}) {
			const {id} = await getBackup(storage, userId, version);
			const key = await storage.keyBackups.findKey(id, roomId, sessionId);
			if (key === undefined) throw new EncryptionError('unknown-key', 'No such key in the backup');
			return key;
		},
		async openKeys(userId, version, roomId) {
			const {id} = await getBackup(storage, userId, version);
			return listRoomKeys(storage, id, roomId);
		},
		deleteKeys: (userId, version, scope) =>
			turns.run(userId, () => deleteRoomKeys(storage, {userId, version, ...scope})),
		removeLeft: (goOn) => removeLeftKeys(storage, undefined, goOn),
	};
}

async function createVersion(
	storage: Storage,
	userId: UserId,
	{algorithm, authData}: KeyBackupMethod,
): Promise<string> {
	if (algorithm === '' || Buffer.byteLength(algorithm) > ALGORITHM_BYTES_MAX || !algorithm.isWellFormed()) {
		throw new EncryptionError('bad-form', `Expected an algorithm of 1 to ${ALGORITHM_BYTES_MAX} bytes`);
	}
	checkAuthData(authData);
	const {keyBackups} = storage;
	return retryChange(async () => {
		if ((await keyBackups.sum(userId)).versions >= VERSIONS_MAX) {
			throw new EncryptionError('backup-full', `Expected fewer than ${VERSIONS_MAX} versions: delete one first`);
		}
		const version = (await keyBackups.findLastVersion(userId)) + 1;
		const batch = storage.batch();
		keyBackups.add(batch, {userId, version, algorithm, authData});
		await storage.commit(batch);
		return String(version);
	});
}

async function updateVersion(
	storage: Storage,
	userId: UserId,
	version: string,
	{algorithm, authData}: KeyBackupMethod,
): Promise<void> {
	const backup = await getBackup(storage, userId, version);
	if (backup.algorithm !== algorithm) {
		throw new EncryptionError('backup-mismatch', 'Expected the algorithm of the version, which cannot change');
	}
	checkAuthData(authData);
	const batch = storage.batch();
	storage.keyBackups.setAuthData(batch, backup.id, authData);
	try {
		await storage.commit(batch);
	} catch (error) {
		throw isBackupConflict(error) ? unknownBackup() : error;
	}
}

async function deleteVersion(storage: Storage, userId: UserId, version: string): Promise<void> {
	const {keyBackups} = storage;
	const backup = await findBackup(storage, userId, version);
	if (backup === undefined) {
		const number = readVersion(version);
		if (number === undefined || number > (await keyBackups.findLastVersion(userId))) throw unknownBackup();
	} else {
		const batch = storage.batch();
		keyBackups.markDeleted(batch, backup.id);
		try {
			await storage.commit(batch);
		} catch (error) {
			// Another process deleted it just now.
			if (!isBackupConflict(error)) throw error;
		}
	}
	await removeLeftKeys(storage, userId);
}

function checkAuthData(authData: JsonObject): void {
	if (findCanonicalFault(authData) !== undefined) {
		throw new EncryptionError('bad-form', 'Expected auth_data that can be signed: without fractions and long numbers');
	}
	if (Buffer.byteLength(canonicalJson(authData)) > AUTH_DATA_BYTES_MAX) {
		throw new EncryptionError('too-large', `Expected auth_data of at most ${AUTH_DATA_BYTES_MAX} bytes`);
	}
}
