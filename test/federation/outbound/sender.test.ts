import test from 'ava';
import type {JsonObject, ServerName, UserId} from '../../../crypto/index.ts';
import {OutboundError, RemoteError} from '../../../federation/outbound/index.ts';
import {StorageError} from '../../../storage/index.ts';
import {until} from '../../harness/client.ts';
import {room, SenderWorld, them, us} from './sender-world.ts';

const third = 'third.example' as ServerName;
const down = () => Promise.reject(new OutboundError('unreachable', 'down'));
const refuse = (status: number) => () =>
	Promise.reject(new RemoteError({status, errcode: undefined, retryAfterMs: undefined, roomVersion: undefined}));
const numbers = (from: number, to: number): string[] =>
	Array.from({length: to - from + 1}, (_, index) => `${from + index}`);

test('events go to the servers of their room, in order, 50 at a time', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, us, true);
	await world.sendEvents(1);
	await world.settle();
	await world.sendEvents(120);
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 121));
	t.deepEqual(
		world.sent.map(({pdus}) => pdus.length),
		[1, 50, 50, 20],
	);
	t.is(new Set(world.sent.map(({txnId}) => txnId)).size, 4);
	t.like(JSON.parse(world.sent[0]?.raw ?? ''), {origin: us, origin_server_ts: world.clock.now(), edus: []});
	t.deepEqual(world.bodies(us), []);
});

test('a server is told what happened while it was in the room, its own end in it included', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.sendEvents(2);
	await world.setServer(room, them, true);
	await world.sendEvents(2);
	await world.sendEvents(1, {outs: them});
	await world.sendEvents(2);
	await world.settle();
	t.deepEqual(world.bodies(), ['3', '4', '5']);
	await world.setServer(room, them, true);
	await world.sendEvents(1);
	await world.settle();
	t.deepEqual(world.bodies(), ['3', '4', '5', '8']);
});

test('a server outside a room is told of the event that ends what its user waited for there, and of no other', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	const about = '@bob:them.example' as UserId;
	await world.setServer(room, third, true);
	await world.sendEvents(1, {about});
	await world.sendEvents(1, {about, extra: {ends_of: them}});
	await world.sendEvents(1, {about});
	await world.settle();
	t.deepEqual([world.bodies(them), world.bodies(third)], [['2'], numbers(1, 3)]);
	world.answer = ({server}) => (server === them ? down() : Promise.resolve({}));
	await world.sendEvents(1, {about, extra: {ends_of: them}});
	await world.settle();
	world.answer = () => Promise.resolve({});
	await world.restart({crash: true});
	await world.pass(60_000);
	t.deepEqual([...new Set(world.bodies(them))], ['2', '4'], 'also after it was away');
});

test('a server is told of what is done to its people: a kick is about them and not by them', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.sendEvents(1, {about: '@bob:them.example' as UserId, outs: them});
	await world.settle();
	t.deepEqual(world.bodies(them), ['1']);
});

test("neither a server's own events nor those that are not ours to relay are sent to it", async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, third, true);
	await world.sendEvents(1, {sender: '@bob:them.example' as UserId});
	await world.sendEvents(1, {sender: '@bob:them.example' as UserId, relay: false});
	await world.settle();
	t.deepEqual(world.bodies(them), []);
	t.deepEqual(world.bodies(third), ['1']);
	t.is(
		await world.storage.cursors.find('federation:them.example'),
		undefined,
		'nothing is written for who is owed nothing',
	);
});

test('a server outside the partners is sent nothing', async (t) => {
	const world = await SenderWorld.open(t);
	world.isAllowed = (server) => server !== them;
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, third, true);
	await world.sendEvents(1);
	await world.settle();
	t.deepEqual(
		world.sent.map(({server}) => server),
		[third],
	);
});

