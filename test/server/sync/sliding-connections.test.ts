/** What a connection costs the database, and what it does when the database does not take it. */
import test from 'ava';
import type {DeviceId, RoomId, UserId} from '../../../crypto/index.ts';
import {systemClock, systemRandom} from '../../../federation/engine/index.ts';
import {createAccountData} from '../../../server/account-data/index.ts';
import {createEphemeral} from '../../../server/ephemeral/index.ts';
import {createEvents} from '../../../server/events/index.ts';
import {createPushRules} from '../../../server/push/index.ts';
import {createSync, type SlidingSyncRequest, type Sync, SyncError} from '../../../server/sync/index.ts';
import {type Storage, StorageError} from '../../../storage/index.ts';
import {makeEngine, type TestEngine} from '../../harness/engine.ts';
import {allState} from './sliding-client.ts';
import {withoutKeys} from './sync-world.ts';

const userId = '@bob:one.test' as UserId;

interface Answer {
	readonly pos: string;
	readonly rooms: Readonly<Record<string, unknown>>;
}

/** A server whose database can be made to refuse snapshots, and a user with many invites. */
class Place {
	readonly storage: Storage;
	readonly #made: TestEngine;
	#sync: Sync | undefined;
	isFull = false;
	commits = 0;

	constructor(made: TestEngine) {
		this.#made = made;
		const commit: Storage['commit'] = async (batch) => {
			this.commits += 1;
			if (this.isFull) throw new StorageError('unavailable', 'the disk is full');
			await made.storage.commit(batch);
		};
		this.storage = {...made.storage, commit};
	}

	async invite(count: number): Promise<void> {
		const {storage} = this.#made;
		const batch = storage.batch();
		for (let index = 0; index < count; index += 1) {
			const roomId = `!room${index}:other.test` as RoomId;
			storage.memberships.set(batch, {
				roomId,
				userId,
				membership: 'invite',
				eventNid: null,
				sender: '@alice:other.test' as UserId,
				isLocal: true,
				strippedState: [],
				pos: batch.announce({kind: 'membership', roomId, subject: userId}),
			});
		}
		await storage.commit(batch);
	}

	/** Asks as a process that has just started. */
	restart(): void {
		this.#sync?.close();
		const {engine} = this.#made;
		const {storage} = this;
		const clock = systemClock;
		const accountData = createAccountData({storage});
		this.#sync = createSync({
			storage,
			engine,
			clock,
			events: createEvents({storage, engine, clock}),
			pushRules: createPushRules({storage, accountData}),
			encryption: withoutKeys,
			random: (count) => systemRandom.bytes(count),
			ephemeral: createEphemeral({
				storage,
				clock,
				random: systemRandom,
				serverName: this.#made.serverName,
				hasPresence: false,
				tellRoom: () => undefined,
			}),
		});
	}

	async slide(pos: string | undefined, last: number, connId = 'list'): Promise<Answer> {
		const request: SlidingSyncRequest = {
			userId,
			deviceId: 'DEVICE' as DeviceId,
			connId,
			pos,
			timeoutMs: 0,
			presence: 'offline',
			lists: new Map([['all', {timelineLimit: 1, requiredState: allState, ranges: [[0, last]], filters: {}}]]),
			subscriptions: new Map(),
			extensions: {
				toDevice: undefined,
				e2ee: false,
				accountData: undefined,
				receipts: undefined,
				typing: undefined,
			},
			signal: new AbortController().signal,
		};
		return JSON.parse(await this.#sync!.slidingSync(request)) as Answer;
	}

	close(): void {
		this.#sync?.close();
	}
}

const countOf = ({rooms}: Answer): number => Object.keys(rooms).length;

async function makePlace(rooms: number): Promise<Place & AsyncDisposable> {
	const made = await makeEngine();
	const place = new Place(made);
	await place.invite(rooms);
	place.restart();
	return Object.assign(place, {
		async [Symbol.asyncDispose]() {
			place.close();
			await made[Symbol.asyncDispose]();
		},
	});
}

test('an answer writes nothing as long as its position tells what was told, and one row when it is too much', async (t) => {
	await using place = await makePlace(60);
	const page = await place.slide(undefined, 19);
	t.is(countOf(page), 20);
	const more = await place.slide(page.pos, 39);
	t.is(countOf(more), 20);
	t.true(more.pos.length < 700, `a position of ${more.pos.length} characters`);
	t.is(place.commits, 0);
	const rest = await place.slide(more.pos, 99);
	t.is(countOf(rest), 20);
	t.is(place.commits, 1);
	t.true(rest.pos.length < 150, `a position of ${rest.pos.length} characters`);
	t.is(countOf(await place.slide(rest.pos, 99)), 0);
	t.is(place.commits, 1);
	place.restart();
	for (const [{pos}, expected] of [
		[page, 40],
		[more, 20],
		[rest, 0],
	] as const) {
		t.is(countOf(await place.slide(pos, 99)), expected);
	}
});

test('a full disk does not end reading: what a position cannot tell is told again after a restart', async (t) => {
	await using place = await makePlace(60);
	place.isFull = true;
	const all = await place.slide(undefined, 99);
	t.is(countOf(all), 60);
	t.true(all.pos.length < 800, `a position of ${all.pos.length} characters`);
	t.is(countOf(await place.slide(all.pos, 99)), 0, 'this process knows');
	place.restart();
	const again = await place.slide(all.pos, 99);
	t.is(countOf(again), 12);
	place.isFull = false;
	place.restart();
	const kept = await place.slide(all.pos, 99);
	place.restart();
	t.is(countOf(await place.slide(kept.pos, 99)), 0);
});

test('a connection whose snapshot had to make room for others begins anew', async (t) => {
	await using place = await makePlace(50);
	const first = await place.slide(undefined, 99, 'first');
	for (let index = 0; index < 16; index += 1) await place.slide(undefined, 99, `other ${index}`);
	place.restart();
	const error = await t.throwsAsync(place.slide(first.pos, 99, 'first'), {instanceOf: SyncError});
	t.is(error?.code, 'unknown-position');
	t.is(countOf(await place.slide(undefined, 99, 'first')), 50);
});

test('a connection that was away for so long that what changed since is swept begins anew', async (t) => {
	await using place = await makePlace(3);
	const {pos} = await place.slide(undefined, 99);
	await place.invite(1);
	const {stream} = place.storage;
	const raise = place.storage.batch();
	stream.setFloor(raise, stream.head());
	await place.storage.commit(raise);
	const error = await t.throwsAsync(place.slide(pos, 99), {instanceOf: SyncError});
	t.is(error?.code, 'unknown-position');
	const anew = await place.slide(undefined, 99);
	t.is(countOf(await place.slide(anew.pos, 99)), 0);
});
