import {and, eq, sql} from 'drizzle-orm';
import type {DeviceId, JsonObject, UserId} from '../../crypto/index.ts';
import {type Batch, Outcome} from '../batch.ts';
import {build, equals} from '../catalog.ts';
import {type Core, freshId} from '../core.ts';
import type {
	CrossSigningKeyRow,
	DeviceKeysRow,
	KeySignatureRow,
	KeysRepository,
	OneTimeKey,
	RemoteDeviceListRow,
} from '../interfaces/encryption.ts';
import {tables} from '../schema/index.ts';
import {pageOf, readInChunks} from './page.ts';

const {crossSigningKeys, deviceKeys, devices, fallbackKeys, keySignatures, oneTimeKeys, remoteDeviceLists} = tables;

type DeviceKey = {userId: UserId; deviceId: DeviceId};
type Claimed = {keyId: string; json: JsonObject | string};

/** Stands in place of the algorithm of a key that was given out: its id is remembered, and it is never given out again. */
const claimedAlgorithm = sql`''`;
/** Keys of one device that are remembered so; clients retry an upload within minutes, and upload 50 to 100 keys. */
const claimedKept = 200;

const algorithmOf = (keyId: string) => keyId.slice(0, Math.max(0, keyId.indexOf(':')));

function createDeviceKeys(core: Core) {
	const {catalog} = core;
	// A device of this server is shown with the name that it has now.
	const fields = {
		userId: deviceKeys.userId,
		deviceId: deviceKeys.deviceId,
		json: deviceKeys.json,
		displayName: sql<string | null>`coalesce(${devices.displayName}, ${deviceKeys.displayName})`
			.mapWith(devices.displayName)
			.as('shown_name'),
	};
	const select = () =>
		build
			.select(fields)
			.from(deviceKeys)
			.leftJoin(devices, and(eq(devices.userId, deviceKeys.userId), eq(devices.deviceId, deviceKeys.deviceId)));
	const set = core.put(catalog.upsert(deviceKeys, ['userId', 'deviceId']));
	const remove = core.put(catalog.delete(deviceKeys, ['userId', 'deviceId']));
	const removeAll = core.put(catalog.delete(deviceKeys, ['userId']));
	const find = core.one<DeviceKey, DeviceKeysRow>((p) =>
		select().where(and(equals(deviceKeys.userId, p.userId), equals(deviceKeys.deviceId, p.deviceId))),
	);
	const list = core.many<{userIds: readonly UserId[]}, DeviceKeysRow>((p) =>
		select().where(catalog.isOneOf(deviceKeys.userId, p.userIds)).orderBy(deviceKeys.userId, deviceKeys.deviceId),
	);
	return {set, remove, removeAll, find, list};
}

function createClaim(core: Core): KeysRepository['claim'] {
	const {catalog} = core;
	type Params = DeviceKey & {algorithm: string};
	// Processes that claim from one device take turns at its row, so that each sees what the one before left.
	const lock = core.put(
		catalog.write<DeviceKey>(
			(p) => sql`update ${deviceKeys} set device_id = device_id
				where ${equals(deviceKeys.userId, p.userId)} and ${equals(deviceKeys.deviceId, p.deviceId)}`,
		),
	);
	const takeFallback = core.putReturning<Params, Claimed>(
		catalog.write<Params>(
			(p) => sql`update ${fallbackKeys} set is_used = 1
				where ${equals(fallbackKeys.userId, p.userId)} and ${equals(fallbackKeys.deviceId, p.deviceId)}
				and ${equals(fallbackKeys.algorithm, p.algorithm)}
				and not exists (select 1 from ${oneTimeKeys} where ${equals(oneTimeKeys.userId, p.userId)}
					and ${equals(oneTimeKeys.deviceId, p.deviceId)} and ${equals(oneTimeKeys.algorithm, p.algorithm)})
				returning key_id, json`,
			{keyId: fallbackKeys.keyId, json: fallbackKeys.json},
		),
	);
	const takeOneTime = core.putReturning<Params, Claimed>(
		catalog.write<Params>(
			(p) => sql`update ${oneTimeKeys} set algorithm = ${claimedAlgorithm} where id = (select id from ${oneTimeKeys}
					where ${equals(oneTimeKeys.userId, p.userId)} and ${equals(oneTimeKeys.deviceId, p.deviceId)}
					and ${equals(oneTimeKeys.algorithm, p.algorithm)} and algorithm <> ${claimedAlgorithm}
					order by id limit 1)
				returning key_id, json`,
			{keyId: oneTimeKeys.keyId, json: oneTimeKeys.json},
		),
	);
	return (batch, userId, deviceId, algorithm) => {
		lock(batch, {userId, deviceId});
		const fallback = takeFallback(batch, {userId, deviceId, algorithm});
		const oneTime = takeOneTime(batch, {userId, deviceId, algorithm});
		return new Outcome(() => {
			const [key] = oneTime.value;
			if (key !== undefined) return {...key, isFallback: false};
			const [last] = fallback.value;
			return last === undefined ? undefined : {...last, isFallback: true};
		});
	};
}

