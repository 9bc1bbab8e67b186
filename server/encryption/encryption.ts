import {type DeviceId, domainOf, type JsonObject, type ServerName, type UserId} from '../../crypto/index.ts';
import type {JsonText, Position} from '../../storage/index.ts';
import {type ClaimAnswer, claimKeys, claimKeysForServer} from './claim-keys.ts';
import {
	checkCrossSigningUpload,
	type CheckedCrossSigningUpload,
	type CrossSigningUpload,
	storeCrossSigningKeys,
} from './cross-signing.ts';
import type {
	ClaimsByUser,
	DevicesByUser,
	EncryptionCaller,
	EncryptionContext,
	EncryptionDependencies,
} from './dependencies.ts';
import {createDehydratedDevices, type DehydratedDevices} from './dehydrated-devices.ts';
import {type DeviceListChanges, DeviceListFollower} from './device-list-changes.ts';
import {EncryptionError} from './errors.ts';
import {createKeyBackups, type KeyBackups} from './key-backups.ts';
import type {DeviceOwner} from './key-objects.ts';
import type {QueriedKeys} from './key-views.ts';
import {LocalKeys} from './local-keys.ts';
import {type QueryAnswer, queryKeys, queryKeysForServer} from './query-keys.ts';
import {RemoteDeviceLists} from './remote-device-lists.ts';
import {receiveDeviceListUpdate, receiveSigningKeyUpdate} from './remote-updates.ts';
import {receiveDirectToDevice, sendToDevice, type ToDeviceRequest} from './to-device.ts';
import {Turns} from './turns.ts';
import {type KeyCounts, LocalKeyCounts} from './key-counts.ts';
import {type KeysUpload, uploadKeys} from './upload-keys.ts';
import {type SignatureFailure, type SignaturesUpload, uploadSignatures} from './upload-signatures.ts';

/** The devices of somebody here, as another server is told of them. */
export interface ListedDevices {
	/** Grows with every change on this server. */
	readonly streamId: Position;
	readonly devices: readonly {readonly deviceId: string; readonly keys: JsonObject}[];
	readonly masterKey: JsonObject | undefined;
	readonly selfSigningKey: JsonObject | undefined;
}

/** What clients need for end-to-end encryption: keys, signatures, device lists and messages to devices. */
export interface Encryption {
	/** Stores keys that a device publishes, and counts what is unclaimed. @throws EncryptionError */
	uploadKeys(owner: DeviceOwner, upload: KeysUpload): Promise<KeyCounts>;
	/** Counts the keys of a device that others may still claim. */
	countKeys(userId: UserId, deviceId: DeviceId): Promise<KeyCounts>;
	/** Gives keys of users anywhere; of those whom the caller may not know of, none. Never fails for a server that does not answer. */
	queryKeys(caller: EncryptionCaller, wanted: DevicesByUser, timeoutMs: number): Promise<QueryAnswer>;
	/** Takes one-time keys, each once, in the order they were uploaded; fallback keys where there are none. */
	claimKeys(caller: EncryptionCaller, claims: ClaimsByUser, timeoutMs: number): Promise<ClaimAnswer>;
	/**
	 * Stores cross-signing keys. `authenticate` is called, and must resolve, before the identity of one who has one is
	 * changed; the first upload and a repeated one need nothing.
	 * @throws EncryptionError; whatever `authenticate` throws
	 */
	uploadCrossSigningKeys(
		userId: UserId,
		upload: CrossSigningUpload,
		authenticate: () => Promise<unknown>,
	): Promise<void>;
	/** Stores signatures by the caller's keys; tells what is wrong with those that are not taken. */
	uploadSignatures(caller: EncryptionCaller, upload: SignaturesUpload): Promise<SignatureFailure[]>;
	/** Lists whose device lists changed for a user in `(since, upto]`, and who is met no more. */
	listDeviceListChanges(userId: UserId, since: Position, upto: Position): Promise<DeviceListChanges>;
	/** Lists with whom a user has come to share a room in `(since, upto]`, and still does. */
	listMet(userId: UserId, since: Position, upto: Position): Promise<readonly UserId[]>;
	/** Lists whose device lists changed up to now, for one who was away. @throws EncryptionError 'unknown-position' */
	listDeviceListChangesSince(userId: UserId, since: Position): Promise<DeviceListChanges>;

	/** What people keep of their room keys with this server. */
	readonly backups: KeyBackups;
	/** Devices that wait for their owners' next sign-in. */
	readonly dehydrated: DehydratedDevices;

	/** Sends messages to devices; the same transaction sends nothing twice. @throws EncryptionError */
	sendToDevice(caller: EncryptionCaller, request: ToDeviceRequest): Promise<void>;

