import type {UserId} from '../../crypto/index.ts';
import type {KeyBackupRow, Storage} from '../../storage/index.ts';
import {EncryptionError} from './errors.ts';
import {isOvertaken, retryOvertaken} from './retry.ts';

/** What is in a version of a backup. */
export interface KeyBackupState {
	/** Another one than before: somebody changed the keys. */
	readonly etag: string;
	readonly count: number;
}

const byBackup = {condition: 'key_backup', table: 'key_backups'} as const;

/** Gives what clients are told after each change. */
export function stateOf({etag, count}: KeyBackupRow): KeyBackupState {
	return {etag: String(etag), count};
}

/** The error for a version that is not there. */
export function unknownBackup(): EncryptionError {
	return new EncryptionError('unknown-backup', 'No such version of the key backup');
}

/** Reads a version as clients name it; `undefined` for what this server never gave out. */
export function readVersion(version: string): number | undefined {
	return /^[1-9]\d{0,14}$/u.test(version) ? Number(version) : undefined;
}

/** Finds a version that is not deleted. */
export async function findBackup(
	{keyBackups}: Storage,
	userId: UserId,
	version: string,
): Promise<KeyBackupRow | undefined> {
	const number = readVersion(version);
	return number === undefined ? undefined : keyBackups.find(userId, number);
}

/** The same for a version that must be there. @throws EncryptionError 'unknown-backup' */
export async function getBackup(storage: Storage, userId: UserId, version: string): Promise<KeyBackupRow> {
	const backup = await findBackup(storage, userId, version);
	if (backup === undefined) throw unknownBackup();
	return backup;
}

/**
 * The same for a version that keys are to be added to.
 * @throws EncryptionError 'unknown-backup' where there is no version at all or never was this one, 'wrong-backup-version'
 */
export async function getNewestBackup(storage: Storage, userId: UserId, version: string): Promise<KeyBackupRow> {
	const newest = await storage.keyBackups.findNewest(userId);
	if (newest === undefined) throw unknownBackup();
	const number = readVersion(version);
	if (number === newest.version) return newest;
	if (number === undefined || number > (await storage.keyBackups.findLastVersion(userId))) throw unknownBackup();
	throw new EncryptionError('wrong-backup-version', 'Keys can be added to the newest version of the backup only', {
		currentVersion: String(newest.version),
	});
}

/** Whether a commit failed because somebody else changed the same backup. */
export function isBackupConflict(error: unknown): boolean {
	return isOvertaken(error, byBackup);
}

/** Makes a change of a backup again for as long as others come first. @throws EncryptionError 'contended' */
export function retryChange<T>(attempt: () => Promise<T>): Promise<T> {
	return retryOvertaken(byBackup, attempt);
}
