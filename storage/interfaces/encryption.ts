import type {DeviceId, JsonObject, ServerName, UserId} from '../../crypto/index.ts';
import type {Batch, JsonText, Outcome, Position, PositionOrAnnounced} from '../batch.ts';

/** The identity keys of a device, local or remote. */
export interface DeviceKeysRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** The DeviceKeys object as uploaded, without `unsigned`; signatures that others made since are kept apart. */
	readonly json: JsonObject;
	/** The name to show in `unsigned.device_display_name`; `null`: none. */
	readonly displayName: string | null;
}

/** A one-time or fallback key as uploaded. */
export interface OneTimeKey {
	/** `algorithm:id`. */
	readonly keyId: string;
	/** A key object, or the bare key for unsigned algorithms. */
	readonly json: JsonObject | string;
}

/** The same as it is added. */
export interface NewOneTimeKey extends Pick<OneTimeKey, 'keyId'> {
	readonly json: OneTimeKey['json'] | JsonText;
}

/** Which key is to be taken from a device. */
export interface KeyClaim {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** Without control characters, as the ids are. */
	readonly algorithm: string;
}

/** A key that was taken from a device. */
export interface ClaimedKey extends Pick<OneTimeKey, 'keyId'> {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** As it was stored: it is handed on, and nobody here reads it. */
	readonly json: JsonText;
	readonly isFallback: boolean;
}

/** A cross-signing key. */
export interface CrossSigningKeyRow {
	readonly userId: UserId;
	readonly usage: 'master' | 'self_signing' | 'user_signing';
	readonly json: JsonObject;
}

/** A signature that was uploaded on a device key or cross-signing key. */
export interface KeySignatureRow {
	readonly signer: UserId;
	/** `ed25519:…` */
	readonly signerKeyId: string;
	readonly userId: UserId;
	/** A device id, or a cross-signing key's public key. */
	readonly targetId: string;
	readonly signature: string;
}

/** What is known of a remote user's device list. */
export interface RemoteDeviceListRow {
	readonly userId: UserId;
	readonly streamId: number;
	/** Whether an update was missed and the list must be asked for. */
	readonly isStale: boolean;
	/** Where the stream stood when the list was asked for: who shared a room then and since has been told of all changes. */
	readonly fetchedPos: Position;
}

/** Keys for end-to-end encryption. Device-list changes are stream rows of the kind `device_list`. */
export interface KeysRepository {
	setDeviceKeys(batch: Batch, keys: DeviceKeysRow): void;
	/** Removes the keys of one device, or of all devices of a user. */
	removeDeviceKeys(batch: Batch, userId: UserId, deviceId?: DeviceId): void;
	findDeviceKeys(userId: UserId, deviceId: DeviceId): Promise<DeviceKeysRow | undefined>;
	listDeviceKeys(userIds: readonly UserId[]): Promise<DeviceKeysRow[]>;

	/**
	 * Adds one-time keys, at most 2,000, in this order and behind those of earlier positions; ConflictError('one_time_key')
	 * where a key id is there already, or is one of the last 200 that were claimed: an upload that is told again must not
	 * bring back what somebody was given meanwhile.
	 */
	addOneTimeKeys(
		batch: Batch,
		device: {readonly userId: UserId; readonly deviceId: DeviceId},
		keys: readonly NewOneTimeKey[],
		pos: PositionOrAnnounced,
	): void;
	/** Removes the one-time and fallback keys of a device: it has another identity now, which has not signed them. */
	removeOneTimeKeys(batch: Batch, userId: UserId, deviceId: DeviceId): void;
	/** Sets the fallback key of an algorithm, unused. */
	setFallbackKey(batch: Batch, userId: UserId, deviceId: DeviceId, key: OneTimeKey): void;
	/**
	 * Takes the oldest one-time key of an algorithm from each device, or else the fallback key (which stays and becomes
	 * used). No one-time key is ever given out twice. Devices that have neither are not in the outcome, and none may be
	 * named twice. At most 250.
	 */
	claim(batch: Batch, claims: readonly KeyClaim[]): Outcome<ClaimedKey[]>;
	/** The same without fallback keys, for a first try: devices that have no one-time key are not in the outcome. */
	claimOneTimeKeys(batch: Batch, claims: readonly KeyClaim[]): Outcome<ClaimedKey[]>;
	/** Finds those of the named keys that are stored or were claimed lately: the same id with other content must be refused. */
	findOneTimeKeys(userId: UserId, deviceId: DeviceId, keyIds: readonly string[]): Promise<OneTimeKey[]>;
	/** Counts one-time keys by algorithm. */
	countOneTimeKeys(userId: UserId, deviceId: DeviceId): Promise<Record<string, number>>;
	/** Lists the fallback keys of a device, used ones too. */
	listFallbackKeys(userId: UserId, deviceId: DeviceId): Promise<OneTimeKey[]>;
	/** Lists the algorithms whose fallback key is unused. */
	listUnusedFallbackKeys(userId: UserId, deviceId: DeviceId): Promise<string[]>;

