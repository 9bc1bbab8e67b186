/** How much other servers may ask and learn. */
import test from 'ava';
import type {UserId} from '../../../../crypto/index.ts';
import {call, createTestDevice, path, register, type SignedPeer, startNeighbours} from '../../../harness/index.ts';
import {foreignRoom, memberOf, sendInvite} from './foreign-rooms.ts';
import {startHost} from './world.ts';

const LIMITED = [429, 'M_LIMIT_EXCEEDED'];
const addressOf = ({name}: SignedPeer): string => name.split(':')[0]!;

const federation = '/_matrix/federation/v1';

const invite = (peer: SignedPeer, userId: string) => {
	const room = foreignRoom(peer);
	return sendInvite(peer, room, memberOf(peer, room, userId));
};

test('rows 18 and 38: a server invites so many strangers in a day, real or not, and learns the keys of no more', async (t) => {
	const {app, alice, peers} = await startHost(t, 2, () => ({fact_budget_per_day: 2}));
	const [peer, other] = peers as [SignedPeer, SignedPeer];
	const carol = await register(app, 'carol');
	for (const session of [alice, carol]) {
		const {deviceKeys} = createTestDevice(session);
		const {access_token: token} = session;
		await call(app, 'POST', '/_matrix/client/v3/keys/upload', {token, body: {device_keys: deviceKeys}});
	}
	const keysOf = async (asker: SignedPeer, userId: string) => {
		const body = {device_keys: {[userId]: []}};
		const answer = await asker.request('POST', `${federation}/user/keys/query`, {body});
		return Object.keys((answer.body['device_keys'] as Record<string, object>)[userId] ?? {}).length;
	};
	t.deepEqual(
		[(await invite(peer, alice.user_id)).status, (await invite(peer, '@nobody:news.example')).status],
		[200, 200],
	);
	const refused = [await invite(peer, carol.user_id), await invite(peer, '@no-one:news.example')];
	for (const {status, body} of refused) t.deepEqual([status, body['errcode']], [429, 'M_LIMIT_EXCEEDED']);
	t.true(refused.every(({headers}) => Number(headers.get('retry-after')) > 0));
	t.is((await invite(peer, alice.user_id)).status, 200, 'once more the same');
	t.deepEqual(await Promise.all([alice.user_id, carol.user_id].map((userId) => keysOf(peer, userId))), [1, 0]);
	t.is((await invite(other, carol.user_id)).status, 200, 'a server on another host has its own');
	t.is(await keysOf(other, carol.user_id), 1);
	// What is asked without any right is counted for administrators.
	t.is((await peer.request('GET', `${federation}/query/profile?user_id=${path(carol.user_id)}`)).status, 403);
	const {askers} = await app.application.services.facts.listAskers({daysAgo: 0, limit: 10});
	t.deepEqual(
		askers.map(({kind, name, learnt, refused: count}) => [kind, name, learnt, count]),
		[
			['server', addressOf(peer), 2, 2],
			['server', addressOf(other), 1, 0],
		],
	);
	t.true(askers[0]!.probes > 0);
});

test('row 39: a server learns of so many aliases in a day where it is told of any, and a partner of all', async (t) => {
	const {app, alice, peer} = await startHost(t, 1, () => ({fact_budget_per_day: 1}));
	const create = (name: string) =>
		call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
			token: alice.access_token,
			body: {room_alias_name: name, preset: 'public_chat'},
		});
	// Who shares a room with an alias's maker may learn of it.
	const {room_id: shared} = await create('shared');
	await peer.join(shared, peer.userId('bob'));
	const {storage} = app.application;
	const batch = storage.batch();
	for (const alias of ['#a:news.example', '#b:news.example'] as const) {
		const roomId = (await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {
			token: alice.access_token,
			body: {},
		})) as {room_id: never};
		const creator = alice.user_id as UserId;
		storage.aliases.add(batch, {alias: alias as never, roomId: roomId.room_id, creator, servers: []});
	}
	await storage.commit(batch);
	const look = async (name: string) =>
		(await peer.request('GET', `${federation}/query/directory?room_alias=${path(`#${name}:news.example`)}`)).status;
	t.is(await look('a'), 200);
	t.deepEqual([await look('b'), await look('none')], [404, 404]);
	t.deepEqual([await look('a'), await look('shared')], [200, 200], 'what was learnt, and what its own people are in');
});

