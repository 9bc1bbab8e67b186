import test from 'ava';
import type {ServerName} from '../../../crypto/index.ts';
import {createDiscovery, type Route} from '../../../federation/outbound/discovery.ts';
import {type CaresResolver, createDnsResolver, parseHostsFile} from '../../../federation/outbound/dns.ts';
import {OutboundError} from '../../../federation/outbound/errors.ts';
import {parseServerAddress} from '../../../federation/outbound/server-address.ts';

interface World {
	readonly delegates?: Readonly<Record<string, string>>;
	readonly services?: Readonly<
		Record<string, readonly [priority: number, weight: number, port: number, name: string][]>
	>;
	readonly random?: () => number;
}

function findRoute(name: string, {delegates = {}, services = {}, random = () => 0}: World = {}): Promise<Route> {
	const discovery = createDiscovery({
		resolver: {
			resolveAddresses: () => Promise.resolve([]),
			resolveService: (service) =>
				Promise.resolve(
					(services[service] ?? []).map(([priority, weight, port, target]) => ({priority, weight, port, name: target})),
				),
		},
		findDelegate: (host) => Promise.resolve(parseServerAddress(delegates[host] ?? '?')),
		random,
	});
	return discovery.findRoute(name as ServerName);
}

function route(hostHeader: string, certificateName: string, ...targets: readonly [string, number][]): Route {
	return {hostHeader, certificateName, targets: targets.map(([host, port]) => ({host, port}))};
}

test('step 1: an IP literal is connected to, at its port or 8448', async (t) => {
	t.deepEqual(await findRoute('1.2.3.4'), route('1.2.3.4', '1.2.3.4', ['1.2.3.4', 8448]));
	t.deepEqual(await findRoute('1.2.3.4:1234'), route('1.2.3.4:1234', '1.2.3.4', ['1.2.3.4', 1234]));
	t.deepEqual(
		await findRoute('[1234:5678::abcd]'),
		route('[1234:5678::abcd]', '1234:5678::abcd', ['1234:5678::abcd', 8448]),
	);
	t.deepEqual(
		await findRoute('[1234:5678::abcd]:5678'),
		route('[1234:5678::abcd]:5678', '1234:5678::abcd', ['1234:5678::abcd', 5678]),
	);
});

test('step 2: an explicit port asks neither well-known nor SRV', async (t) => {
	const world = {
		delegates: {'hs.example': 'other.example'},
		services: {'_matrix-fed._tcp.hs.example': [[1, 1, 1, 'srv.example']]},
	} as World;
	t.deepEqual(await findRoute('hs.example:8888', world), route('hs.example:8888', 'hs.example', ['hs.example', 8888]));
	t.deepEqual(await findRoute('hs.example:8448', world), route('hs.example:8448', 'hs.example', ['hs.example', 8448]));
});

const to = (delegate: string): Promise<Route> => findRoute('hs.example', {delegates: {'hs.example': delegate}});

test('steps 3.1 and 3.2: a delegate that is an IP literal or has a port is connected to', async (t) => {
	t.deepEqual(await to('1.2.3.4'), route('1.2.3.4', '1.2.3.4', ['1.2.3.4', 8448]));
	t.deepEqual(await to('1.2.3.4:99'), route('1.2.3.4:99', '1.2.3.4', ['1.2.3.4', 99]));
	t.deepEqual(await to('[::2]:99'), route('[::2]:99', '::2', ['::2', 99]));
	t.deepEqual(await to('m.example:443'), route('m.example:443', 'm.example', ['m.example', 443]));
});

test('steps 3.3 and 3.4: SRV of the delegate, the registered service first', async (t) => {
	const delegates = {'hs.example': 'm.example'};
	const fed = {'_matrix-fed._tcp.m.example': [[1, 1, 4000, 'srv.example']]} as World['services'];
	const old = {'_matrix._tcp.m.example': [[1, 1, 5000, 'old.example']]} as World['services'];
	t.deepEqual(
		await findRoute('hs.example', {delegates, services: {...fed, ...old}}),
		route('m.example', 'm.example', ['srv.example', 4000]),
	);
	t.deepEqual(
		await findRoute('hs.example', {delegates, services: old}),
		route('m.example', 'm.example', ['old.example', 5000]),
	);
});

test('step 3.5: a delegate without SRV is connected to at 8448', async (t) => {
	t.deepEqual(
		await findRoute('hs.example', {delegates: {'hs.example': 'm.example'}}),
		route('m.example', 'm.example', ['m.example', 8448]),
	);
});

test('steps 4 to 6: without a delegate the same with the host itself', async (t) => {
	const fed = {'_matrix-fed._tcp.hs.example': [[1, 1, 4000, 'srv.example']]} as World['services'];
	const old = {'_matrix._tcp.hs.example': [[1, 1, 5000, 'old.example']]} as World['services'];
	t.deepEqual(
		await findRoute('hs.example', {services: {...fed, ...old}}),
		route('hs.example', 'hs.example', ['srv.example', 4000]),
	);
	t.deepEqual(await findRoute('hs.example', {services: old}), route('hs.example', 'hs.example', ['old.example', 5000]));
	t.deepEqual(await findRoute('hs.example'), route('hs.example', 'hs.example', ['hs.example', 8448]));
});