	setCrossSigningKey(batch: Batch, key: CrossSigningKeyRow): void;
	/** Removes all cross-signing keys of a user, and every signature that the user made or that is on the user's keys. */
	removeCrossSigningKeys(batch: Batch, userId: UserId): void;
	listCrossSigningKeys(userIds: readonly UserId[]): Promise<CrossSigningKeyRow[]>;
	setSignature(batch: Batch, signature: KeySignatureRow): void;
	/** Removes the signatures on one key: it was replaced. */
	removeSignatures(batch: Batch, userId: UserId, targetId: string): void;
	listSignatures(userIds: readonly UserId[]): Promise<KeySignatureRow[]>;

	setRemoteDeviceList(batch: Batch, list: RemoteDeviceListRow): void;
	findRemoteDeviceLists(userIds: readonly UserId[]): Promise<Map<UserId, RemoteDeviceListRow>>;
	/** Lists lists that must be asked for again. */
	listStaleDeviceLists(limit: number): Promise<RemoteDeviceListRow[]>;
}

/** A message to a device. */
export interface ToDeviceMessage {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly pos: Position;
	readonly sender: UserId;
	readonly type: string;
	readonly content: JsonObject;
}

/** Messages as they are added. */
export interface NewToDeviceMessages {
	readonly pos: PositionOrAnnounced;
	readonly sender: UserId;
	readonly type: string;
	readonly messages: readonly {
		readonly userId: UserId;
		readonly deviceId: DeviceId;
		readonly content: JsonObject | JsonText;
	}[];
}

/** Messages that wait for devices. */
export interface ToDeviceRepository {
	/**
	 * Adds messages of one sender and type, at most 256: once for a position. Device ids must be resolved (`*` is for the
	 * caller to expand).
	 */
	add(batch: Batch, messages: NewToDeviceMessages): void;
	/** Notes a message id of a partner server; `DuplicateError('to_device_received')` where it came before. */
	addReceived(batch: Batch, origin: ServerName, messageId: string, receivedTs: number): void;
	/** Lists messages in `(after, upto]` in order. At most 1,000. */
	list(
		userId: UserId,
		deviceId: DeviceId,
		page: {readonly after: Position; readonly upto: Position; readonly limit: number},
	): Promise<ToDeviceMessage[]>;
	/** Removes what a device has acknowledged: the messages in `(after, upto]`. The less they are, the less it costs. */
	remove(
		batch: Batch,
		userId: UserId,
		deviceId: DeviceId,
		range: {readonly after: Position; readonly upto: Position},
	): void;
	/**
	 * Messages are written in the order in which they come, and those of the newest 1,000 positions that still have some
	 * stay so. Files older ones under their devices, where a read finds them at once; how many it were, 0: all are filed.
	 */
	file(batch: Batch): Outcome<number>;
	/** Forgets message ids of partner servers that came before a time, some hundreds at once; how many it were. */
	sweepReceived(batch: Batch, beforeTs: number): Outcome<number>;
}
