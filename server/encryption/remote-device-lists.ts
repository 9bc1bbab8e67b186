import {LRUCache} from 'lru-cache';
import {domainOf, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import {OutboundError} from '../../federation/outbound/index.ts';
import {
	type Batch,
	type CrossSigningKeyRow,
	type Position,
	type RemoteDeviceListRow,
	type Storage,
	StorageError,
} from '../../storage/index.ts';
import type {EncryptionDependencies} from './dependencies.ts';
import {idOfCrossSigningKey} from './key-objects.ts';
import {type KeyRows, readKeyRows} from './key-views.ts';
import {readListedDevices, readQueriedUser, type RemoteUserKeys} from './remote-answers.ts';
import {Turns} from './turns.ts';

/** A server that did not answer is not asked again for so long: who asks meanwhile is told at once. */
const UNREACHABLE_MS = 15_000;
/** Updates that come sooner after a list was asked for wait until somebody wants to see it. */
const RESYNC_PAUSE_MS = 5000;
/** Servers asked at a time for one request. */
const SERVERS_AT_ONCE = 32;

/** What is known of remote users' keys, after asking where need be. */
export interface RemoteKeyRows extends KeyRows {
	/** Servers that did not answer. */
	readonly unreachable: readonly ServerName[];
}

/**
 * The devices of other servers' people. A list is kept once somebody asked for it, as long as its owner shares rooms
 * with the people here: then the other server tells us of changes.
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export class RemoteDeviceLists {
	/** Changes of one user's list happen one after the other. */
	readonly turns = new Turns<UserId>();
	readonly #dependencies: EncryptionDependencies;
	readonly #flights = new Map<UserId, Flight>();
	readonly #unreachableUntil = new LRUCache<ServerName, number>({maxSize: 10_000, sizeCalculation: () => 1});
	readonly #askedAt = new LRUCache<UserId, number>({maxSize: 10_000, sizeCalculation: () => 1});

	constructor(dependencies: EncryptionDependencies) {
		this.#dependencies = dependencies;
	}

	/** Whether a user's list is being asked for just now. */
	isAsking(userId: UserId): boolean {
		return this.#flights.has(userId);
	}

	/** Gives remote users' keys: from what is kept where that is certainly complete, else from their servers. */
	async find(asker: UserId, userIds: readonly UserId[], timeoutMs: number): Promise<RemoteKeyRows> {
		const {storage} = this.#dependencies;
		const rooms = new Map((await storage.memberships.listOfUser(asker, ['join'])).map((row) => [row.roomId, row.pos]));
		const lists = await storage.keys.findRemoteDeviceLists(userIds);
		const kept: UserId[] = [];
		const byServer = new Map<ServerName, UserId[]>();
		for (const userId of userIds) {
			const list = lists.get(userId);
			if (list !== undefined && !list.isStale && (await this.#isContinuous(userId, list.fetchedPos, rooms))) {
				kept.push(userId);
			} else {
				const server = domainOf(userId);
				byServer.set(server, [...(byServer.get(server) ?? []), userId]);
			}
		}
		const rows = await readKeyRows(storage, kept);
		const unreachable: ServerName[] = [];
		const found: RemoteUserKeys[] = [];
		await inParallel([...byServer], SERVERS_AT_ONCE, async ([server, users]) => {
			const keys = await this.#ask(server, users, asker, timeoutMs);
			if (keys === undefined) unreachable.push(server);
			else found.push(...keys);
		});
		return {
			devices: [...rows.devices, ...found.flatMap(({devices}) => devices)],
			crossSigning: [...rows.crossSigning, ...found.flatMap(({crossSigning}) => crossSigning)],
			unreachable,
		};
	}

	/** Asks another server something about its people; `undefined` where it does not answer or must not be asked. */
	async askServer<T>(server: ServerName, ask: () => Promise<T>): Promise<T | undefined> {
		const {clock, mayFederateWith} = this.#dependencies;
		if (!mayFederateWith(server) || (this.#unreachableUntil.get(server) ?? 0) > clock.monotonic()) return undefined;
		try {
			const answer = await ask();
			this.#unreachableUntil.delete(server);
			return answer;
		} catch (error) {
			if (!(error instanceof OutboundError)) throw error;
			this.#unreachableUntil.set(server, clock.monotonic() + UNREACHABLE_MS);
			return undefined;
		}
	}

	/**
	 * Asks for a list that an update has made stale, unless that is under way or was done a moment ago. Fails in silence
	 * where the server does not answer: the list stays stale, and the next who wants to see it asks again.
	 */
	async resync(userId: UserId): Promise<void> {
		const {clock} = this.#dependencies;
		const askedAt = this.#askedAt.get(userId) ?? Number.NEGATIVE_INFINITY;
		if (this.#flights.has(userId) || clock.monotonic() - askedAt < RESYNC_PAUSE_MS) return;
		await this.#follow(userId, this.#askForList(userId));
	}

	async #askForList(userId: UserId): Promise<RemoteUserKeys | undefined> {
		const {remoteKeys} = this.#dependencies;
		const before = await this.#startAsking([userId]);
		const server = domainOf(userId);
		const answer = await this.askServer(server, () => remoteKeys.findDevices(userId));
		const keys = answer && readListedDevices(answer);
		if (keys !== undefined) await this.#keep(userId, keys, before);
		return keys;
	}

	/**
	 * Whether the user and one who asks have shared a room since the list was asked for: else there was a time when the
	 * user's server had no reason to tell us of changes.
	 */
	async #isContinuous(userId: UserId, since: Position, askersRooms: ReadonlyMap<RoomId, Position>): Promise<boolean> {
		const joined = await this.#dependencies.storage.memberships.listOfUser(userId, ['join']);
		return joined.some(
			({roomId, pos}) => pos <= since && (askersRooms.get(roomId) ?? Number.POSITIVE_INFINITY) <= since,
		);
	}

	async #ask(
		server: ServerName,
		userIds: readonly UserId[],
		asker: UserId,
		timeoutMs: number,
	): Promise<RemoteUserKeys[] | undefined> {
		// All in one turn of the event loop, so that nobody else begins to ask for the same in between.
		const flights = userIds.map((userId) => this.#flights.get(userId)).filter((flight) => flight !== undefined);
		const others = userIds.filter((userId) => !this.#flights.has(userId));
		if (others.length > 0) {
			const answer = this.#askForKeys(server, others, asker, timeoutMs);
			for (const userId of others)
				flights.push(
					this.#follow(
						userId,
						answer.then((keys) => keys?.get(userId)),
					),
				);
		}
		const results = await Promise.all(flights);
		return results.includes(undefined) ? undefined : results.filter((keys) => keys !== undefined);
	}

	async #askForKeys(
		server: ServerName,
		userIds: readonly UserId[],
		asker: UserId,
		timeoutMs: number,
	): Promise<ReadonlyMap<UserId, RemoteUserKeys> | undefined> {
		const {remoteKeys, storage} = this.#dependencies;
		const wanted: Record<UserId, readonly string[]> = Object.fromEntries(userIds.map((userId) => [userId, []]));
		const before = await this.#startAsking(userIds);
		const answer = await this.askServer(server, () => remoteKeys.queryKeys(server, wanted, timeoutMs));
		if (answer === undefined) return undefined;
		const keys = new Map(userIds.map((userId) => [userId, readQueriedUser(answer, userId)]));
		try {
			// Only of those with whom a room is shared does their server tell us what changes.
			for (const userId of await storage.memberships.listSharing(asker, userIds)) {
				const ofUser = keys.get(userId);
				if (ofUser !== undefined) await this.#keep(userId, ofUser, before);
			}
		} catch (error) {
			// What cannot be kept is asked for again another time.
			if (!(error instanceof StorageError)) throw error;
		}
		return keys;
	}

	async #startAsking(userIds: readonly UserId[]): Promise<Before> {
		const {storage, clock} = this.#dependencies;
		const position = storage.stream.head();
		for (const userId of userIds) this.#askedAt.set(userId, clock.monotonic());
		return {position, lists: await storage.keys.findRemoteDeviceLists(userIds)};
	}

	/** Lets others who want the same wait for the same answer. */
	#follow(userId: UserId, flight: Flight): Flight {
		const leave = (): void => {
			if (this.#flights.get(userId) === flight) this.#flights.delete(userId);
		};
		this.#flights.set(userId, flight);
		flight.then(leave, leave);
		return flight;
	}

	#keep(userId: UserId, answer: RemoteUserKeys, {position, lists}: Before): Promise<void> {
		const {storage} = this.#dependencies;
		return this.turns.run(userId, async () => {
			const batch = storage.batch();
			const before = lists.get(userId);
			const now = (await storage.keys.findRemoteDeviceLists([userId])).get(userId);
			await replaceRemoteKeys(storage, batch, userId, answer);
			// An update that came while the list was on its way may not be in it.
			const isOvertaken = now?.streamId !== before?.streamId && (answer.streamId ?? -1) < (now?.streamId ?? -1);
			if (isOvertaken) batch.announce({kind: 'device_list', subject: userId});
			const streamId = (isOvertaken ? undefined : answer.streamId) ?? now?.streamId ?? -1;
			storage.keys.setRemoteDeviceList(batch, {userId, streamId, isStale: isOvertaken, fetchedPos: position});
			await storage.commit(batch);
		});
	}
}