function createOneTimeKeys(core: Core) {
	const {catalog} = core;
	const add = core.put(catalog.insert(oneTimeKeys, {orIgnore: true}));
	const setFallback = core.put(catalog.upsert(fallbackKeys, ['userId', 'deviceId', 'algorithm']));
	const removals = [oneTimeKeys, fallbackKeys].map((table) =>
		core.put<DeviceKey>(catalog.delete(table, ['userId', 'deviceId'])),
	);
	const remove = (batch: Batch, device: DeviceKey) => {
		for (const removal of removals) removal(batch, device);
	};
	const ofDevice = (table: typeof oneTimeKeys | typeof fallbackKeys, p: Parameters<typeof equals>[1][]) =>
		and(equals(table.userId, p[0]!), equals(table.deviceId, p[1]!));
	const forgetClaimed = core.put(
		catalog.write<DeviceKey>(
			(p) => sql`delete from ${oneTimeKeys} where ${equals(oneTimeKeys.userId, p.userId)}
				and ${equals(oneTimeKeys.deviceId, p.deviceId)} and algorithm = ${claimedAlgorithm}
				and id <= (select id from ${oneTimeKeys} where ${equals(oneTimeKeys.userId, p.userId)}
					and ${equals(oneTimeKeys.deviceId, p.deviceId)} and algorithm = ${claimedAlgorithm}
					order by id desc limit 1 offset ${sql.raw(String(claimedKept))})`,
		),
	);
	const find = core.many<DeviceKey & {keyIds: readonly string[]}, OneTimeKey>((p) =>
		build
			.select({keyId: oneTimeKeys.keyId, json: oneTimeKeys.json})
			.from(oneTimeKeys)
			.where(and(ofDevice(oneTimeKeys, [p.userId, p.deviceId]), catalog.isOneOf(oneTimeKeys.keyId, p.keyIds))),
	);
	const count = core.many<DeviceKey, {algorithm: string; count: number}>((p) =>
		build
			.select({algorithm: oneTimeKeys.algorithm, count: sql<number>`count(*)`})
			.from(oneTimeKeys)
			.where(and(ofDevice(oneTimeKeys, [p.userId, p.deviceId]), sql`algorithm <> ${claimedAlgorithm}`))
			.groupBy(oneTimeKeys.algorithm),
	);
	const fallback = core.many<DeviceKey, OneTimeKey>((p) =>
		build
			.select({keyId: fallbackKeys.keyId, json: fallbackKeys.json})
			.from(fallbackKeys)
			.where(ofDevice(fallbackKeys, [p.userId, p.deviceId])),
	);
	const unused = core.many<DeviceKey, {algorithm: string}>((p) =>
		build
			.select({algorithm: fallbackKeys.algorithm})
			.from(fallbackKeys)
			.where(and(ofDevice(fallbackKeys, [p.userId, p.deviceId]), sql`is_used = 0`))
			.orderBy(fallbackKeys.algorithm),
	);
	return {add, remove, forgetClaimed, setFallback, find, count, fallback, unused};
}