test('what was not taken is sent again byte for byte, across a crash, before anything else', async (t) => {
	const world = await SenderWorld.open(t);
	world.answer = down;
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.sendEvents(2);
	await world.settle();
	await world.sendEvents(3);
	await world.restart({crash: true});
	await world.pass(60_000);
	t.true(world.sent.length >= 4, `${world.sent.length}`);
	t.deepEqual(new Set(world.sent.map(({txnId, raw}) => txnId + raw)).size, 1);
	world.answer = () => Promise.resolve({});
	world.sent.length = 0;
	await world.pass(60_000);
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 5));
	t.deepEqual(world.sender.figures(), {active: 0, failing: 0, waiting: 0, isIdle: true});
	t.deepEqual(
		world.notices.map(({kind}) => kind),
		['failing', 'recovered'],
	);
});

test('what was committed before a crash and not yet sent is found again, for new servers too', async (t) => {
	const world = await SenderWorld.open(t);
	await world.setServer(room, them, true);
	await world.sendEvents(3);
	await world.sender.start();
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 3));
	await world.pass(1000);
	await world.restart({crash: true});
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 3), 'what was taken a second ago is not sent again');
	await world.restart();
	await world.sender.stop();
	await world.setServer(room, third, true);
	await world.sendEvents(2);
	await world.restart();
	await world.settle();
	t.deepEqual(world.bodies(), numbers(1, 5));
	t.deepEqual(world.bodies(third), numbers(4, 5));
});

test('however often and wherever it crashes, everything arrives, the first time in order, and an id has one body', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const taken = new Map<string, string>();
	const take = ({txnId, raw}: {txnId: string; raw: string}): void => {
		t.is(taken.get(txnId) ?? raw, raw);
		taken.set(txnId, raw);
	};
	for (let turn = 0; turn < 8; turn++) {
		let deliveries = 0;
		world.answer = async (transaction) => {
			if (++deliveries > turn) return down();
			take(transaction);
			return {};
		};
		await world.sendEvents(60);
		await until(() => deliveries > turn || world.sender.figures().active === 0, 'an attempt');
		await world.restart({crash: true});
		world.clock.advance(7 * 3_600_000);
	}
	world.answer = async (transaction) => {
		take(transaction);
		return {};
	};
	world.sender.noteContact(them);
	await world.pass(60_000);
	await world.settle();
	const received = [...taken.values()].flatMap((raw) =>
		(JSON.parse(raw).pdus as JsonObject[]).map(({content}) => (content as JsonObject)['body']),
	);
	t.deepEqual([...new Set(received)], numbers(1, 480));
});

test('a server that is down is asked less and less often, and at once when it shows itself', async (t) => {
	const world = await SenderWorld.open(t);
	const attempts: number[] = [];
	world.answer = () => {
		attempts.push(world.clock.now());
		return down();
	};
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.sendEvents(1);
	await world.settle();
	await world.pass(12 * 3_600_000);
	t.true(attempts.length > 10 && attempts.length < 20, `${attempts.length} attempts in 12 hours`);
	await world.pass(30 * 86_400_000);
	const gaps = attempts.slice(1).map((at, index) => at - (attempts[index] ?? 0));
	t.true(Math.max(...gaps) <= 48 * 3_600_000 * 1.2);
	const before = attempts.length;
	world.sender.noteContact(them);
	world.sender.noteContact(them);
	await until(() => attempts.length === before + 1, 'one attempt');
	await world.settle();
	for (let contact = 0; contact < 20; contact++) world.sender.noteContact(them);
	await world.pass(1000);
	t.is(attempts.length, before + 1, 'a server that talks but does not listen is not hammered');
	world.answer = () => Promise.resolve({});
	world.clock.advance(61_000);
	world.sender.noteContact(them);
	await until(() => world.sender.figures().active === 0, 'it is delivered');
	t.deepEqual(new Set(world.bodies()), new Set(['1']));
});

