import {and, eq, sql} from 'drizzle-orm';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	CrossSigningKeyRow,
	DeviceKeysRow,
	KeySignatureRow,
	KeysRepository,
	RemoteDeviceListRow,
} from '../interfaces/encryption.ts';
import {tables} from '../schema/index.ts';
import {createOneTimeKeys} from './one-time-keys.ts';
import {pageOf, readInChunks} from './page.ts';

const {crossSigningKeys, deviceKeys, devices, keySignatures, remoteDeviceLists} = tables;

type DeviceKey = {userId: UserId; deviceId: DeviceId};

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
		...createOneTimeKeys(core),
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
