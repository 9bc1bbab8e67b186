import {createHmac} from 'node:crypto';
import test from 'ava';
import {call, register, request, startApp} from '../../../harness/index.ts';

const TURN = '/_matrix/client/v3/voip/turnServer';
const TRANSPORTS = '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports';
const uris = ['turn:turn.news.example:3478?transport=udp', 'turns:turn.news.example'];

interface Credentials {
	readonly username: string;
	readonly password: string;
	readonly uris: readonly string[];
	readonly ttl: number;
}

test('credentials for the relay end when they say, and name nobody', async (t) => {
	const app = await startApp(t, {config: {turn: {uris, secret: 'shared', ttl_seconds: 600}}});
	const {access_token: token} = await register(app, 'alice');
	const beforeS = Math.floor(Date.now() / 1000);
	const [first, second] = [
		await call<Credentials>(app, 'GET', TURN, {token}),
		await call<Credentials>(app, 'GET', TURN, {token}),
	];
	t.deepEqual([first.uris, first.ttl], [uris, 600]);
	const endS = Number(first.username.split(':')[0]);
	t.true(endS >= beforeS + 600 && endS <= Math.floor(Date.now() / 1000) + 600);
	t.is(first.password, createHmac('sha1', 'shared').update(first.username).digest('base64'));
	t.not(first.username, second.username);
	t.false(first.username.includes('alice'));
});

test('a server without a relay says nothing of one', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	t.deepEqual(await call(app, 'GET', TURN, {token}), {});
	t.deepEqual(await call(app, 'GET', TRANSPORTS, {token}), {rtc_transports: []});
	const wellKnown = await call(app, 'GET', '/.well-known/matrix/client');
	t.true('m.homeserver' in wellKnown);
	t.false('org.matrix.msc4143.rtc_foci' in wellKnown);
});

test('relays are for people with an account', async (t) => {
	const app = await startApp(t, {config: {turn: {uris, secret: 'shared'}}});
	for (const path of [TURN, TRANSPORTS]) {
		const answer = await request(app, 'GET', path);
		t.deepEqual([answer.status, answer.body['errcode']], [401, 'M_MISSING_TOKEN']);
		t.is((await request(app, 'GET', path, {token: 'unknown'})).body['errcode'], 'M_UNKNOWN_TOKEN');
	}
});

test('one setting says at both places how clients enter calls of several people', async (t) => {
	const app = await startApp(t, {config: {rtc: {livekit_service_url: 'https://calls.news.example'}}});
	const {access_token: token} = await register(app, 'alice');
	const transports = [{type: 'livekit', livekit_service_url: 'https://calls.news.example'}];
	t.deepEqual(await call(app, 'GET', TRANSPORTS, {token}), {rtc_transports: transports});
	t.deepEqual((await call(app, 'GET', '/.well-known/matrix/client'))['org.matrix.msc4143.rtc_foci'], transports);
});
