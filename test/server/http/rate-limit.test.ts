import test from 'ava';
import {isServerName, type ServerName} from '../../../crypto/index.ts';
import {MatrixError} from '../../../server/http/index.ts';
import {hostOf, networkOf, siteOf, trustedProxies} from '../../../server/http/address.ts';
import {RateLimiter} from '../../../server/http/rate-limit.ts';
import {route, startTestServer} from './fixture.ts';

test('a bucket holds its burst, fills with time, and says when to come back', (t) => {
	let nowMs = 0;
	const limiter = new RateLimiter({login: {perSecond: 0.5, burst: 2}}, () => nowMs);
	limiter.spend('login', 'a');
	limiter.spend('login', 'a');
	const error = t.throws(() => limiter.spend('login', 'a'), {instanceOf: MatrixError});
	t.is(error?.errcode, 'M_LIMIT_EXCEEDED');
	t.is(error?.status, 429);
	t.is(error?.fields['retry_after_ms'], 2000);
	t.is(error?.headers['retry-after'], '2');
	t.notThrows(() => limiter.spend('login', 'b'));
	t.notThrows(() => limiter.spend('join', 'a'));
	nowMs = 1999;
	t.throws(() => limiter.spend('login', 'a'));
	nowMs = 2001;
	t.notThrows(() => limiter.spend('login', 'a'));
});

test('limits that are off limit nothing', (t) => {
	const limiter = new RateLimiter('off');
	for (let index = 0; index < 10_000; index++) {
		limiter.spend('login', 'a');
	}
	t.pass();
});

test('a clock that goes backwards gives and takes nothing', (t) => {
	let nowMs = 10_000;
	const limiter = new RateLimiter({login: {perSecond: 1, burst: 1}}, () => nowMs);
	limiter.spend('login', 'a');
	nowMs = 0;
	t.throws(() => limiter.spend('login', 'a'));
});

test('a 429 carries Retry-After and the wait in its body', async (t) => {
	const login = route({
		id: 'login',
		method: 'GET',
		path: '/login',
		auth: 'none',
		rateLimit: 'login',
		handle: () => ({}),
	});
	const server = await startTestServer(t, [login], {rateLimits: {login: {perSecond: 0.001, burst: 1}}});
	t.is((await server.send('GET', '/login')).status, 200);
	const answer = await server.send('GET', '/login');
	t.deepEqual([answer.status, answer.body['errcode']], [429, 'M_LIMIT_EXCEEDED']);
	t.true(Number(answer.headers['retry-after']) > 900);
	t.true(Number(answer.body['retry_after_ms']) > 900_000);
});

test('users are limited each for themselves, and guesses at tokens by address', async (t) => {
	const whoami = route({
		id: 'whoami',
		method: 'GET',
		path: '/whoami',
		auth: 'user',
		rateLimit: 'message',
		handle: () => ({}),
	});
	const rateLimits = {message: {perSecond: 0.001, burst: 1}, 'unknown-token': {perSecond: 0.001, burst: 2}};
	const server = await startTestServer(t, [whoami], {rateLimits});
	t.is((await server.send('GET', '/whoami', {token: 'alice'})).status, 200);
	t.is((await server.send('GET', '/whoami', {token: 'alice'})).status, 429);
	t.is((await server.send('GET', '/whoami', {token: 'admin'})).status, 200);
	t.is((await server.send('GET', '/whoami', {token: 'x'})).status, 401);
	t.is((await server.send('GET', '/whoami', {token: 'y'})).status, 401);
	t.is((await server.send('GET', '/whoami', {token: 'z'})).status, 429);
});

const address = route({
	id: 'address',
	method: 'GET',
	path: '/address',
	auth: 'none',
	handle: (request) => ({address: request.address}),
});

test('X-Forwarded-For is believed from trusted proxies only, and only its last stranger', async (t) => {
	const headers = {'x-forwarded-for': '1.2.3.4, 5.6.7.8, 10.0.0.1'};
	const wary = await startTestServer(t, [address]);
	t.is((await wary.send('GET', '/address', {headers})).body['address'], '127.0.0.1');
	const trusting = await startTestServer(t, [address], {options: {trustedProxies: ['127.0.0.0/8', '10.0.0.0/8']}});
	t.is((await trusting.send('GET', '/address', {headers})).body['address'], '5.6.7.8');
	const forged = {'x-forwarded-for': 'nonsense'};
	t.is((await trusting.send('GET', '/address', {headers: forged})).body['address'], '127.0.0.1');
	t.is((await trusting.send('GET', '/address')).body['address'], '127.0.0.1');
});

test('IPv6 addresses are limited by their /64', (t) => {
	t.is(networkOf('2001:db8:1:2:aaaa::1'), networkOf('2001:db8:1:2::2'));
	t.not(networkOf('2001:db8:1:2::1'), networkOf('2001:db8:1:3::1'));
	t.is(networkOf('::1'), '0:0:0:0');
	t.is(networkOf('fe80::1%eth0'), 'fe80:0:0:0');
	t.is(networkOf('192.0.2.1'), '192.0.2.1');
});

test('a range of proxies that is none is refused', (t) => {
	for (const range of ['nonsense', '10.0.0.0/33', '10.0.0.0/', '::/129', '']) {
		t.throws(() => trustedProxies([range]), {instanceOf: RangeError}, range);
	}
});

test('a host has one name, whatever the port, the way to write it, and the address in its /48', (t) => {
	const host = (name: string): string => hostOf(name as ServerName);
	for (const name of ['evil.example', 'evil.example:1', 'EVIL.example:65535', 'evil.example.', 'evil.example.:8448']) {
		t.is(host(name), 'evil.example', name);
	}
	t.is(host('192.0.2.1:8448'), '192.0.2.1');
	t.is(host('[2001:db8:1:2::1]:8448'), host('[2001:DB8:1:3::9]'));
	t.not(host('[2001:db8:1::1]'), host('[2001:db8:2::1]'));
	t.true(isServerName(host('[2001:db8:1::1]')));
	t.is(siteOf(networkOf('2001:db8:1:2::1')), siteOf(networkOf('2001:db8:1:3::1')));
	t.is(siteOf(networkOf('192.0.2.1')), '192.0.2.1');
});
