/** A device that was away for so long that what changed since has been swept begins anew, and loses nothing by it. */
import test, {type ExecutionContext} from 'ava';
import type {ChangeKind, Position} from '../../../storage/index.ts';
import {type App, call, register, type Session, startApp} from '../../harness/index.ts';

const V3 = '/_matrix/client/v3';

interface SyncAnswer {
	readonly next_batch: string;
	readonly to_device?: {readonly events: readonly {readonly type: string}[]};
	readonly device_lists?: {readonly changed?: readonly string[]; readonly left?: readonly string[]};
	readonly account_data?: {readonly events: readonly {readonly type: string}[]};
	readonly rooms?: {
		readonly join?: Readonly<
			Record<
				string,
				{
					readonly state: {readonly events: readonly unknown[]};
					readonly timeline: {readonly limited?: boolean; readonly events: readonly unknown[]};
				}
			>
		>;
		readonly leave?: Readonly<Record<string, unknown>>;
	};
}

const swept: readonly ChangeKind[] = [
	'event',
	'account_data',
	'to_device',
	'device_list',
	'device_keys',
	'device',
	'receipt',
];

async function setUp(t: ExecutionContext) {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bob')];
	const ask = <T = Record<string, unknown>>(who: Session, method: string, path: string, body?: unknown): Promise<T> =>
		call<T>(app, method, V3 + path, {token: who.access_token, ...(body !== undefined && {body})});
	const makeRoom = async (): Promise<string> => {
		const {room_id: roomId} = await ask<{room_id: string}>(alice, 'POST', '/createRoom', {preset: 'public_chat'});
		await ask(bob, 'POST', `/rooms/${encodeURIComponent(roomId)}/join`, {});
		return roomId;
	};
	const sync = (since?: string, timeout = 0) =>
		ask<SyncAnswer>(alice, 'GET', `/sync?timeout=${timeout}${since === undefined ? '' : `&since=${since}`}`);
	return {app, alice, bob, ask, makeRoom, sync};
}

/** Raises the floor to the head and sweeps all below, as the background jobs do in a month. */
async function sweep({application: {storage}}: App, floor: Position): Promise<void> {
	const raising = storage.batch();
	storage.stream.setFloor(raising, floor);
	await storage.commit(raising);
	const sweeping = storage.batch();
	storage.stream.sweep(sweeping, {after: 0, upto: floor, kinds: swept});
	storage.accountData.sweepDeleted(sweeping, floor + 1);
	await storage.commit(sweeping);
}

test('a token older than the floor gets all that is, what was left, and everybody as changed', async (t) => {
	const {app, alice, bob, ask, makeRoom, sync} = await setUp(t);
	const [stays, leaves, leftBefore] = [await makeRoom(), await makeRoom(), await makeRoom()];
	await ask(alice, 'POST', `/rooms/${encodeURIComponent(leftBefore)}/leave`, {});
	const toAlice = (type: string, id: string) =>
		ask(bob, 'PUT', `/sendToDevice/${type}/${id}`, {messages: {[alice.user_id]: {'*': {}}}});
	await toAlice('org.example.first', '1');
	const first = await sync();
	t.deepEqual(
		first.to_device?.events.map(({type}) => type),
		['org.example.first'],
	);
	await ask(alice, 'POST', `/rooms/${encodeURIComponent(leaves)}/leave`, {});
	for (let count = 0; count < 25; count += 1) {
		await ask(bob, 'PUT', `/rooms/${encodeURIComponent(stays)}/send/m.room.message/${count}`, {body: `${count}`});
	}
	await ask(alice, 'PUT', `/user/${alice.user_id}/account_data/org.example.note`, {a: 1});
	await toAlice('org.example.second', '2');
	await sweep(app, app.application.storage.stream.head());

	const answer = await sync(first.next_batch, 30_000);
	const joined = answer.rooms?.join ?? {};
	t.deepEqual(Object.keys(joined), [stays]);
	t.true(joined[stays]!.timeline.limited);
	t.is(joined[stays]!.timeline.events.length, 10);
	t.true(joined[stays]!.state.events.length > 3);
	t.deepEqual(Object.keys(answer.rooms?.leave ?? {}), [leaves]);
	t.true(answer.account_data?.events.some(({type}) => type === 'org.example.note'));
	// What was acknowledged by the token is not told again.
	t.deepEqual(
		answer.to_device?.events.map(({type}) => type),
		['org.example.second'],
	);
	t.deepEqual(answer.device_lists?.changed?.toSorted(), [alice.user_id, bob.user_id]);

	const next = await sync(answer.next_batch);
	t.is(next.rooms, undefined);
	t.is(next.device_lists, undefined);
	await ask(bob, 'PUT', `/rooms/${encodeURIComponent(stays)}/send/m.room.message/last`, {body: 'last'});
	const last = await sync(next.next_batch, 30_000);
	t.deepEqual(last.rooms?.join?.[stays]?.state.events, []);
	t.is(last.rooms?.join?.[stays]?.timeline.events.length, 1);
});

test('a token at the floor is told what changed, no more', async (t) => {
	const {app, bob, ask, makeRoom, sync} = await setUp(t);
	const roomId = await makeRoom();
	const first = await sync();
	await sweep(app, app.application.storage.stream.head());
	t.is((await sync(first.next_batch)).rooms, undefined);
	await ask(bob, 'PUT', `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/1`, {body: 'x'});
	const answer = await sync(first.next_batch);
	t.is(answer.rooms?.join?.[roomId]?.timeline.events.length, 1);
	t.deepEqual(answer.rooms?.join?.[roomId]?.state.events, []);
});

test('who asks whose keys changed since before the floor is told of everybody', async (t) => {
	const {app, alice, bob, ask, makeRoom, sync} = await setUp(t);
	await makeRoom();
	const {next_batch: from} = await sync();
	const changes = async (to: string) => ask<{changed: string[]}>(alice, 'GET', `/keys/changes?from=${from}&to=${to}`);
	t.deepEqual((await changes(from)).changed, []);
	await ask(alice, 'PUT', `/user/${alice.user_id}/account_data/org.example.note`, {a: 1});
	await sweep(app, app.application.storage.stream.head());
	const {next_batch: to} = await sync();
	t.deepEqual((await changes(to)).changed.toSorted(), [alice.user_id, bob.user_id]);
});

test('a floor that was raised is still there when the server is started again', async (t) => {
	const {app, alice, makeRoom, sync} = await setUp(t);
	const roomId = await makeRoom();
	const first = await sync();
	await call(app, 'PUT', `${V3}/user/${alice.user_id}/account_data/org.example.note`, {
		token: alice.access_token,
		body: {a: 1},
	});
	await sweep(app, app.application.storage.stream.head());
	await app.application.stop();
	const again = await app.restart();
	const answer = await call<SyncAnswer>(again, 'GET', `${V3}/sync?since=${first.next_batch}`, {
		token: alice.access_token,
	});
	t.true(
		(answer.rooms?.join?.[roomId]?.state.events.length ?? 0) +
			(answer.rooms?.join?.[roomId]?.timeline.events.length ?? 0) >
			5,
	);
	t.true(answer.account_data?.events.some(({type}) => type === 'org.example.note'));
});
