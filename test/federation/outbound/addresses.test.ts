import {connect as openTcp, createServer, type Server} from 'node:net';
import test, {type ExecutionContext} from 'ava';
import {createAddressPolicy} from '../../../federation/outbound/addresses.ts';
import {createTrust, type Network, openConnection} from '../../../federation/outbound/connect.ts';
import {createDiscovery} from '../../../federation/outbound/discovery.ts';
import {OutboundError} from '../../../federation/outbound/errors.ts';
import {fetchPublic} from '../../../federation/outbound/fetch-public.ts';
import type {ServerName} from '../../../crypto/index.ts';

const SPECIAL_ADDRESSES = [
	'0.0.0.0',
	'0.1.2.3',
	'10.0.0.1',
	'10.255.255.255',
	'100.64.0.1',
	'100.127.255.255',
	'127.0.0.1',
	'127.255.255.254',
	'169.254.169.254',
	'172.16.0.1',
	'172.31.255.255',
	'192.0.0.8',
	'192.0.2.1',
	'192.88.99.1',
	'192.168.1.1',
	'198.18.0.1',
	'198.19.255.255',
	'198.51.100.7',
	'203.0.113.9',
	'224.0.0.1',
	'239.255.255.255',
	'240.0.0.1',
	'255.255.255.255',
	'::',
	'::1',
	'::127.0.0.1',
	'::ffff:127.0.0.1',
	'::ffff:7f00:1',
	'::ffff:8.8.8.8',
	'::ffff:0:127.0.0.1',
	'64:ff9b::127.0.0.1',
	'64:ff9b::8.8.8.8',
	'64:ff9b:1::7f00:1',
	'100::1',
	'2001::1',
	'2001:0:7f00:1::',
	'2001:2::1',
	'2001:10::1',
	'2001:db8::1',
	'2002:7f00:1::',
	'2002:a00:1::1',
	'3fff::1',
	'4000::1',
	'5f00::1',
	'fc00::1',
	'fd12:3456::1',
	'fe80::1',
	'fe80::1%lo',
	'fec0::1',
	'ff02::1',
	'FE80::1',
	'0:0:0:0:0:FFFF:7F00:0001',
];
const PUBLIC_ADDRESSES = [
	'1.1.1.1',
	'8.8.8.8',
	'9.255.255.255',
	'11.0.0.0',
	'100.63.255.255',
	'100.128.0.0',
	'126.255.255.255',
	'128.0.0.0',
	'169.253.255.255',
	'172.15.255.255',
	'172.32.0.0',
	'192.167.255.255',
	'198.17.255.255',
	'198.20.0.0',
	'223.255.255.255',
	'2001:200::1',
	'2001:4860:4860::8888',
	'2606:4700:4700::1111',
	'2a00:1450:4001::1',
	'2003::1',
];

test('special addresses of both families are refused, their public neighbours allowed', (t) => {
	const policy = createAddressPolicy([]);
	for (const address of SPECIAL_ADDRESSES) t.false(policy.isAllowed(address), address);
	for (const address of PUBLIC_ADDRESSES) t.true(policy.isAllowed(address), address);
	for (const text of [
		'',
		'localhost',
		'127.1',
		'0x7f.1',
		'2130706433',
		'1.1.1.1 ',
		'[::1]',
		'1.1.1.1:80',
		'01.1.1.1',
	]) {
		t.false(policy.isAllowed(text), text);
	}
});

test('allow_private_addresses opens exactly its ranges', (t) => {
	const policy = createAddressPolicy(['127.0.0.0/8', '10.1.2.3', 'fd00:1::/32', '64:ff9b::/96']);
	for (const address of ['127.0.0.1', '127.9.9.9', '10.1.2.3', 'fd00:1::5', '8.8.8.8'])
		t.true(policy.isAllowed(address), address);
	for (const address of ['10.1.2.4', '192.168.0.1', 'fd00:2::5', '::1', '::ffff:127.0.0.1']) {
		t.false(policy.isAllowed(address), address);
	}
});