test('a server that does not answer keeps no other waiting', async (t) => {
	const world = await SenderWorld.open(t);
	world.answer = ({server}) => (server === them ? new Promise(() => undefined) : Promise.resolve({}));
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.setServer(room, third, true);
	await world.sendEvents(1);
	await world.sendEvents(1);
	await until(() => world.bodies(third).length === 2, 'the other server has both');
	await until(() => world.sender.figures().active === 1, 'only the silent one is left');
	t.is(world.bodies(them).length, 1);
});

test('an event that a peer refuses again and again is found out and left out, and the rest arrives', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const taken: string[] = [];
	world.answer = ({pdus}) => {
		const bodies = pdus.map(({content}) => (content as JsonObject)['body'] as string);
		if (bodies.includes('37')) return refuse(400)();
		taken.push(...bodies);
		return Promise.resolve({});
	};
	await world.sendEvents(60);
	await world.settle();
	for (let turn = 0; turn < 40 && world.sender.figures().active > 0; turn++) {
		await world.settle();
		await world.pass(10_000);
	}
	await world.settle();
	t.deepEqual(
		taken,
		numbers(1, 60).filter((body) => body !== '37'),
	);
	t.is(world.notices.filter(({kind}) => kind === 'item_dropped').length, 1);
});

test('errors that say nothing about the body never drop anything', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const statuses = [401, 403, 404, 429, 500, 502];
	world.answer = () => refuse(statuses[world.sent.length % statuses.length] as number)();
	await world.sendEvents(1);
	await world.settle();
	await world.pass(60_000);
	world.answer = () => Promise.resolve({pdus: {$a: {error: 'no'}, $b: {}}});
	await world.pass(60_000);
	await world.settle();
	t.is(new Set(world.sent.map(({txnId}) => txnId)).size, 1);
	t.is(world.sender.figures().active, 0);
	t.like(world.notices.at(-2), {kind: 'events_refused', count: 1});
});

test('a database that fails for a while costs time and nothing else', async (t) => {
	const world = await SenderWorld.open(t);
	await world.sender.start();
	await world.setServer(room, them, true);
	const {storage} = world;
	const commit = storage.commit.bind(storage);
	const listSpans = storage.memberships.listServerSpansOfRoom.bind(storage.memberships);
	const broken = () => Promise.reject(new StorageError('unavailable', 'full'));
	await world.sendEvents(1);
	await world.settle();
	storage.memberships.listServerSpansOfRoom = broken;
	await world.sendEvents(2);
	await until(() => world.notices.length > 0, 'a notice');
	storage.memberships.listServerSpansOfRoom = listSpans;
	storage.commit = broken;
	world.clock.advance(5000);
	await until(() => world.notices.length > 1, 'another notice');
	storage.commit = commit;
	await world.pass(10_000);
	t.deepEqual(world.bodies(), numbers(1, 3));
	t.deepEqual(new Set(world.notices.map(({kind}) => kind)), new Set(['store_failed']));
});

test('a row that is on disk although its write seemed to fail is removed when the body is taken', async (t) => {
	const world = await SenderWorld.open(t);
	let answer: (() => void) | undefined;
	world.answer = () => new Promise((resolve) => (answer = () => resolve({})));
	await world.sender.start();
	await world.setServer(room, them, true);
	await world.sendEvents(1);
	await until(() => world.sent.length === 1, 'it is on its way');
	const {storage} = world;
	const commit = storage.commit.bind(storage);
	storage.commit = async (batch) => {
		await commit(batch);
		throw new StorageError('outcome_unknown', 'the connection was lost');
	};
	world.clock.advance(5000);
	await until(() => world.notices.length === 1, 'the failed write');
	storage.commit = commit;
	t.not(await storage.cursors.find('federation:them.example'), undefined);
	answer?.();
	await world.settle();
	t.is(await storage.cursors.find('federation:them.example'), undefined);
	await world.pass(1000);
	world.answer = () => Promise.resolve({});
	await world.restart();
	await world.settle();
	t.is(world.sent.length, 1, 'nothing is told again');
});