test('SRV records are taken by priority, then at random by weight', async (t) => {
	const services = {
		'_matrix-fed._tcp.hs.example': [
			[20, 0, 1, 'last.example'],
			[10, 0, 2, 'light.example'],
			[10, 98, 3, 'heavy.example'],
		],
	} as World['services'];
	const hosts = async (point: number): Promise<string[]> =>
		(await findRoute('hs.example', {services, random: () => point})).targets.map(({host}) => host);
	t.deepEqual(await hosts(0), ['light.example', 'heavy.example', 'last.example']);
	t.deepEqual(await hosts(0.5), ['heavy.example', 'light.example', 'last.example']);
	t.deepEqual(await hosts(0.999_999), ['heavy.example', 'light.example', 'last.example']);
});

test('an SRV record that says the service is not offered ends discovery', async (t) => {
	for (const name of ['', '.']) {
		const services = {'_matrix-fed._tcp.hs.example': [[0, 0, 0, name]]} as World['services'];
		await t.throwsAsync(findRoute('hs.example', {services}), {instanceOf: OutboundError, message: /SRV/});
	}
});

test('what is not a server name is refused without a look-up', async (t) => {
	const names = [
		'',
		':',
		':8448',
		'a b',
		'a/b',
		'a@b',
		'a:b',
		'a:0',
		'a:65536',
		'a:123456',
		'[::1',
		'::1',
		'[1.2.3.4]',
		'[::g]',
		'-'.repeat(64),
		'a..b',
		'.',
		'a_b',
		'ex\u0000ample',
		'exämple',
		'1.2.3',
		'1.2.3.4.5',
		'256.1.1.1',
		`${'a.'.repeat(130)}a`,
		'a\n',
	];
	for (const name of names) await t.throwsAsync(findRoute(name), {message: /valid server name/}, JSON.stringify(name));
});

function cares(answers: Partial<Record<'A' | 'AAAA' | 'SRV', () => unknown>>, asked: string[] = []): CaresResolver {
	const ask = (kind: 'A' | 'AAAA' | 'SRV') => (name: string) => {
		asked.push(`${kind} ${name}`);
		return Promise.resolve().then(answers[kind] ?? fail('ENODATA'));
	};
	return {resolve4: ask('A'), resolve6: ask('AAAA'), resolveSrv: ask('SRV')} as unknown as CaresResolver;
}

const fail = (code: string) => () => {
	throw Object.assign(new Error(code), {code});
};

test('addresses of both families take turns, are asked once and cached', async (t) => {
	const asked: string[] = [];
	const ipv4 = ['192.0.2.1', '192.0.2.2'].map((address) => ({address, ttl: 60}));
	const resolver = createDnsResolver({
		resolvers: [],
		cares: cares({A: () => ipv4, AAAA: () => [{address: '2001:db8::1', ttl: 60}]}, asked),
	});
	const both = await Promise.all([resolver.resolveAddresses('hs.example'), resolver.resolveAddresses('HS.example')]);
	t.deepEqual(both[0], ['2001:db8::1', '192.0.2.1', '192.0.2.2']);
	t.deepEqual(both[1], both[0]);
	await resolver.resolveAddresses('hs.example');
	t.deepEqual(asked, ['A hs.example', 'AAAA hs.example']);
});

const addresses = (answers: Parameters<typeof cares>[0]): Promise<readonly string[]> =>
	createDnsResolver({resolvers: [], cares: cares(answers)}).resolveAddresses('hs.example');
const services = (answers: Parameters<typeof cares>[0]): Promise<readonly object[]> =>
	createDnsResolver({resolvers: [], cares: cares(answers)}).resolveService('_matrix-fed._tcp.hs.example');

test('absence is an empty answer, a failing DNS an error, and one family is enough', async (t) => {
	t.deepEqual(await addresses({}), []);
	t.deepEqual(await addresses({A: () => [{address: '192.0.2.1', ttl: 1}], AAAA: fail('ETIMEOUT')}), ['192.0.2.1']);
	await t.throwsAsync(addresses({A: fail('ESERVFAIL'), AAAA: fail('ESERVFAIL')}), {instanceOf: OutboundError});
	await t.throwsAsync(addresses({AAAA: fail('ETIMEOUT')}), {instanceOf: OutboundError});
	t.deepEqual(await services({}), []);
	t.deepEqual(await services({SRV: fail('ENOTIMP')}), []);
	await t.throwsAsync(services({SRV: fail('ETIMEOUT')}), {instanceOf: OutboundError});
});

test('names of the hosts file need no DNS', async (t) => {
	const hosts = parseHostsFile(
		'127.0.0.1 localhost\n# comment\n192.0.2.7\tHS.example alias.example # more\n192.0.2.8 hs.example\n\n',
	);
	const asked: string[] = [];
	const resolver = createDnsResolver({resolvers: [], hosts, cares: cares({}, asked)});
	t.deepEqual(await resolver.resolveAddresses('hs.EXAMPLE'), ['192.0.2.7', '192.0.2.8']);
	t.deepEqual(await resolver.resolveAddresses('alias.example'), ['192.0.2.7']);
	t.deepEqual(asked, []);
});