test('an opened translation prefix does not open the private addresses behind it', (t) => {
	const policy = createAddressPolicy(['64:ff9b::/96', '::ffff:0:0/96', '::1']);
	t.true(policy.isAllowed('64:ff9b::8.8.8.8'));
	t.false(policy.isAllowed('64:ff9b::127.0.0.1'));
	t.false(policy.isAllowed('64:ff9b::a00:1'));
	t.false(policy.isAllowed('64:ff9b::'));
	t.true(policy.isAllowed('::ffff:1.1.1.1'));
	t.false(policy.isAllowed('::ffff:169.254.169.254'));
	t.true(policy.isAllowed('::1'));
});

test('an entry of allow_private_addresses that is no range is named', (t) => {
	for (const entry of [
		'10.0.0.0/33',
		'fd00::/129',
		'10.0.0/8',
		'localhost',
		'10.0.0.0/8/8',
		'10.0.0.0/',
		'10.0.0.0/-1',
		'',
	]) {
		t.throws(() => createAddressPolicy([entry]), {instanceOf: RangeError, message: /CIDR/}, entry);
	}
});

interface Trap {
	readonly port: number;
	readonly connections: () => number;
}

/** Listens on every address of this machine, so that whatever way leads home is noticed. */
async function openTrap(t: ExecutionContext): Promise<Trap> {
	let connections = 0;
	const server = createServer((socket) => {
		connections++;
		socket.destroy();
	});
	await listenEverywhere(server);
	t.teardown(() => server.close());
	const bound = server.address();
	if (bound === null || typeof bound === 'string') throw new Error('expected a port');
	return {port: bound.port, connections: () => connections};
}

function listenEverywhere(server: Server): Promise<void> {
	return new Promise((resolve, reject) => {
		server.once('error', () => {
			server.once('error', reject);
			server.listen(0, '0.0.0.0', resolve);
		});
		server.listen(0, '::', resolve);
	});
}

/** A network whose DNS says what an attacker wants. */
function createNetwork(answers: Readonly<Record<string, readonly string[]>>, opened: readonly string[] = []): Network {
	return {
		policy: createAddressPolicy(opened),
		resolver: {
			resolveAddresses: (host) => Promise.resolve(answers[host] ?? []),
			resolveService: (name) =>
				Promise.resolve(
					name === '_matrix-fed._tcp.srv.example' ? [{name: 'inner.example', port: 1, priority: 0, weight: 0}] : [],
				),
		},
		secureContext: createTrust([]),
		connectTimeoutMs: 5000,
	};
}

const HOSTILE_DNS = {
	'v4.example': ['127.0.0.1'],
	'v6.example': ['::1'],
	'mapped.example': ['::ffff:127.0.0.1'],
	'compatible.example': ['::127.0.0.1'],
	'nat64.example': ['64:ff9b::7f00:1'],
	'sixtofour.example': ['2002:7f00:1::'],
	'any.example': ['0.0.0.0'],
	'anysix.example': ['::'],
	'zone.example': ['fe80::1%lo'],
	'cloud.example': ['169.254.169.254'],
	'many.example': ['10.0.0.1', '192.168.0.1', '127.0.0.1', '::1'],
	'text.example': ['localhost', '127.1', '2130706433'],
	localhost: ['127.0.0.1', '::1'],
	'localhost.': ['127.0.0.1'],
	'inner.example': ['127.0.0.1'],
};

const HOSTILE_URL_HOSTS = [
	'127.0.0.1',
	'127.1',
	'127.0.1',
	'0',
	'0.0.0.0',
	'2130706433',
	'017700000001',
	'0x7f000001',
	'0x7f.0.0.1',
	'0177.0.0.1',
	'127.0.0.1.',
	'①②⑦.⓪.⓪.①',
	'127。0。0。1',
	'%31%32%37.0.0.1',
	'localhost',
	'LOCALHOST',
	'localhost.',
	'[::1]',
	'[::]',
	'[0:0:0:0:0:0:0:1]',
	'[::ffff:127.0.0.1]',
	'[::ffff:7f00:1]',
	'[::127.0.0.1]',
	'[64:ff9b::127.0.0.1]',
	'[64:ff9b:1::7f00:1]',
	'[2002:7f00:1::]',
	'[2001:0:7f00:1::]',
	'[fe80::1]',
	'[fd00::1]',
	'[::ffff:0:7f00:1]',
	'169.254.169.254',
	'10.0.0.1',
	...Object.keys(HOSTILE_DNS),
];

