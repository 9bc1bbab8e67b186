import {LRUCache} from 'lru-cache';
import type {DeviceId, UserId} from '../../../crypto/index.ts';
import {type MembershipRow, type Position, type Storage, StorageError} from '../../../storage/index.ts';
import type {Positions} from '../positions.ts';
import type {SyncToken} from '../tokens.ts';
import type {SyncParts, View} from './view.ts';

/** Messages to a device in one answer. */
const MESSAGES_MAX = 100;
/** Devices of which something is held in memory. */
const DEVICES_MAX = 50_000;
/**
 * Positions after which all is removed that a device has acknowledged, not what it was told here alone: another process may
 * have told it something and not have seen that it came.
 */
const CLEANED_EVERY = 10_000;

/** What is known here of the messages that wait for a device. */
interface Told {
	/** About where everything acknowledged was removed. */
	readonly cleaned: Position;
	/** Past here lies what it was told and has not acknowledged. */
	readonly after: Position;
	/** The last message that it was told and has not acknowledged; absent: there is none. */
	readonly last: Position | undefined;
}

/** Which messages a device is told. */
export type ToDeviceQuery = Pick<View, 'userId' | 'deviceId' | 'upto'> & {
	/** Where its last answer ended; absent: nothing was ever told. */
	readonly since: Pick<SyncToken, 'toDevice'> | undefined;
	readonly outdated?: Pick<SyncToken, 'toDevice'> | undefined;
	/** At least 1; absent, or more than one answer carries: as many as it carries. */
	readonly limit?: number | undefined;
};

/** Whose devices' changes are told. */
export type DeviceListsQuery = Pick<View, 'userId' | 'upto'> & {
	readonly since: Pick<SyncToken, 'pos'> | undefined;
	readonly outdated?: Pick<SyncToken, 'pos'> | undefined;
};

/** Messages for a device. */
export interface ToDevice {
	/** As JSON texts of events. */
	readonly events: readonly string[];
	/** All messages up to here are among them, or were told before. */
	readonly upto: Position;
}

/** What devices are told of themselves: messages to them. */
export class DeviceNews {
	readonly #storage: Storage;
	readonly #positions: Positions;
	readonly #told = new LRUCache<string, Told>({maxSize: DEVICES_MAX, sizeCalculation: () => 1});

	constructor(storage: Storage, positions: Positions) {
		this.#storage = storage;
		this.#positions = positions;
	}

	/** Removes the messages that a device's token acknowledges; those stay so, whatever else was swept. */
	async acknowledge({userId, deviceId, since, outdated}: ToDeviceQuery): Promise<void> {
		const after = (since ?? outdated)?.toDevice ?? 0;
		const key = `${userId} ${deviceId}`;
		const told = this.#told.get(key);
		if (after === 0 || told?.last === undefined || told.last > after) return;
		this.#told.set(key, {...told, last: undefined});
		const isRemoved = await this.#remove(userId, deviceId, {after: told.after, upto: after});
		if (!isRemoved) this.#told.delete(key);
	}

	/** Lists messages that are new to the device, the oldest first; those that its token acknowledges are removed. */
	async listToDevice(query: ToDeviceQuery): Promise<ToDevice> {
		const {userId, deviceId, since, outdated, upto, limit} = query;
		await this.acknowledge(query);
		const after = (since ?? outdated)?.toDevice ?? 0;
		const most = Math.min(limit ?? MESSAGES_MAX, MESSAGES_MAX);
		if (since && !this.#positions.hasToDevice(userId, after)) return {events: [], upto};
		const messages = await this.#storage.toDevice.list(userId, deviceId, {after, upto, limit: most});
		const last = messages.at(-1);
		if (last) this.#noteTold(`${userId} ${deviceId}`, {after, last: last.pos});
		return {
			events: messages.map(({sender, type, content}) => JSON.stringify({sender, type, content})),
			upto: last && messages.length === most ? last.pos : upto,
		};
	}

	#noteTold(key: string, {after, last}: {readonly after: Position; readonly last: Position}): void {
		const told = this.#told.get(key);
		if (told === undefined || last - told.cleaned > CLEANED_EVERY) {
			this.#told.set(key, {cleaned: last, after: 0, last});
			return;
		}
		const from = told.last === undefined ? after : Math.min(told.after, after);
		this.#told.set(key, {cleaned: told.cleaned, after: from, last});
	}

	/**
	 * Removing is housekeeping: a token says by itself what was delivered, so a full disk must not end reading. Whether it
	 * succeeded.
	 */
	async #remove(userId: UserId, deviceId: DeviceId, range: {after: Position; upto: Position}): Promise<boolean> {
		const batch = this.#storage.batch();
		this.#storage.toDevice.remove(batch, userId, deviceId, range);
		try {
			await this.#storage.commit(batch);
			return true;
		} catch (error) {
			if (!(error instanceof StorageError)) throw error;
			return false;
		}
	}
}

/** Lists whose devices changed, as JSON text; `undefined` where nobody's did. */
export async function renderDeviceLists(
	{positions, encryption}: SyncParts,
	{userId, since, outdated, upto}: DeviceListsQuery,
	touched: readonly MembershipRow[],
): Promise<string | undefined> {
	if (outdated !== undefined) {
		const {changed, left} = await encryption.listDeviceListChanges(userId, outdated.pos, upto);
		return JSON.stringify({changed, left});
	}
	if (since === undefined) return undefined;
	const mayHaveChanged =
		positions.hasDeviceLists(since.pos) ||
		// Whom the user vouches for is told to their own devices under this kind.
		positions.hasDeviceKeys(userId, since.pos) ||
		hasMoved(positions, touched, since.pos);
	if (!mayHaveChanged) return undefined;
	const {changed, left} = await encryption.listDeviceListChanges(userId, since.pos, upto);
	return changed.length + left.length === 0 ? undefined : JSON.stringify({changed, left});
}

/** Tells whether somebody may have entered or left one of these rooms, the user too. */
export function hasMoved(positions: Positions, rooms: readonly MembershipRow[], since: Position): boolean {
	return rooms.some(({roomId, pos, membership}) =>
		membership === 'join' ? positions.hasMembers(roomId, since) : pos > since,
	);
}
