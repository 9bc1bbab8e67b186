import {LRUCache} from 'lru-cache';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Batch, DeviceRow, Storage} from '../../storage/index.ts';

const DAY_MS = 86_400_000;
/** Devices whose last address is in memory; one takes some hundred bytes. */
const DEVICES_MAX = 50_000;
/** A phone between two networks changes its address with every request: one note a minute tells as much. */
const NOTE_EVERY_MS = 60_000;

interface Noted {
	readonly address: string;
	readonly day: number;
	readonly atMs: number;
}

/** Where devices were last seen from, where the settings want that kept. */
export class Addresses {
	readonly #storage: Storage;
	readonly #clock: Clock;
	readonly #keepDays: number;
	readonly #noted = new LRUCache<string, Noted>({maxSize: DEVICES_MAX, sizeCalculation: () => 1});

	constructor({
		storage,
		clock,
		keepAddressesDays,
	}: {
		readonly storage: Storage;
		readonly clock: Clock;
		readonly keepAddressesDays: number;
	}) {
		this.#storage = storage;
		this.#clock = clock;
		this.#keepDays = keepAddressesDays;
	}

	get areKept(): boolean {
		return this.#keepDays > 0;
	}

	/** Gives what is to be written of where a device is seen now; `undefined` where that is written already. */
	note({userId, deviceId}: {userId: UserId; deviceId: DeviceId}, address: string): Batch | undefined {
		const nowMs = this.#clock.now();
		const day = Math.floor(nowMs / DAY_MS);
		const key = JSON.stringify([userId, deviceId]);
		const noted = this.#noted.get(key);
		if (noted?.day === day && (noted.address === address || nowMs - noted.atMs < NOTE_EVERY_MS)) return undefined;
		this.#noted.set(key, {address, day, atMs: nowMs});
		const batch = this.#storage.batch();
		this.#storage.devices.setAddress(batch, {userId, deviceId, address, seenDay: day});
		return batch;
	}

	/** Adds to a user's devices where they were last seen from. */
	async addTo<D extends DeviceRow>(
		userId: UserId,
		devices: readonly D[],
	): Promise<(D & {readonly address?: string})[]> {
		if (!this.areKept) return [...devices];
		// What is about to be removed is shown no more.
		const since = Math.floor(this.#clock.now() / DAY_MS) - this.#keepDays;
		const rows = await this.#storage.devices.listAddresses(userId);
		const known = new Map(rows.filter(({seenDay}) => seenDay > since).map((row) => [row.deviceId, row.address]));
		return devices.map((device) => {
			const address = known.get(device.deviceId);
			return address === undefined ? device : {...device, address};
		});
	}
}