test('D2: no form of a URL leads a connection to this machine', async (t) => {
	const trap = await openTrap(t);
	const network = createNetwork(HOSTILE_DNS);
	t.true(HOSTILE_URL_HOSTS.length >= 40);
	for (const host of HOSTILE_URL_HOSTS) {
		const url = new URL(`https://${host}:${trap.port}/`);
		const limits = {sizeBytesMax: 1000, redirectsMax: 3, totalTimeoutMs: 5000};
		const error = await t.throwsAsync(fetchPublic(network, url, limits), {instanceOf: OutboundError}, host);
		t.true(error?.code === 'not_allowed' || error?.code === 'unreachable', `${host}: ${error?.code}`);
	}
	t.is(trap.connections(), 0);
	await assertTrapWorks(t, trap);
});

test('D2: no form of a server name leads a connection to this machine', async (t) => {
	const trap = await openTrap(t);
	const network = createNetwork(HOSTILE_DNS);
	const delegates: Record<string, string> = {'delegating.example': '127.0.0.1', 'delegating6.example': '::1'};
	const discovery = createDiscovery({
		resolver: network.resolver,
		findDelegate: (host) =>
			Promise.resolve(
				delegates[host] === undefined ? undefined : {host: delegates[host], isIpLiteral: true, port: trap.port},
			),
		random: () => 0,
	});
	const hosts = [
		'127.0.0.1',
		'127.1',
		'0',
		'2130706433',
		'0x7f000001',
		'0x7f.1',
		'0177.0.0.1',
		'127.0.0.1.',
		'[::1]',
		'[::]',
		'[::ffff:127.0.0.1]',
		'[::ffff:7f00:1]',
		'[::127.0.0.1]',
		'[64:ff9b::127.0.0.1]',
		'[2002:7f00:1::]',
		'[fe80::1%25lo]',
		'[fe80::1%lo]',
		'127.0.0.1@example.org',
		'user@127.0.0.1',
		'127.0.0.1/x',
		'127.0.0.1#',
		' 127.0.0.1',
		'127.0.0.1\r\nHost: x',
		'①②⑦.⓪.⓪.①',
		...Object.keys(HOSTILE_DNS),
	];
	const names = [...hosts.map((host) => `${host}:${trap.port}`), 'srv.example', ...Object.keys(delegates)];
	t.true(names.length >= 40);
	for (const name of names) {
		await t.throwsAsync(
			async () => {
				const route = await discovery.findRoute(name as ServerName);
				await openConnection(network, route.targets, route.certificateName);
			},
			{instanceOf: OutboundError},
			name,
		);
	}
	t.is(trap.connections(), 0);
	await assertTrapWorks(t, trap);
});

test('D2: a name with an allowed and a private address never falls back to the private one', async (t) => {
	const trap = await openTrap(t);
	// 127.9.9.9 is opened, but 127.0.0.1 beside it is not; the trap hears both.
	const network = createNetwork({'mixed.example': ['127.0.0.1', '127.9.9.9', '::1']}, ['127.9.9.9']);
	await t.throwsAsync(openConnection(network, [{host: 'mixed.example', port: trap.port}], 'mixed.example'), {
		instanceOf: OutboundError,
	});
	t.is(trap.connections(), 1);
});

test('D2: an address is checked again for every connection, as DNS may answer otherwise the next time', async (t) => {
	const trap = await openTrap(t);
	const answers: Record<string, readonly string[]> = {'rebinding.example': ['127.9.9.9']};
	const network = createNetwork(answers, ['127.9.9.9']);
	const target = [{host: 'rebinding.example', port: trap.port}];
	await t.throwsAsync(openConnection(network, target, 'rebinding.example'), {message: /trusted/});
	t.is(trap.connections(), 1);
	answers['rebinding.example'] = ['127.0.0.1'];
	const error = await t.throwsAsync(openConnection(network, target, 'rebinding.example'), {instanceOf: OutboundError});
	t.is(error?.code, 'not_allowed');
	t.is(trap.connections(), 1);
});

/** The trap itself must be reachable, or the tests above would show nothing. */
function assertTrapWorks(t: ExecutionContext, trap: Trap): Promise<void> {
	return new Promise((resolve) => {
		const socket = openTcp({host: '127.0.0.1', port: trap.port});
		socket.resume();
		socket.on('error', () => undefined);
		socket.on('close', () => {
			t.is(trap.connections(), 1);
			resolve();
		});
	});
}
