import type {DeviceId, JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import type {Batch} from '../batch.ts';

/** A version of a person's key backup. */
export interface KeyBackupRow {
	readonly id: number;
	readonly userId: UserId;
	/** 1, 2, 3, … for each person; no number is given twice. */
	readonly version: number;
	readonly algorithm: string;
	readonly authData: JsonObject;
	/** Grows with every change of the keys in it. */
	readonly etag: number;
	/** Keys in it. */
	readonly count: number;
	/** Nobody is shown it any more; its keys may be there still, on their way out. */
	readonly isDeleted: boolean;
}

/** Which of two keys of one session is the better one. */
export interface RoomKeyRank {
	readonly isVerified: boolean;
	readonly firstMessageIndex: number;
	readonly forwardedCount: number;
}

/** Which session of which room a key in a backup is for. */
export interface RoomKeyId {
	readonly roomId: RoomId;
	readonly sessionId: string;
}

/** A key in a backup. */
export interface RoomKeyRow extends RoomKeyId, RoomKeyRank {
	/** The encrypted session, as JSON text. */
	readonly sessionData: string;
}

/** Copies of room keys that people keep with their server. */
export interface KeyBackupsRepository {
	/** Adds a version; `DuplicateError('key_backups')` where its number is taken. Forgets deleted versions that are empty. */
	add(batch: Batch, backup: Omit<KeyBackupRow, 'id' | 'etag' | 'count' | 'isDeleted'>): void;
	/** Replaces the data of a version; ConflictError('key_backup') where it was deleted meanwhile. */
	setAuthData(batch: Batch, id: number, authData: JsonObject): void;
	/** Deletes a version for everybody to see; ConflictError('key_backup') where it was deleted meanwhile. Its keys are removed apart. */
	markDeleted(batch: Batch, id: number): void;
	/** Deletes all versions of a person likewise, and forgets those that are empty: the person makes no other. */
	markAllDeleted(batch: Batch, userId: UserId): void;
	/** Finds a version that is not deleted. */
	find(userId: UserId, version: number): Promise<KeyBackupRow | undefined>;
	/** Finds the newest version that is not deleted. */
	findNewest(userId: UserId): Promise<KeyBackupRow | undefined>;
	/** Gives the highest number that a version of a person ever had; 0 where there never was one. */
	findLastVersion(userId: UserId): Promise<number>;
	/** Counts a person's versions that are not deleted, and the keys in them. */
	sum(userId: UserId): Promise<{readonly versions: number; readonly keys: number}>;
	/** Lists deleted versions that still hold keys; of one person, or of everybody. At most 1,000. */
	listDeleted(userId?: UserId): Promise<KeyBackupRow[]>;

	/** Adds a key, or puts it in the place of the one for the same session. */
	setKey(batch: Batch, id: number, key: RoomKeyRow): void;
	/**
	 * Counts a change of a version's keys, which must be in the same batch. ConflictError('key_backup') where the keys
	 * changed since `etag`, the version was deleted, or there is a newer one and `mustBeNewest`.
	 */
	countChange(
		batch: Batch,
		id: number,
		change: {readonly etag: number; readonly added: number; readonly mustBeNewest: boolean},
	): void;
	/** Removes the keys from one to another, both included, in the order in which they are listed. */
	removeKeys(batch: Batch, id: number, first: RoomKeyId, last: RoomKeyId): void;
	/** Notes that a deleted version holds no keys any more; one whose owner's account has ended is forgotten. */
	setEmpty(batch: Batch, id: number): void;
	findKey(id: number, roomId: RoomId, sessionId: string): Promise<RoomKeyRow | undefined>;
	/** Finds which of these sessions of a room have a key, and how good it is. */
	findRanks(
		id: number,
		roomId: RoomId,
		sessionIds: readonly string[],
	): Promise<(RoomKeyRank & Pick<RoomKeyRow, 'sessionId'>)[]>;
	/** Lists keys in the order of rooms and, in a room, of sessions (bytewise). At most 1,000. */
	listKeys(id: number, page: RoomKeysPage): Promise<RoomKeyRow[]>;
	/** The same without the keys themselves. */
	listKeyIds(id: number, page: RoomKeysPage): Promise<RoomKeyId[]>;
}

/** A page of keys. */
export interface RoomKeysPage {
	/** Of one room alone. */
	readonly roomId?: RoomId | undefined;
	/** The last key of the page before. */
	readonly after?: RoomKeyId | undefined;
	readonly limit: number;
}

/** The device of a person that nobody is signed in with: it receives messages until somebody takes them up. */
export interface DehydratedDeviceRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** What its owner needs to make it live again; encrypted, and never read here. */
	readonly json: JsonObject;
}

/** Dehydrated devices, one for each person. Keys and messages are those of any device; with the device all goes. */
export interface DehydratedDevicesRepository {
	/** Says which device of a person is dehydrated; `DuplicateError('dehydrated_devices')` where one is. */
	add(batch: Batch, device: DehydratedDeviceRow): void;
	/** Says that a device is dehydrated no more; ConflictError('dehydrated_device') where it is not. The device itself is removed apart. */
	remove(batch: Batch, userId: UserId, deviceId: DeviceId): void;
	find(userId: UserId): Promise<DehydratedDeviceRow | undefined>;
}
