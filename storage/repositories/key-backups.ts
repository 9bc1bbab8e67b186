import {and, desc, sql} from 'drizzle-orm';
import type {JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import {above, bind, build, equals, type Values} from '../catalog.ts';
import {type Core, freshId} from '../core.ts';
import type {
	DehydratedDeviceRow,
	DehydratedDevicesRepository,
	KeyBackupRow,
	KeyBackupsRepository,
	RoomKeyId,
	RoomKeyRank,
	RoomKeyRow,
	RoomKeysPage,
} from '../interfaces/key-backups.ts';
import {tables} from '../schema/index.ts';
import {pageOf, readInChunks} from './page.ts';

const {accounts, dehydratedDevices, keyBackups, roomKeys} = tables;

type Key = RoomKeyId & {id: number};
type Page = Key & {limit: number};

function createVersions(core: Core) {
	const {catalog} = core;
	const exists = {expect: {changes: 1, condition: 'key_backup'}} as const;
	const add = core.put(catalog.insert(keyBackups));
	const forgetEmpty = core.put(
		catalog.write<{userId: UserId}>(
			(p) => sql`delete from ${keyBackups}
				where ${equals(keyBackups.userId, p.userId)} and is_deleted = 1 and count = 0`,
		),
	);
	const setAuthData = core.put(
		catalog.write<{id: number; authData: JsonObject}>(
			(p) => sql`update ${keyBackups} set auth_data = ${bind(keyBackups.authData, p.authData)}
				where ${equals(keyBackups.id, p.id)} and is_deleted = 0`,
		),
		exists,
	);
	const markDeleted = core.put(
		catalog.write<{id: number}>(
			(p) => sql`update ${keyBackups} set is_deleted = 1, auth_data = '{}'
				where ${equals(keyBackups.id, p.id)} and is_deleted = 0`,
		),
		exists,
	);
	const markAllDeleted = core.put(
		catalog.write<{userId: UserId}>(
			(p) => sql`update ${keyBackups} set is_deleted = 1, auth_data = '{}'
				where ${equals(keyBackups.userId, p.userId)} and is_deleted = 0`,
		),
	);
	const setEmpty = core.put(
		catalog.write<{id: number}>(
			(p) => sql`update ${keyBackups} set count = 0 where ${equals(keyBackups.id, p.id)} and is_deleted = 1`,
		),
	);
	const forgetOfEnded = core.put(
		catalog.write<{id: number}>(
			(p) => sql`delete from ${keyBackups} where ${equals(keyBackups.id, p.id)} and is_deleted = 1 and exists
				(select 1 from ${accounts} as owner where owner.user_id = ${keyBackups.userId} and owner.is_deactivated = 1)`,
		),
	);
	type Change = {id: number; etag: number; added: number};
	const countChange = (mustBeNewest: boolean) =>
		core.put(
			catalog.write<Change>(
				(p) => sql`update ${keyBackups} set etag = etag + 1, count = count + ${bind(keyBackups.count, p.added)}
					where ${equals(keyBackups.id, p.id)} and ${equals(keyBackups.etag, p.etag)} and is_deleted = 0
					${mustBeNewest ? sql`and not exists (select 1 from ${keyBackups} as newer where newer.user_id = ${keyBackups.userId} and newer.version > ${keyBackups.version} and newer.is_deleted = 0)` : sql``}`,
			),
			exists,
		);
	return {
		add,
		forgetEmpty,
		setAuthData,
		markDeleted,
		markAllDeleted,
		setEmpty,
		forgetOfEnded,
		countChange: countChange(false),
		countChangeOfNewest: countChange(true),
	};
}

function createVersionReads(core: Core) {
	const live = sql`is_deleted = 0`;
	const find = core.one<{userId: UserId; version: number}, KeyBackupRow>((p) =>
		build
			.select()
			.from(keyBackups)
			.where(and(equals(keyBackups.userId, p.userId), equals(keyBackups.version, p.version), live)),
	);
	const findNewest = core.one<{userId: UserId}, KeyBackupRow>((p) =>
		build
			.select()
			.from(keyBackups)
			.where(and(equals(keyBackups.userId, p.userId), live))
			.orderBy(desc(keyBackups.version))
			.limit(1),
	);
	const findLast = core.one<{userId: UserId}, {version: number}>((p) =>
		build
			.select({version: keyBackups.version})
			.from(keyBackups)
			.where(equals(keyBackups.userId, p.userId))
			.orderBy(desc(keyBackups.version))
			.limit(1),
	);
	const sum = core.one<{userId: UserId}, {versions: number; keys: number}>((p) =>
		build
			.select({
				versions: sql<number>`count(*)`,
				keys: sql<number>`cast(coalesce(sum(${keyBackups.count}), 0) as bigint)`,
			})
			.from(keyBackups)
			.where(and(equals(keyBackups.userId, p.userId), live)),
	);
	const deleted = sql`is_deleted = 1 and count > 0`;
	const listDeleted = core.many<{limit: number}, KeyBackupRow>((p) =>
		build.select().from(keyBackups).where(deleted).limit(p.limit.placeholder),
	);
	const listDeletedOf = core.many<{userId: UserId; limit: number}, KeyBackupRow>((p) =>
		build
			.select()
			.from(keyBackups)
			.where(and(equals(keyBackups.userId, p.userId), deleted))
			.limit(p.limit.placeholder),
	);
	return {find, findNewest, findLast, sum, listDeleted, listDeletedOf};
}

function createRoomKeys(core: Core) {
	const {catalog} = core;
	const {backupId, roomId, sessionId, isVerified, firstMessageIndex, forwardedCount, sessionData} = roomKeys;
	const set = core.put(catalog.upsert(roomKeys, ['backupId', 'roomId', 'sessionId']));
	const remove = core.put(
		catalog.write<{id: number; firstRoom: RoomId; firstSession: string; lastRoom: RoomId; lastSession: string}>(
			(p) => sql`delete from ${roomKeys} where ${equals(backupId, p.id)}
				and (room_id, session_id) >= (${bind(roomId, p.firstRoom)}, ${bind(sessionId, p.firstSession)})
				and (room_id, session_id) <= (${bind(roomId, p.lastRoom)}, ${bind(sessionId, p.lastSession)})`,
		),
	);
	const rank = {isVerified, firstMessageIndex, forwardedCount};
	const find = core.one<Key, RoomKeyRow>((p) =>
		build
			.select({roomId, sessionId, ...rank, sessionData})
			.from(roomKeys)
			.where(and(equals(backupId, p.id), equals(roomId, p.roomId), equals(sessionId, p.sessionId))),
	);
	type Sessions = {id: number; roomId: RoomId; sessionIds: readonly string[]};
	const findRanks = core.many<Sessions, RoomKeyRank & {sessionId: string}>((p) =>
		build
			.select({sessionId, ...rank})
			.from(roomKeys)
			.where(and(equals(backupId, p.id), equals(roomId, p.roomId), catalog.isOneOf(sessionId, p.sessionIds))),
	);
	const inScope = (p: Values<Page>, isOfRoom: boolean) =>
		and(
			equals(backupId, p.id),
			isOfRoom
				? and(equals(roomId, p.roomId), above(sessionId, p.sessionId))
				: sql`(room_id, session_id) > (${bind(roomId, p.roomId)}, ${bind(sessionId, p.sessionId)})`,
		);
	const list = (isOfRoom: boolean) =>
		core.many<Page, RoomKeyRow>((p) =>
			build
				.select({roomId, sessionId, ...rank, sessionData})
				.from(roomKeys)
				.where(inScope(p, isOfRoom))
				.orderBy(roomId, sessionId)
				.limit(p.limit.placeholder),
		);
	const listIds = (isOfRoom: boolean) =>
		core.many<Page, RoomKeyId>((p) =>
			build
				.select({roomId, sessionId})
				.from(roomKeys)
				.where(inScope(p, isOfRoom))
				.orderBy(roomId, sessionId)
				.limit(p.limit.placeholder),
		);
	return {
		set,
		remove,
		find,
		findRanks,
		list: list(false),
		listOfRoom: list(true),
		listIds: listIds(false),
		listIdsOfRoom: listIds(true),
	};
}

/** Makes the repository of key backups. */
export function createKeyBackups(core: Core): KeyBackupsRepository {
	const versions = createVersions(core);
	const reads = createVersionReads(core);
	const keys = createRoomKeys(core);
	// Every room and session id is greater than the empty text.
	const pageFrom = (id: number, {roomId, after, limit}: RoomKeysPage): Page => ({
		id,
		roomId: roomId ?? after?.roomId ?? ('' as RoomId),
		sessionId: after?.sessionId ?? '',
		limit: pageOf(limit),
	});
	return {
		add(batch, backup) {
			versions.forgetEmpty(batch, {userId: backup.userId});
			versions.add(batch, {...backup, id: freshId, etag: 0, count: 0, isDeleted: false});
		},
		setAuthData: (batch, id, authData) => versions.setAuthData(batch, {id, authData}),
		markDeleted: (batch, id) => versions.markDeleted(batch, {id}),
		markAllDeleted(batch, userId) {
			versions.markAllDeleted(batch, {userId});
			versions.forgetEmpty(batch, {userId});
		},
		find: (userId, version) => reads.find({userId, version}),
		findNewest: (userId) => reads.findNewest({userId}),
		findLastVersion: async (userId) => (await reads.findLast({userId}))?.version ?? 0,
		sum: async (userId) => (await reads.sum({userId})) ?? {versions: 0, keys: 0},
		listDeleted: (userId) =>
			userId === undefined
				? reads.listDeleted({limit: pageOf(1000)})
				: reads.listDeletedOf({userId, limit: pageOf(1000)}),
		setKey: (batch, id, key) => keys.set(batch, {...key, backupId: id}),
		countChange(batch, id, {etag, added, mustBeNewest}) {
			(mustBeNewest ? versions.countChangeOfNewest : versions.countChange)(batch, {id, etag, added});
		},
		removeKeys: (batch, id, first, last) =>
			keys.remove(batch, {
				id,
				firstRoom: first.roomId,
				firstSession: first.sessionId,
				lastRoom: last.roomId,
				lastSession: last.sessionId,
			}),
		setEmpty(batch, id) {
			versions.setEmpty(batch, {id});
			// Who will make no other version needs no number that must not come again.
			versions.forgetOfEnded(batch, {id});
		},
		findKey: (id, roomId, sessionId) => keys.find({id, roomId, sessionId}),
		findRanks: (id, roomId, sessionIds) =>
			readInChunks(sessionIds, (chunk) => keys.findRanks({id, roomId, sessionIds: chunk})),
		listKeys: (id, page) => (page.roomId === undefined ? keys.list : keys.listOfRoom)(pageFrom(id, page)),
		listKeyIds: (id, page) => (page.roomId === undefined ? keys.listIds : keys.listIdsOfRoom)(pageFrom(id, page)),
	};
}

/** Makes the repository of dehydrated devices. */
export function createDehydratedDevices(core: Core): DehydratedDevicesRepository {
	const add = core.put(core.catalog.insert(dehydratedDevices));
	const remove = core.put(core.catalog.delete(dehydratedDevices, ['userId', 'deviceId']), {
		expect: {changes: 1, condition: 'dehydrated_device'},
	});
	const find = core.one<{userId: UserId}, DehydratedDeviceRow>((p) =>
		build.select().from(dehydratedDevices).where(equals(dehydratedDevices.userId, p.userId)),
	);
	return {
		add,
		remove: (batch, userId, deviceId) => remove(batch, {userId, deviceId}),
		find: (userId) => find({userId}),
	};
}
