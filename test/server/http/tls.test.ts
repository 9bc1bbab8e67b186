import {copyFileSync, existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {request} from 'node:http';
import {get} from 'node:https';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {connect} from 'node:tls';
import test, {type ExecutionContext} from 'ava';
import {ListenError, startHttpServer, type TlsFiles} from '../../../server/http/index.ts';
import {createAuthority, until} from '../../harness/index.ts';
import {authenticators, route} from './fixture.ts';

const hello = route({id: 'hello', method: 'GET', path: '/hello', auth: 'none', handle: () => ({})});

function temporaryDirectory(t: ExecutionContext): string {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-http-'));
	t.teardown(() => rmSync(directory, {recursive: true, force: true}));
	return directory;
}

/** The names that the certificate shown to a client has; without a name none is asked for. */
function namesShown(port: number, servername: string | undefined): Promise<string> {
	return new Promise((resolve, reject) => {
		const options = {port, host: '127.0.0.1', rejectUnauthorized: false, ...(servername && {servername})};
		const socket = connect(options, () => {
			resolve(socket.getPeerCertificate().subjectaltname ?? '');
			socket.destroy();
		});
		socket.on('error', reject);
	});
}

/** A header of an answer over TLS. */
function headerOf(port: number, name: string): Promise<unknown> {
	return new Promise((resolve, reject) => {
		get({host: '127.0.0.1', port, path: '/hello', rejectUnauthorized: false, agent: false}, (response) => {
			response.resume().on('end', () => resolve(response.headers[name]));
		}).on('error', reject);
	});
}

const base = {
	tables: [{serves: 'client' as const, routes: [hello]}],
	services: {seen: []},
	authenticators,
	errorMappers: [],
	rateLimits: 'off' as const,
	trustedProxies: [],
	log: {error: () => undefined, debug: () => undefined},
};

test('certificates are chosen by the name asked for, and read again on demand', async (t) => {
	const directory = temporaryDirectory(t);
	const authority = createAuthority(directory);
	const [one, two, three] = ['one.test', 'two.test', 'three.test'].map((name) => authority.issue(name));
	const server = await startHttpServer({
		...base,
		listeners: [{address: '127.0.0.1', port: 0, serves: ['client'], tls: [one!, two!]}],
	});
	t.teardown(() => server.stop(0));
	t.regex(server.addresses[0]!, /^https:/u);
	const port = Number(new URL(server.addresses[0]!).port);
	t.is(await namesShown(port, 'one.test'), 'DNS:one.test');
	t.is(await namesShown(port, 'TWO.test'), 'DNS:two.test');
	t.is(await namesShown(port, 'other.test'), 'DNS:one.test');
	t.is(await headerOf(port, 'strict-transport-security'), 'max-age=15552000');
	t.is(await namesShown(port, undefined), 'DNS:one.test');

	copyFileSync(three!.certificate, one!.certificate);
	copyFileSync(three!.key, one!.key);
	t.deepEqual(server.reloadCertificates(), []);
	t.is(await namesShown(port, undefined), 'DNS:three.test');
	t.is(await namesShown(port, 'three.test'), 'DNS:three.test');
	t.is(await namesShown(port, 'two.test'), 'DNS:two.test');

	writeFileSync(one!.certificate, 'no certificate');
	const problems = server.reloadCertificates();
	t.is(problems.length, 1);
	t.true(problems[0] instanceof ListenError);
	t.regex(problems[0]!.message, /one\.test\.crt/u);
	t.is(await namesShown(port, undefined), 'DNS:three.test');
});

for (const way of ['on demand', 'by the watch']) {
	test(`a certificate that cannot be used keeps no other from being renewed ${way}, on its listener or another`, async (t) => {
		const directory = temporaryDirectory(t);
		const authority = createAuthority(directory);
		const names = ['bad.test', 'gone.test', 'one.test', 'two.test', 'new.test'];
		const [bad, gone, one, two, fresh] = names.map((name) => authority.issue(name)) as [TlsFiles, ...TlsFiles[]];
		const errors: string[] = [];
		const server = await startHttpServer({
			...base,
			log: {...base.log, error: (fields: object) => errors.push((fields as {err: Error}).err.message)},
			...(way === 'by the watch' && {certificatesCheckMs: 10}),
			listeners: [
				{address: '127.0.0.1', port: 0, serves: ['client'], tls: [bad, gone!, one!]},
				{address: '127.0.0.1', port: 0, serves: ['client'], tls: [two!]},
			],
		});
		t.teardown(() => server.stop(0));
		const [first, second] = server.addresses.map((address) => Number(new URL(address).port)) as [number, number];
		writeFileSync(bad.certificate, 'no certificate');
		rmSync(gone!.certificate);
		for (const {certificate, key} of [one!, two!]) {
			// In one step each, and the key first: what is looked at in between does not go together, and is looked at again.
			for (const [from, to] of [
				[fresh!.key, key],
				[fresh!.certificate, certificate],
			] as const) {
				copyFileSync(from, `${to}.next`);
				renameSync(`${to}.next`, to);
			}
		}
		if (way === 'on demand') errors.push(...server.reloadCertificates().map(({message}) => message));
		const shown = async () => [await namesShown(first, 'new.test'), await namesShown(second, undefined)].join();
		await until(async () => (await shown()) === 'DNS:new.test,DNS:new.test', 'what is good to be renewed');
		t.is(await namesShown(first, undefined), 'DNS:bad.test', 'the old one stays');
		t.is(await namesShown(first, 'gone.test'), 'DNS:gone.test');
		await until(() => errors.some((text) => text.includes(gone!.certificate)), 'both to be told');
		t.true(errors.some((text) => text.includes(bad.certificate)));
	});
}

test('a certificate that cannot be used keeps the server from starting, in words', async (t) => {
	const files = {certificate: '/nowhere/cert.pem', key: '/nowhere/key.pem'};
	const error = await t.throwsAsync(
		startHttpServer({...base, listeners: [{address: '127.0.0.1', port: 0, serves: ['client'], tls: [files]}]}),
		{instanceOf: ListenError},
	);
	t.regex(error.message, /\/nowhere\/cert\.pem/u);
});

test('a port that is taken keeps the server from starting, and frees what it had', async (t) => {
	const first = await startHttpServer({...base, listeners: [{address: '127.0.0.1', port: 0, serves: ['client']}]});
	t.teardown(() => first.stop(0));
	const port = Number(new URL(first.addresses[0]!).port);
	const error = await t.throwsAsync(
		startHttpServer({...base, listeners: [{address: '127.0.0.1', port, serves: ['client']}]}),
		{instanceOf: ListenError},
	);
	t.regex(error.message, new RegExp(`port ${port}: another program`, 'u'));
});

test('a Unix socket is served, replaces the one of a crashed process, and is not open to everybody', async (t) => {
	const path = join(temporaryDirectory(t), 'http.sock');
	for (let round = 0; round < 2; round++) {
		const server = await startHttpServer({...base, listeners: [{path, serves: ['client']}]});
		t.is(statSync(path).mode & 0o777, 0o660);
		const status = await new Promise((resolve, reject) => {
			request({socketPath: path, path: '/hello', agent: false}, (response) => {
				response.resume().on('end', () => resolve(response.statusCode));
			})
				.on('error', reject)
				.end();
		});
		t.is(status, 200);
		await server.stop();
	}
	t.false(existsSync(path));
});