	/** Gives keys of people here that another server may know of; of others none. */
	queryKeysForServer(origin: ServerName, wanted: DevicesByUser): Promise<QueriedKeys>;
	/** Takes one-time keys of people here for another server. */
	claimKeysForServer(origin: ServerName, claims: ClaimsByUser): Promise<JsonText>;
	/** Lists the devices of somebody here for another server. @throws EncryptionError 'forbidden' */
	listDevicesForServer(origin: ServerName, userId: UserId): Promise<ListedDevices>;
	/** Take in the EDUs of their names; what is malformed or not the origin's to say is dropped. */
	readonly receive: {
		readonly deviceListUpdate: (origin: ServerName, content: JsonObject) => Promise<void>;
		readonly signingKeyUpdate: (origin: ServerName, content: JsonObject) => Promise<void>;
		/** On disk when it resolves. */
		readonly directToDevice: (origin: ServerName, content: JsonObject) => Promise<void>;
	};
	/** Stops following the stream. */
	close(): void;
}

/** Makes the encryption domain. */
export function createEncryption(dependencies: EncryptionDependencies): Encryption {
	const {storage} = dependencies;
	const localKeys = new LocalKeys(storage);
	const keyCounts = new LocalKeyCounts(storage);
	const context: EncryptionContext = {...dependencies, localKeys, remoteLists: new RemoteDeviceLists(dependencies)};
	const follower = new DeviceListFollower(storage, dependencies.noticesSender);
	// What a person uploads is compared with what is stored, so uploads of one person come one after the other.
	const turns = new Turns<UserId>();
	return {
		uploadKeys: (owner, upload) => turns.run(owner.userId, () => uploadKeys({storage, keyCounts}, owner, upload)),
		countKeys: (userId, deviceId) => keyCounts.find(userId, deviceId),
		queryKeys: (caller, wanted, timeoutMs) => queryKeys(context, caller, wanted, timeoutMs),
		claimKeys: (caller, claims, timeoutMs) => claimKeys(context, caller, claims, timeoutMs),
		async uploadCrossSigningKeys(userId, upload, authenticate) {
			const check = (): Promise<CheckedCrossSigningUpload> => checkCrossSigningUpload(storage, userId, upload);
			const isAuthenticated = (await check()).changesIdentity;
			if (isAuthenticated) await authenticate();
			await turns.run(userId, async () => {
				const checked = await check();
				// Another upload came in between, and what was a first one no longer is.
				if (checked.changesIdentity && !isAuthenticated) await authenticate();
				await storeCrossSigningKeys(dependencies, userId, checked);
			});
		},
		uploadSignatures: (caller, upload) => uploadSignatures(context, caller, upload),
		listDeviceListChanges: (userId, since, upto) => follower.list(userId, since, upto),
		listMet: (userId, since, upto) => follower.listMet(userId, since, upto),
		async listDeviceListChangesSince(userId, since) {
			// The position may be one that another process has given out just now.
			await storage.barrier();
			const upto = storage.stream.head();
			if (since > upto) throw new EncryptionError('unknown-position', "'from' is no token of this server");
			return follower.list(userId, since, upto);
		},
		backups: createKeyBackups(storage),
		dehydrated: createDehydratedDevices(storage),
		sendToDevice: (caller, request) => sendToDevice(context, caller, request),
		queryKeysForServer: (origin, wanted) => queryKeysForServer(context, origin, wanted),
		claimKeysForServer: (origin, claims) => claimKeysForServer(context, origin, claims),
		listDevicesForServer: (origin, userId) => listDevicesForServer(context, origin, userId),
		receive: {
			deviceListUpdate: (origin, content) => receiveDeviceListUpdate(context, origin, content),
			signingKeyUpdate: (origin, content) => receiveSigningKeyUpdate(context, origin, content),
			directToDevice: (origin, content) => receiveDirectToDevice(context, origin, content),
		},
		close() {
			localKeys.close();
			keyCounts.close();
			follower.close();
		},
	};
}

async function listDevicesForServer(
	context: EncryptionContext,
	origin: ServerName,
	userId: UserId,
): Promise<ListedDevices> {
	const {storage, serverName, visibility} = context;
	// One answer for who is not to be known and who does not exist.
	const mayKnow = domainOf(userId) === serverName && (await visibility.mayServerKnow(origin, userId, 'keys'));
	if (!mayKnow) throw new EncryptionError('forbidden', 'This server does not tell you of such a user');
	// Taken before the keys are read, so that they are at least as new.
	const streamId = storage.stream.head();
	const {deviceKeys, masterKeys, selfSigningKeys} = await queryKeysForServer(context, origin, new Map([[userId, []]]));
	return {
		streamId,
		devices: Object.entries(deviceKeys[userId] ?? {}).map(([deviceId, keys]) => ({deviceId, keys})),
		masterKey: masterKeys[userId],
		selfSigningKey: selfSigningKeys[userId],
	};
}
