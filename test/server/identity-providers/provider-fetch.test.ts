/** Where the documents of a provider lead. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:http';
import {createServer as createHttpsServer} from 'node:https';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import test from 'ava';
import {Visitor} from '../../harness/index.ts';
import {createTestAuthority} from '../../harness/tls.ts';
import type {FakeProvider} from './fake-provider.ts';
import {come, logOut, start} from './world.ts';

const isSignedIn = async (visitor: Visitor): Promise<boolean> => (await visitor.open('/account')).status === 200;

test('D2: where a provider’s documents lead to an address of the server’s own network, nobody is asked there', async (t) => {
	const trap = createServer((_request, response) => response.end('{}'));
	let connections = 0;
	trap.on('connection', () => (connections += 1));
	await new Promise<void>((resolve) => trap.listen(0, '127.0.0.1', resolve));
	t.teardown(() => trap.close());
	const {port} = trap.address() as AddressInfo;
	for (const place of [
		`http://127.0.0.1:${port}`,
		`https://127.0.0.1:${port}`,
		`https://localhost:${port}`,
		`https://[::ffff:127.0.0.1]:${port}`,
	]) {
		for (const document of [{jwks_uri: `${place}/jwks`}, {token_endpoint: `${place}/token`}]) {
			const world = await start(t);
			world.provider.document = document;
			const visitor = new Visitor(world.app);
			t.not((await come(world, visitor)).to, '/account', place);
			t.false(await isSignedIn(visitor));
			if (!('jwks_uri' in document)) continue;
			t.not((await logOut(world, await world.provider.signLogout())).status, 200);
		}
	}
	t.is(connections, 0);
});

test('a provider whose keys and tokens are at other addresses is asked there, where they may be reached', async (t) => {
	const authority = createTestAuthority();
	const holder: {provider?: FakeProvider} = {};
	const place = createHttpsServer(authority.issue(['localhost']), (request, response) => {
		holder.provider?.answer(request, response).catch(() => response.destroy());
	});
	await new Promise<void>((resolve) => place.listen(0, '127.0.0.1', resolve));
	t.teardown(() => place.close());
	const file = join(mkdtempSync(join(tmpdir(), 'broadsheet-provider-')), 'authority.pem');
	t.teardown(() => rmSync(dirname(file), {recursive: true}));
	writeFileSync(file, authority.certificate);
	const federation = {allow_private_addresses: ['127.0.0.0/8'], trusted_certificates: [file]};
	const world = await start(t, {}, [], {federation});
	holder.provider = world.provider;
	const at = `https://localhost:${(place.address() as AddressInfo).port}`;
	world.provider.document = {jwks_uri: `${at}/jwks`, token_endpoint: `${at}/token`};
	const visitor = new Visitor(world.app);
	t.is((await come(world, visitor)).to, '/account');
	t.true(await isSignedIn(visitor));
	t.is((await logOut(world, await world.provider.signLogout())).status, 200);
	t.false(await isSignedIn(visitor));
});
