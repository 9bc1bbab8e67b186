/** Presence between servers: of one's own people, to who shares a room with them, where the configuration says so. */
import test from 'ava';
import type {JsonObject, JsonValue} from '../../../../crypto/index.ts';
import {call, path, register, request, type SignedPeer, until} from '../../../harness/index.ts';
import {startHost, startShared} from './world.ts';

const federated = () => ({presence: 'federated'});

interface Synced {
	readonly next_batch: string;
	readonly presence?: {readonly events: readonly {readonly sender: string; readonly content: JsonObject}[]};
}

let transactions = 0;
const tell = (peer: SignedPeer, ...push: JsonValue[]) =>
	peer.sendEdu(`presence${(transactions += 1)}`, 'm.presence', {push});

/** What a peer was told of people's presence, in order. */
const told = ({requests}: SignedPeer): JsonObject[] =>
	requests
		.filter(({url}) => url.includes('/send/'))
		.flatMap(
			({body}) => (JSON.parse(body.toString()) as {edus: {edu_type: string; content: {push: JsonObject[]}}[]}).edus,
		)
		.filter(({edu_type: type}) => type === 'm.presence')
		.flatMap(({content}) => content.push);

type Shared = Awaited<ReturnType<typeof startShared>>;
const presenceOf = ({app, alice}: Pick<Shared, 'app' | 'alice'>, userId: string) =>
	request(app, 'GET', `/_matrix/client/v3/presence/${path(userId)}/status`, {token: alice.access_token});
const setPresence = (
	{app}: Pick<Shared, 'app'>,
	{user_id: userId, access_token: token}: Shared['alice'],
	body: {presence: string; status_msg?: string},
) => call(app, 'PUT', `/_matrix/client/v3/presence/${path(userId)}/status`, {token, body});

test('what a server says of its own people is shown to those who share a room with them', async (t) => {
	const host = await startShared(t, {}, federated);
	const {app, alice, bob, peer} = host;
	const sync = (since: string) =>
		call<Synced>(app, 'GET', `/_matrix/client/v3/sync?since=${since}`, {token: alice.access_token});
	const {next_batch: since} = await call<Synced>(app, 'GET', '/_matrix/client/v3/sync', {token: alice.access_token});
	t.is(
		(await tell(peer, {user_id: bob, presence: 'online', last_active_ago: 120_000, status_msg: 'on the way'})).status,
		200,
	);
	const {presence} = await sync(since);
	t.deepEqual(
		presence?.events.map(({sender}) => sender),
		[bob],
	);
	t.like(presence?.events[0]?.content, {presence: 'online', status_msg: 'on the way', currently_active: false});
	app.advance(25 * 60_000);
	t.like((await presenceOf(host, bob)).body, {presence: 'online'});
	app.advance(6 * 60_000);
	t.like((await presenceOf(host, bob)).body, {presence: 'offline'}, 'silence is absence after half an hour');
});

test('D4: presence is believed of a server’s own people, whom somebody here shares a room with, and in its form alone', async (t) => {
	const host = await startShared(t, {}, federated);
	const {app, alice, bob, peer} = host;
	const online = (userId: JsonValue, over: JsonObject = {}): JsonObject => ({
		user_id: userId,
		presence: 'online',
		last_active_ago: 1,
		...over,
	});
	for (const push of [
		[online(alice.user_id)],
		[online('@carol:third.example')],
		[online('bob'), online(5), online(null), null, 'bob', []],
		[online(bob, {presence: 'busy'}), online(bob, {presence: 1}), {user_id: bob}],
		// More than one EDU holds are not looked at.
		[...Array.from({length: 100}, () => online('@carol:third.example')), online(bob)],
	]) {
		t.is((await tell(peer, ...push)).status, 200);
	}
	t.is((await peer.sendEdu('presence-none', 'm.presence', {push: 'bob'})).status, 200);
	t.is((await peer.sendEdu('presence-void', 'm.presence', {})).status, 200);
	t.like((await presenceOf(host, bob)).body, {presence: 'offline'});
	t.like((await presenceOf(host, alice.user_id)).body, {presence: 'offline'});
	const {presence} = app.application.services.ephemeral;
	await tell(peer, online(peer.userId('stranger')));
	t.is(presence.find(peer.userId('stranger')), undefined, 'nothing is kept of whom nobody here has met');
	const huge = {status_msg: 'x'.repeat(60_000), last_active_ago: -1e9};
	await tell(peer, online(bob, huge));
	const {body} = await presenceOf(host, bob);
	t.deepEqual(body, {presence: 'online', last_active_ago: body['last_active_ago']!, currently_active: true});
	t.true((body['last_active_ago'] as number) >= 0);
});

test('servers that share a room with somebody are told of their presence, others are not; changes at one time are told once', async (t) => {
	const host = await startHost(t, 2, federated);
	const {app, alice, peers} = host;
	const [near, far] = peers as [SignedPeer, SignedPeer];
	const dave = await register(app, 'dave');
	const roomId = await host.createRoom();
	await near.join(roomId, near.userId('bob'));
	await setPresence(host, dave, {presence: 'online'});
	for (const status of ['a', 'b', 'c']) await setPresence(host, alice, {presence: 'online', status_msg: status});
	await until(() => told(near).length > 0, 'a word to the server in the room', 10_000);
	t.deepEqual(
		told(near).map(({user_id: userId, presence, status_msg: status}) => [userId, presence, status] as unknown[]),
		[[alice.user_id, 'online', 'c']],
	);
	await setPresence(host, alice, {presence: 'unavailable'});
	await until(() => told(near).length > 1, 'another word', 10_000);
	t.like(told(near)[1], {user_id: alice.user_id, presence: 'unavailable'});
	t.deepEqual(told(far), []);
	t.is(far.requests.filter(({url}) => url.includes('/send/')).length, 0);
});

for (const presence of ['local', 'off']) {
	test(`with presence: ${presence} no server is told of anybody, and none believed`, async (t) => {
		const host = await startShared(t, {}, () => ({presence}));
		const {alice, bob, peer} = host;
		await setPresence(host, alice, {presence: 'online'});
		await tell(peer, {user_id: bob, presence: 'online', last_active_ago: 1});
		t.like((await presenceOf(host, bob)).body, {presence: 'offline'});
		t.is(host.app.application.services.ephemeral.federatedPresence, undefined);
		t.deepEqual(told(peer), []);
	});
}
