import type {DeviceId, JsonObject, RandomBytes, ServerName, UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {RemoteQueries} from '../../federation/outbound/index.ts';
import type {Storage} from '../../storage/index.ts';
import type {NoticeQueue} from '../notices/index.ts';
import type {Visibility} from '../visibility/index.ts';
import type {LocalKeys} from './local-keys.ts';
import type {RemoteDeviceLists} from './remote-device-lists.ts';

/** What the encryption domain is built from. */
export interface EncryptionDependencies {
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly visibility: Visibility;
	readonly clock: Clock;
	readonly random: RandomBytes;
	/** How other servers are asked for their people's keys. */
	readonly remoteKeys: Pick<RemoteQueries, 'queryKeys' | 'claimKeys' | 'findDevices'>;
	/** Whether the settings let this server talk with another. */
	readonly mayFederateWith: (server: ServerName) => boolean;
	/** Where it is said that somebody's identity was replaced. */
	readonly notices: NoticeQueue;
	/** Who writes the notices of the server, and has no device; `undefined`: nobody does. */
	readonly noticesSender: UserId | undefined;
	/** Told of what failed with nobody waiting for it. */
	readonly onProblem: (problem: unknown) => void;
}

/** What the parts of the domain share. */
export interface EncryptionContext extends EncryptionDependencies {
	readonly localKeys: LocalKeys;
	readonly remoteLists: RemoteDeviceLists;
}

/** The device that calls, and what the rule of visibility asks about its person. */
export interface EncryptionCaller {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly isAdmin: boolean;
	readonly isGuest: boolean;
}

/** For each user the devices whose keys are wanted; none named means all. */
export type DevicesByUser = ReadonlyMap<UserId, readonly DeviceId[]>;

/** For each user and device the algorithm of the key to claim. */
export type ClaimsByUser = ReadonlyMap<UserId, ReadonlyMap<DeviceId, string>>;

/** Device keys or claimed keys by user and device, as the specification writes them. */
export type KeysByUser = Record<string, Record<string, JsonObject>>;