/** Adds to a batch that these are all the keys of a remote user. Signatures on an identity that is gone go with it. */
async function replaceRemoteKeys(
	{keys}: Storage,
	batch: Batch,
	userId: UserId,
	{devices, crossSigning}: Pick<RemoteUserKeys, 'devices' | 'crossSigning'>,
): Promise<void> {
	const stored = await keys.listCrossSigningKeys([userId]);
	if (findMasterId(stored) !== findMasterId(crossSigning)) keys.removeCrossSigningKeys(batch, userId);
	keys.removeDeviceKeys(batch, userId);
	for (const row of devices) keys.setDeviceKeys(batch, row);
	for (const row of crossSigning) keys.setCrossSigningKey(batch, row);
}

/** Finds the public key of a user's master key. */
export function findMasterId(rows: readonly CrossSigningKeyRow[]): string | undefined {
	const master = rows.find(({usage}) => usage === 'master');
	return master && idOfCrossSigningKey(master.json);
}

type Flight = Promise<RemoteUserKeys | undefined>;

interface Before {
	readonly position: Position;
	readonly lists: ReadonlyMap<UserId, RemoteDeviceListRow>;
}

/** Works on items, so many at a time. */
export async function inParallel<T>(
	items: readonly T[],
	atOnce: number,
	work: (item: T) => Promise<void>,
): Promise<void> {
	const entries = items.values();
	const worker = async (): Promise<void> => {
		// All workers draw from one iterator, so each item is taken once.
		for (const item of entries) await work(item);
	};
	await Promise.all(Array.from({length: Math.min(atOnce, items.length)}, worker));
}
