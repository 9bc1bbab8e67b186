import {
	type DeviceId,
	domainOf,
	isDeviceId,
	isUserId,
	type JsonObject,
	type JsonValue,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {Batch, CrossSigningKeyRow, RemoteDeviceListRow} from '../../storage/index.ts';
import type {EncryptionContext} from './dependencies.ts';
import {memberOf, signedText} from './key-objects.ts';
import {readCrossSigning, readRemoteDevice, REMOTE_DEVICES_MAX} from './remote-answers.ts';
import {findMasterId} from './remote-device-lists.ts';

/** Updates that may be referred to by one update; more than one is rare. */
const PREVIOUS_IDS_MAX = 100;

/** What a server tells of a change to one of its users' devices. */
interface DeviceListUpdate {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly streamId: number;
	readonly previousIds: readonly JsonValue[];
	readonly isDeleted: boolean;
	readonly keys: JsonValue | undefined;
}

/**
 * Takes in `m.device_list_update`. An update that follows on what is known changes the kept list; after a gap the list is
 * stale until it was asked for as a whole. Nothing is kept of people with whom nobody here shares a room.
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export async function receiveDeviceListUpdate(
	context: EncryptionContext,
	origin: ServerName,
	content: JsonObject,
): Promise<void> {
	const update = readUpdate(origin, content);
	if (update === undefined) return;
	const {userId} = update;
	const mustResync = await context.remoteLists.turns.run(userId, async () => {
		const list = await findFollowed(context, userId);
		if (list === undefined) return false;
		const {row} = list;
		if (row !== undefined && !row.isStale) {
			if (update.streamId === row.streamId) return false;
			if (await applyUpdate(context, row, update)) return false;
		}
		await markStale(context, userId, row, update.streamId);
		return row !== undefined;
	});
	// The answer to the transaction does not wait for it.
	if (mustResync) context.remoteLists.resync(userId).catch(context.onProblem);
}

/**
 * Takes in `m.signing_key_update`: a user of another server has new cross-signing keys.
 * @see https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption
 */
export async function receiveSigningKeyUpdate(
	context: EncryptionContext,
	origin: ServerName,
	content: JsonObject,
): Promise<void> {
	const userId = memberOf(content, 'user_id');
	if (!isUserId(userId) || domainOf(userId) !== origin) return;
	const keys = readCrossSigning(userId, memberOf(content, 'master_key'), memberOf(content, 'self_signing_key'));
	if (keys.length === 0) return;
	await context.remoteLists.turns.run(userId, async () => {
		const list = await findFollowed(context, userId);
		if (list === undefined) return;
		const {row} = list;
		if (row === undefined || row.isStale) {
			await markStale(context, userId, row, row?.streamId ?? -1);
		} else {
			await applySigningKeys(context, userId, keys);
		}
	});
}

function readUpdate(origin: ServerName, content: JsonObject): DeviceListUpdate | undefined {
	const userId = memberOf(content, 'user_id');
	const deviceId = memberOf(content, 'device_id');
	const streamId = memberOf(content, 'stream_id');
	const previousIds = memberOf(content, 'prev_id') ?? [];
	if (!isUserId(userId) || domainOf(userId) !== origin || !isDeviceId(deviceId)) return undefined;
	if (typeof streamId !== 'number' || !Number.isSafeInteger(streamId) || streamId < 0) return undefined;
	if (!Array.isArray(previousIds) || previousIds.length > PREVIOUS_IDS_MAX) return undefined;
	const isDeleted = memberOf(content, 'deleted') === true;
	return {userId, deviceId, streamId, previousIds, isDeleted, keys: memberOf(content, 'keys')};
}

/** Finds the list of a user whom somebody here shares a room with; `undefined` for others. */
async function findFollowed(
	{storage}: EncryptionContext,
	userId: UserId,
): Promise<{readonly row: RemoteDeviceListRow | undefined} | undefined> {
	for (const {roomId} of await storage.memberships.listOfUser(userId, ['join'])) {
		if ((await storage.memberships.listLocalJoined(roomId)).length > 0) {
			return {row: (await storage.keys.findRemoteDeviceLists([userId])).get(userId)};
		}
	}
	return undefined;
}

/** Applies an update to a list that is complete up to the one before; false where it does not follow on that. */
async function applyUpdate(
	{storage}: EncryptionContext,
	row: RemoteDeviceListRow,
	{userId, deviceId, streamId, previousIds, isDeleted, keys}: DeviceListUpdate,
): Promise<boolean> {
	if (previousIds.length === 0 || previousIds.some((id) => id !== row.streamId) || streamId < row.streamId)
		return false;
	const device = keys === undefined || isDeleted ? undefined : readRemoteDevice(userId, deviceId, keys);
	if (device === undefined && keys !== undefined && !isDeleted) return false;
	const batch = storage.batch();
	if (device === undefined) {
		storage.keys.removeDeviceKeys(batch, userId, deviceId);
	} else {
		const devices = await storage.keys.listDeviceKeys([userId]);
		if (devices.length >= REMOTE_DEVICES_MAX && !devices.some((known) => known.deviceId === deviceId)) return false;
		storage.keys.setDeviceKeys(batch, device);
	}
	storage.keys.setRemoteDeviceList(batch, {...row, streamId});
	batch.announce({kind: 'device_list', subject: userId});
	await storage.commit(batch);
	return true;
}

/** Notes that a list must be asked for. Who may have seen it is told once, however many updates come until somebody asks. */
async function markStale(
	{storage, remoteLists}: EncryptionContext,
	userId: UserId,
	row: RemoteDeviceListRow | undefined,
	streamId: number,
): Promise<void> {
	const batch = storage.batch();
	storage.keys.setRemoteDeviceList(batch, {userId, streamId, isStale: true, fetchedPos: row?.fetchedPos ?? 0});
	if (row?.isStale !== true || remoteLists.isAsking(userId)) batch.announce({kind: 'device_list', subject: userId});
	await storage.commit(batch);
}

async function applySigningKeys(
	{storage}: EncryptionContext,
	userId: UserId,
	keys: readonly CrossSigningKeyRow[],
): Promise<void> {
	const stored = await storage.keys.listCrossSigningKeys([userId]);
	const hasNewMaster = findMasterId(stored) !== findMasterId(keys);
	const news = keys.filter(({usage, json}) => {
		const before = stored.find((key) => key.usage === usage);
		return before === undefined || signedText(before.json) !== signedText(json);
	});
	if (news.length === 0) return;
	const batch: Batch = storage.batch();
	if (hasNewMaster) storage.keys.removeCrossSigningKeys(batch, userId);
	for (const key of hasNewMaster ? keys : news) storage.keys.setCrossSigningKey(batch, key);
	batch.announce({kind: 'device_list', subject: userId});
	await storage.commit(batch);
}
