/** Sync over an engine, without HTTP: for tests that ask it thousands of times. */
import type {DeviceId, UserId} from '../../../crypto/index.ts';
import {type Engine, systemClock, systemRandom} from '../../../federation/engine/index.ts';
import {createAccountData} from '../../../server/account-data/index.ts';
import {createEphemeral, type Ephemeral} from '../../../server/ephemeral/index.ts';
import {createEvents, type Events} from '../../../server/events/index.ts';
import {createFilters, type Filters} from '../../../server/filters/index.ts';
import {createPushRules} from '../../../server/push/index.ts';
import {createSync, type EncryptionSource, type Sync, type SyncRequest} from '../../../server/sync/index.ts';
import type {Storage} from '../../../storage/index.ts';

/** A process' part that answers syncs. */
export interface SyncProcess {
	readonly sync: Sync;
	readonly ephemeral: Ephemeral;
	close(): void;
}

/** What processes that sync have in common. */
export interface SyncWorld {
	readonly engine: Engine;
	readonly storage: Storage;
	readonly events: Events;
	readonly filters: Filters;
	/** Makes what answers syncs, as a process that has just begun has it. */
	start(): SyncProcess;
}

/** What sync asks of the encryption domain, where nobody has keys. */
export const withoutKeys: EncryptionSource = {
	listDeviceListChanges: () => Promise.resolve({changed: [], left: []}),
	listMet: () => Promise.resolve([]),
	countKeys: () => Promise.resolve({oneTimeKeys: {signed_curve25519: 0}, unusedFallbackKeyTypes: []}),
};

/** Makes a world over an engine. */
export function makeSyncWorld(engine: Engine, storage: Storage): SyncWorld {
	const events = createEvents({storage, engine, clock: systemClock});
	const pushRules = createPushRules({storage, accountData: createAccountData({storage})});
	return {
		engine,
		storage,
		events,
		filters: createFilters({storage}),
		start() {
			const ephemeral = createEphemeral({
				storage,
				clock: systemClock,
				random: systemRandom,
				serverName: 'one.test' as never,
				hasPresence: false,
				tellRoom: () => undefined,
			});
			const sync = createSync({
				storage,
				engine,
				events,
				pushRules,
				encryption: withoutKeys,
				ephemeral,
				clock: systemClock,
				random: (count) => systemRandom.bytes(count),
			});
			return {
				sync,
				ephemeral,
				close() {
					sync.close();
					ephemeral.close();
				},
			};
		},
	};
}

/** Asks at once, for a device of a user. */
export async function askSync<T>(
	{filters}: SyncWorld,
	{sync}: SyncProcess,
	{
		userId,
		filter,
		...wish
	}: {readonly userId: UserId; readonly filter: string; readonly since: string | undefined} & Partial<
		Omit<SyncRequest, 'filter'>
	>,
): Promise<T> {
	const text = await sync.sync({
		deviceId: 'DEVICE' as DeviceId,
		isFullState: false,
		usesStateAfter: false,
		presence: 'offline',
		timeoutMs: 0,
		signal: new AbortController().signal,
		...wish,
		userId,
		filter: await filters.resolve(userId, filter),
	});
	return JSON.parse(text) as T;
}
