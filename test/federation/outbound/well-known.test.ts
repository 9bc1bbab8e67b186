import test from 'ava';
import {createAddressPolicy} from '../../../federation/outbound/addresses.ts';
import {createTrust, type Network} from '../../../federation/outbound/connect.ts';
import {OutboundError} from '../../../federation/outbound/errors.ts';
import {type FetchedAnswer, fetchPublic} from '../../../federation/outbound/fetch-public.ts';
import {WELL_KNOWN_LIMITS, WellKnown} from '../../../federation/outbound/well-known.ts';
import {type Peer, type PeerAnswer, type PeerRequest, startPeer} from '../../harness/peer.ts';
import {createTestAuthority} from '../../harness/tls.ts';
import {allocateAddress} from '../../harness/addresses.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const START = Date.UTC(2026, 0, 1);

function answer(server: string, headers: Record<string, string> = {}, status = 200): FetchedAnswer {
	return {status, headers, body: Buffer.from(JSON.stringify({'m.server': server}))};
}

/** A cache with a clock and answers that the test sets. */
function createCache() {
	const world = {now: START, fetches: 0, next: answer('m.example') as FetchedAnswer | Error};
	const cache = new WellKnown({
		now: () => world.now,
		fetch: () => {
			world.fetches++;
			return world.next instanceof Error ? Promise.reject(world.next) : Promise.resolve(world.next);
		},
	});
	return {world, find: async () => (await cache.findDelegate('hs.example'))?.host};
}

/** Milliseconds until the cache asks again, to the minute. */
async function measureTtl({world, find}: ReturnType<typeof createCache>): Promise<number> {
	await find();
	const start = world.now;
	const {fetches} = world;
	while (world.fetches === fetches && world.now - start < 100 * HOUR_MS) {
		world.now += MINUTE_MS;
		await find();
	}
	return world.now - start;
}

function ttl(headers: Record<string, string>): Promise<number> {
	const cache = createCache();
	cache.world.next = answer('m.example', headers);
	return measureTtl(cache);
}

test('a valid answer is kept as its headers say, a day without them, never over two days', async (t) => {
	t.is(await ttl({}), 24 * HOUR_MS);
	t.is(await ttl({'cache-control': 'public, max-age=7200'}), 2 * HOUR_MS);
	t.is(await ttl({'cache-control': 'Max-Age="7200"'}), 2 * HOUR_MS);
	t.is(await ttl({'cache-control': 'max-age=999999999'}), 48 * HOUR_MS);
	t.is(await ttl({'cache-control': 'no-store'}), 5 * MINUTE_MS);
	t.is(await ttl({'cache-control': 'max-age=0'}), 5 * MINUTE_MS);
	t.is(await ttl({'cache-control': 'private'}), 24 * HOUR_MS);
	t.is(await ttl({expires: new Date(START + 3 * HOUR_MS).toUTCString()}), 3 * HOUR_MS);
	t.is(await ttl({expires: '0', 'cache-control': 'max-age=7200'}), 2 * HOUR_MS);
	t.is(await ttl({expires: '0'}), 5 * MINUTE_MS);
});

test('D1: failures are kept twice as long each time, up to an hour', async (t) => {
	const cache = createCache();
	cache.world.next = new OutboundError('unreachable', 'down');
	const ttls = [];
	for (let turn = 0; turn < 7; turn++) ttls.push((await measureTtl(cache)) / MINUTE_MS);
	t.deepEqual(ttls, [2, 4, 8, 16, 32, 60, 60]);
	cache.world.next = answer('m.example');
	cache.world.now += HOUR_MS;
	t.is(await cache.find(), 'm.example');
});

test('a host that is down for a while keeps its last delegate, one that withdrew it does not', async (t) => {
	const cache = createCache();
	t.is(await cache.find(), 'm.example');
	cache.world.now += 25 * HOUR_MS;
	cache.world.next = new OutboundError('timeout', 'slow');
	t.is(await cache.find(), 'm.example');
	cache.world.now += 30 * HOUR_MS;
	t.is(await cache.find(), undefined, 'no longer than two days');

	const other = createCache();
	await other.find();
	other.world.now += 25 * HOUR_MS;
	other.world.next = answer('m.example', {}, 503);
	t.is(await other.find(), 'm.example');
	other.world.now += HOUR_MS;
	other.world.next = answer('m.example', {}, 404);
	t.is(await other.find(), undefined);
});

test('invalid answers count as none', async (t) => {
	const bodies = [
		'',
		'null',
		'[]',
		'{}',
		'{"m.server":5}',
		'{"m.server":""}',
		'{"m.server":"a b"}',
		'{"m.server":"https://a"}',
		'{"m.server":"a:b"}',
		'{',
	];
	for (const body of bodies) {
		const cache = createCache();
		cache.world.next = {status: 200, headers: {}, body: Buffer.from(body)};
		t.is(await cache.find(), undefined, body);
	}
});

