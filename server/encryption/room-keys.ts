import {setImmediate as nextTurn} from 'node:timers/promises';
import {isRoomId, type RoomId, type UserId} from '../../crypto/index.ts';
import type {KeyBackupRow, RoomKeyId, RoomKeyRank, RoomKeyRow, Storage} from '../../storage/index.ts';
import {getBackup, type KeyBackupState, retryChange, stateOf} from './backup-versions.ts';
import {EncryptionError} from './errors.ts';

/** Which keys of a backup: all, those of a room, or one. */
export interface RoomKeysScope {
	readonly roomId?: RoomId | undefined;
	/** Only with a room. */
	readonly sessionId?: string | undefined;
}

/** A session takes about 700 bytes; one that went through many hands somewhat more. */
const SESSION_DATA_BYTES_MAX = 16_384;
const SESSION_ID_BYTES_MAX = 255;
/** Keys in one request; clients send 100 to 500. */
const KEYS_PER_REQUEST_MAX = 5000;
/** Keys of one person in all versions: those of some decades, about 1 GB. */
const KEYS_MAX = 1_000_000;
/** Keys of a page: read and rendered in less than two milliseconds. */
const PAGE_KEYS = 100;
/** Keys that one commit removes; many more would keep other writers waiting. */
const REMOVED_PER_COMMIT = 500;

/**
 * Adds keys to a version of a backup in one commit; those that are no better than what is there change nothing. Loses
 * with a conflict where somebody else changed the version since it was read.
 * @throws EncryptionError 'bad-form', 'too-large', 'too-many', 'backup-full'
 */
export async function addRoomKeys(
	storage: Storage,
	backup: KeyBackupRow,
	keys: readonly RoomKeyRow[],
): Promise<KeyBackupState> {
	checkKeys(keys);
	const {keyBackups} = storage;
	const byRoom = new Map<RoomId, RoomKeyRow[]>();
	for (const key of keys) {
		const ofRoom = byRoom.get(key.roomId) ?? [];
		ofRoom.push(key);
		byRoom.set(key.roomId, ofRoom);
	}
	const batch = storage.batch();
	let added = 0;
	for (const [roomId, ofRoom] of byRoom) {
		const sessionIds = ofRoom.map(({sessionId}) => sessionId);
		const stored = new Map(
			(await keyBackups.findRanks(backup.id, roomId, sessionIds)).map((row) => [row.sessionId, row]),
		);
		for (const key of ofRoom) {
			const before = stored.get(key.sessionId);
			if (before !== undefined && !isBetter(key, before)) continue;
			if (before === undefined) added += 1;
			keyBackups.setKey(batch, backup.id, key);
		}
	}
	if (batch.isEmpty) return stateOf(backup);
	if (added > 0 && (await keyBackups.sum(backup.userId)).keys + added > KEYS_MAX) {
		throw new EncryptionError(
			'backup-full',
			`Expected at most ${KEYS_MAX} keys in all versions: delete an old one first`,
		);
	}
	keyBackups.countChange(batch, backup.id, {etag: backup.etag, added, mustBeNewest: true});
	await storage.commit(batch);
	return stateOf({...backup, etag: backup.etag + 1, count: backup.count + added});
}

/** Reads the keys of a version, or of one room in it, page by page, in the order of rooms. */
export async function* listRoomKeys(
	{keyBackups}: Storage,
	backupId: number,
	roomId: RoomId | undefined,
): AsyncGenerator<readonly RoomKeyRow[]> {
	for (let after: RoomKeyId | undefined; ; ) {
		const page = await keyBackups.listKeys(backupId, {roomId, after, limit: PAGE_KEYS});
		if (page.length > 0) yield page;
		if (page.length < PAGE_KEYS) return;
		// A reader that is never slow would keep everybody else waiting.
		await nextTurn();
		after = page.at(-1);
	}
}

/** Deletes keys of a version, a bounded number in each commit. @throws EncryptionError 'unknown-backup' */
export async function deleteRoomKeys(storage: Storage, scope: OwnScope): Promise<KeyBackupState> {
	for (let after: RoomKeyId | undefined; ; ) {
		const {last, state} = await retryChange(() => deletePage(storage, scope, after));
		if (last === undefined || scope.sessionId !== undefined) return state;
		after = last;
	}
}