test('questions of one server about people are counted together, its events are not, and other servers are not', async (t) => {
	const limits = {
		rate_limits: {
			'federation-query': {per_second: 0.001, burst: 2},
			'federation-keys': {per_second: 0.001, burst: 2},
		},
	};
	const {alice, peers} = await startHost(t, 2, () => limits);
	const [peer, other] = peers as [SignedPeer, SignedPeer];
	const ofProfile = (asker: SignedPeer, userId: string) =>
		asker.request('GET', `${federation}/query/profile?user_id=${path(userId)}`);
	const ofDevices = (asker: SignedPeer, userId: string) =>
		asker.request('GET', `${federation}/user/devices/${path(userId)}`);
	for (const ask of [ofProfile, ofDevices]) {
		t.is((await ask(peer, alice.user_id)).status, 403);
		t.is((await ask(peer, '@nobody:news.example')).status, 403);
		const faces = [await ask(peer, alice.user_id), await ask(peer, '@no-one:news.example')];
		for (const {status, body} of faces) t.deepEqual([status, body['errcode']], [429, 'M_LIMIT_EXCEEDED']);
		t.is((await ask(other, alice.user_id)).status, 403);
	}
	t.is((await peer.send('t1', [])).status, 200);
});

test('servers on one host learn and ask together, whatever their ports', async (t) => {
	const neighbours = await startNeighbours(t, 1, () => ({
		fact_budget_per_day: 2,
		rate_limits: {'federation-query': {per_second: 0.001, burst: 2}},
	}));
	const {app} = neighbours;
	const peer = neighbours.peers[0]!;
	const others = [await neighbours.addPeer(addressOf(peer)), await neighbours.addPeer(addressOf(peer))];
	t.is(new Set([peer, ...others].map(({name}) => name)).size, 3);
	const alice = await register(app, 'alice');
	t.is((await invite(peer, '@nobody:news.example')).status, 200);
	t.is((await invite(others[0]!, '@no-one:news.example')).status, 200);
	for (const userId of [alice.user_id, '@nil:news.example']) {
		for (const asker of [peer, ...others]) {
			const {status, body} = await invite(asker, userId);
			t.deepEqual([status, body['errcode']], LIMITED);
		}
	}
	const profile = (asker: SignedPeer) =>
		asker.request('GET', `${federation}/query/profile?user_id=${path('@nobody:news.example')}`);
	const statuses = [await profile(peer), await profile(others[0]!), await profile(others[1]!)];
	t.deepEqual(
		statuses.map(({status}) => status),
		[403, 403, 429],
	);
	const {askers} = await app.application.services.facts.listAskers({daysAgo: 0, limit: 10});
	t.deepEqual(
		askers.map(({name, learnt}) => [name, learnt]),
		[[addressOf(peer), 2]],
	);
});

test('all servers that share no room with anybody here learn so much in a day together, and keep nobody else out', async (t) => {
	const host = await startHost(t, 4, () => ({
		fact_budget_per_day: 2,
		strangers_fact_budget_per_day: 3,
	}));
	const {app, alice} = host;
	const [first, second, third, known] = host.peers as [SignedPeer, SignedPeer, SignedPeer, SignedPeer];
	const carol = await register(app, 'carol');
	await known.join(await host.createRoom(), known.userId('bob'));
	t.is((await invite(first, alice.user_id)).status, 200);
	t.is((await invite(first, '@nobody:news.example')).status, 200);
	t.is((await invite(second, '@no-one:news.example')).status, 200);
	// Nothing is left for servers that nobody has heard of, whether they ask for the first time or not.
	const refused = await Promise.all(
		[second, third].flatMap((peer) => ['@nil:news.example', carol.user_id].map((userId) => invite(peer, userId))),
	);
	for (const {status, body} of refused) t.deepEqual([status, body['errcode']], LIMITED);
	t.is((await invite(second, '@no-one:news.example')).status, 200, 'what was learnt today');
	// Whom people here have a room with is bounded by their own budget alone.
	t.is((await invite(known, carol.user_id)).status, 200);
	t.is((await invite(known, '@nil:news.example')).status, 200);
	t.deepEqual(LIMITED, await invite(known, '@never:news.example').then(({status, body}) => [status, body['errcode']]));
	// The sum is nobody's, and in no list of who asked.
	const {askers} = await app.application.services.facts.listAskers({daysAgo: 0, limit: 10});
	t.deepEqual(
		Object.fromEntries(askers.map(({name, learnt}) => [name, learnt])),
		Object.fromEntries([first, second, third, known].map((peer, index) => [addressOf(peer), [2, 1, 0, 2][index]])),
	);
});

test('a partner is no stranger, whoever has used up what strangers learn', async (t) => {
	const {alice, peer} = await startHost(t, 1, ([name]) => ({
		fact_budget_per_day: 2,
		strangers_fact_budget_per_day: 1,
		federation: {mode: 'partners', partners: [name]},
	}));
	t.is((await invite(peer, alice.user_id)).status, 200);
	t.is((await invite(peer, '@nobody:news.example')).status, 200);
});