test('many at once ask once', async (t) => {
	const {world, find} = createCache();
	t.deepEqual(new Set(await Promise.all(Array.from({length: 50}, find))), new Set(['m.example']));
	t.is(world.fetches, 1);
});

const authority = createTestAuthority();

async function startWellKnownPeer(
	handle: (request: PeerRequest) => PeerAnswer,
): Promise<{peer: Peer; network: Network}> {
	const address = allocateAddress();
	const peer = await startPeer({address, keyPair: authority.issue([address]), handle});
	const network = {
		policy: createAddressPolicy([address]),
		resolver: {
			resolveAddresses: (host: string) => Promise.resolve(host === 'inner.example' ? ['127.0.0.1'] : []),
			resolveService: () => Promise.resolve([]),
		},
		secureContext: createTrust([authority.certificate]),
		connectTimeoutMs: 5000,
	};
	return {peer, network};
}

const get = (network: Network, peer: Peer, limits: Partial<typeof WELL_KNOWN_LIMITS> = {}): Promise<FetchedAnswer> =>
	fetchPublic(network, new URL(`https://${peer.name}/.well-known/matrix/server`), {...WELL_KNOWN_LIMITS, ...limits});

test('D1: redirects are followed three times, and no more', async (t) => {
	const {peer, network} = await startWellKnownPeer(({url}) => {
		const hop = Number(url.split('?')[1] ?? 0);
		return hop === 3 ? {body: {'m.server': 'end'}} : {status: 302, headers: {location: `?${hop + 1}`}};
	});
	t.teardown(() => peer.stop());
	t.is((await get(network, peer)).body.toString(), '{"m.server":"end"}');
	t.is(peer.requests.length, 4);
	await t.throwsAsync(get(network, peer, {redirectsMax: 2 as 3}), {message: /at most 2 redirects/});
	for (const {headers} of peer.requests) {
		t.is(headers.authorization, undefined);
		t.is(headers['accept-encoding'], 'identity');
	}
});

test('D1: a loop of redirects, and redirects to where nothing may go, are refused', async (t) => {
	let location = '';
	const {peer, network} = await startWellKnownPeer(() => ({status: 301, headers: {location}}));
	t.teardown(() => peer.stop());
	const trap = await startPeer({keyPair: authority.issue(['127.0.0.1']), handle: () => ({}), address: '127.0.0.1'});
	t.teardown(() => trap.stop());
	const locations = [
		'/.well-known/matrix/server',
		`https://127.0.0.1:${trap.port}/`,
		`http://127.0.0.1:${trap.port}/`,
		`http://${peer.name}/`,
		`https://2130706433:${trap.port}/`,
		`https://[::ffff:7f00:1]:${trap.port}/`,
		`https://inner.example:${trap.port}/`,
		`https://user:password@${peer.name}/x`,
		`//127.0.0.1:${trap.port}/`,
		'file:///etc/passwd',
		'data:,{}',
		'https://',
		'https://a b/',
	];
	for (location of locations) {
		const error = await t.throwsAsync(get(network, peer), {instanceOf: OutboundError}, location);
		t.true(['not_allowed', 'bad_response', 'unreachable'].includes(error?.code ?? ''), `${location}: ${error?.code}`);
	}
	t.is(peer.requests.length, locations.length);
	t.is(trap.connectionCount(), 0);
});

test('D1: a body over 50 KiB is not read to its end', async (t) => {
	let written = 0;
	const {peer, network} = await startWellKnownPeer(() => ({
		body: (write) => {
			const chunk = Buffer.alloc(16_384, ' ');
			const timer = setInterval(() => {
				// The peer would send 10 GiB.
				if (write(chunk)) written += chunk.length;
				if (written > 2 ** 30) clearInterval(timer);
			}, 1);
			t.teardown(() => clearInterval(timer));
		},
	}));
	t.teardown(() => peer.stop());
	const error = await t.throwsAsync(get(network, peer), {instanceOf: OutboundError});
	t.is(error?.code, 'bad_response');
	t.true(written < 10 * 2 ** 20);
});

test('D1: a peer that sends a byte now and then is given up at the deadline', async (t) => {
	const {peer, network} = await startWellKnownPeer(() => ({
		body: (write) => {
			const timer = setInterval(() => write(' '), 20);
			t.teardown(() => clearInterval(timer));
		},
	}));
	t.teardown(() => peer.stop());
	const start = performance.now();
	const error = await t.throwsAsync(get(network, peer, {totalTimeoutMs: 500 as 10_000}), {instanceOf: OutboundError});
	t.is(error?.code, 'timeout');
	t.true(performance.now() - start < 5000);
});

test('D1: a compressed body is not decompressed', async (t) => {
	const {peer, network} = await startWellKnownPeer(() => ({
		headers: {'content-encoding': 'gzip'},
		body: Buffer.alloc(1000),
	}));
	t.teardown(() => peer.stop());
	await t.throwsAsync(get(network, peer), {message: /content encoding/});
});