interface OwnScope extends RoomKeysScope {
	readonly userId: UserId;
	readonly version: string;
}

/** Deletes a page of keys; `last` is the last of them, or `undefined` where none was left. */
async function deletePage(
	storage: Storage,
	{userId, version, ...scope}: OwnScope,
	after: RoomKeyId | undefined,
): Promise<{readonly last: RoomKeyId | undefined; readonly state: KeyBackupState}> {
	// The version is read before its keys, so that a key that comes in between is noticed.
	const backup = await getBackup(storage, userId, version);
	const ids = await listScope(storage, backup.id, scope, after);
	const [first, last] = [ids[0], ids.at(-1)];
	if (first === undefined || last === undefined) return {last: undefined, state: stateOf(backup)};
	const batch = storage.batch();
	storage.keyBackups.removeKeys(batch, backup.id, first, last);
	storage.keyBackups.countChange(batch, backup.id, {etag: backup.etag, added: -ids.length, mustBeNewest: false});
	await storage.commit(batch);
	return {last, state: stateOf({...backup, etag: backup.etag + 1, count: backup.count - ids.length})};
}

/** Removes the keys of deleted versions, a bounded number in each commit; of one person, or of everybody. */
export async function removeLeftKeys(
	storage: Storage,
	userId?: UserId,
	goOn: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<{readonly pages: number; readonly isDone: boolean}> {
	const {keyBackups} = storage;
	let pages = 0;
	for (const {id} of await keyBackups.listDeleted(userId)) {
		for (let after: RoomKeyId | undefined; ; ) {
			const ids = await keyBackups.listKeyIds(id, {after, limit: REMOVED_PER_COMMIT});
			const [first, last] = [ids[0], ids.at(-1)];
			const batch = storage.batch();
			if (first === undefined || last === undefined) keyBackups.setEmpty(batch, id);
			else keyBackups.removeKeys(batch, id, first, last);
			await storage.commit(batch);
			pages += 1;
			if (!(await goOn())) return {pages, isDone: false};
			if (last === undefined) break;
			after = last;
		}
	}
	return {pages, isDone: true};
}

/**
 * Whether a key is better than the one that is there for its session: verified, else of earlier messages, else through
 * fewer hands.
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-side-key-backups
 */
function isBetter(key: RoomKeyRank, stored: RoomKeyRank): boolean {
	if (key.isVerified !== stored.isVerified) return key.isVerified;
	if (key.firstMessageIndex !== stored.firstMessageIndex) return key.firstMessageIndex < stored.firstMessageIndex;
	return key.forwardedCount < stored.forwardedCount;
}

function listScope(
	{keyBackups}: Storage,
	id: number,
	{roomId, sessionId}: RoomKeysScope,
	after: RoomKeyId | undefined,
): Promise<RoomKeyId[]> {
	if (roomId === undefined || sessionId === undefined) {
		return keyBackups.listKeyIds(id, {roomId, after, limit: REMOVED_PER_COMMIT});
	}
	return keyBackups.findKey(id, roomId, sessionId).then((key) => (key === undefined ? [] : [key]));
}

function checkKeys(keys: readonly RoomKeyRow[]): void {
	if (keys.length > KEYS_PER_REQUEST_MAX) {
		throw new EncryptionError('too-many', `Expected at most ${KEYS_PER_REQUEST_MAX} keys in one request`);
	}
	for (const {roomId, sessionId, sessionData} of keys) {
		if (!isRoomId(roomId)) throw new EncryptionError('bad-form', 'Expected keys by room id');
		if (sessionId === '' || Buffer.byteLength(sessionId) > SESSION_ID_BYTES_MAX || !sessionId.isWellFormed()) {
			throw new EncryptionError('bad-form', `Expected session ids of 1 to ${SESSION_ID_BYTES_MAX} bytes`);
		}
		if (Buffer.byteLength(sessionData) > SESSION_DATA_BYTES_MAX) {
			throw new EncryptionError('too-large', `Expected session_data of at most ${SESSION_DATA_BYTES_MAX} bytes`);
		}
	}
}