function createCrossSigning(core: Core) {
	const {catalog} = core;
	const setKey = core.put(catalog.upsert(crossSigningKeys, ['userId', 'usage']));
	const removeKeys = core.put(catalog.delete(crossSigningKeys, ['userId']));
	const removeMade = core.put(catalog.delete(keySignatures, ['signer']));
	const removeReceived = core.put(catalog.delete(keySignatures, ['userId']));
	const listKeys = core.many<{userIds: readonly UserId[]}, CrossSigningKeyRow>((p) =>
		build.select().from(crossSigningKeys).where(catalog.isOneOf(crossSigningKeys.userId, p.userIds)),
	);
	const setSignature = core.put(catalog.upsert(keySignatures, ['userId', 'targetId', 'signer', 'signerKeyId']));
	const removeSignatures = core.put(catalog.delete(keySignatures, ['userId', 'targetId']));
	const listSignatures = core.many<{userIds: readonly UserId[]}, KeySignatureRow>((p) =>
		build.select().from(keySignatures).where(catalog.isOneOf(keySignatures.userId, p.userIds)),
	);
	return {setKey, removeKeys, removeMade, removeReceived, listKeys, setSignature, removeSignatures, listSignatures};
}

function createRemoteLists(core: Core) {
	const set = core.put(core.catalog.upsert(remoteDeviceLists, ['userId']));
	const find = core.many<{userIds: readonly UserId[]}, RemoteDeviceListRow>((p) =>
		build.select().from(remoteDeviceLists).where(core.catalog.isOneOf(remoteDeviceLists.userId, p.userIds)),
	);
	const listStale = core.many<{limit: number}, RemoteDeviceListRow>((p) =>
		build
			.select()
			.from(remoteDeviceLists)
			.where(sql`is_stale = 1`)
			.orderBy(remoteDeviceLists.userId)
			.limit(p.limit.placeholder),
	);
	return {set, find, listStale};
}

/** Makes the repository of keys for end-to-end encryption. */
export function createKeys(core: Core): KeysRepository {
	const device = createDeviceKeys(core);
	const oneTime = createOneTimeKeys(core);
	const cross = createCrossSigning(core);
	const remote = createRemoteLists(core);
	return {
		setDeviceKeys: device.set,
		removeDeviceKeys(batch, userId, deviceId) {
			if (deviceId === undefined) device.removeAll(batch, {userId});
			else device.remove(batch, {userId, deviceId});
		},
		findDeviceKeys: (userId, deviceId) => device.find({userId, deviceId}),
		listDeviceKeys: (userIds) => readInChunks(userIds, (chunk) => device.list({userIds: chunk})),
		addOneTimeKeys(batch, userId, deviceId, keys) {
			if (keys.length > 0) oneTime.forgetClaimed(batch, {userId, deviceId});
			for (const {keyId, json} of keys) {
				oneTime.add(batch, {id: freshId, userId, deviceId, algorithm: algorithmOf(keyId), keyId, json});
			}
		},
		removeOneTimeKeys: (batch, userId, deviceId) => oneTime.remove(batch, {userId, deviceId}),
		setFallbackKey: (batch, userId, deviceId, {keyId, json}) =>
			oneTime.setFallback(batch, {userId, deviceId, algorithm: algorithmOf(keyId), keyId, json, isUsed: false}),
		claim: createClaim(core),
		findOneTimeKeys: (userId, deviceId, keyIds) => oneTime.find({userId, deviceId, keyIds}),
		async countOneTimeKeys(userId, deviceId) {
			const rows = await oneTime.count({userId, deviceId});
			return Object.fromEntries(rows.map(({algorithm, count}) => [algorithm, count]));
		},
		listFallbackKeys: (userId, deviceId) => oneTime.fallback({userId, deviceId}),
		listUnusedFallbackKeys: async (userId, deviceId) =>
			(await oneTime.unused({userId, deviceId})).map(({algorithm}) => algorithm),
		setCrossSigningKey: cross.setKey,
		removeCrossSigningKeys(batch, userId) {
			cross.removeKeys(batch, {userId});
			cross.removeMade(batch, {signer: userId});
			cross.removeReceived(batch, {userId});
		},
		listCrossSigningKeys: (userIds) => readInChunks(userIds, (chunk) => cross.listKeys({userIds: chunk})),
		setSignature: cross.setSignature,
		removeSignatures: (batch, userId, targetId) => cross.removeSignatures(batch, {userId, targetId}),
		listSignatures: (userIds) => readInChunks(userIds, (chunk) => cross.listSignatures({userIds: chunk})),
		setRemoteDeviceList: remote.set,
		async findRemoteDeviceLists(userIds) {
			const rows = await readInChunks(userIds, (chunk) => remote.find({userIds: chunk}));
			return new Map(rows.map((row) => [row.userId, row]));
		},
		listStaleDeviceLists: (limit) => remote.listStale({limit: pageOf(limit)}),
	};
}
