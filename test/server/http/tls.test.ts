import {copyFileSync, existsSync, mkdtempSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {request} from 'node:http';
import {get} from 'node:https';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {connect} from 'node:tls';
import test, {type ExecutionContext} from 'ava';
import {ListenError, startHttpServer} from '../../../server/http/index.ts';
import {createAuthority} from '../../harness/index.ts';
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
	server.reloadCertificates();
	t.is(await namesShown(port, undefined), 'DNS:three.test');
	t.is(await namesShown(port, 'three.test'), 'DNS:three.test');
	t.is(await namesShown(port, 'two.test'), 'DNS:two.test');

	writeFileSync(one!.certificate, 'no certificate');
	t.throws(() => server.reloadCertificates(), {message: /one\.test\.crt/u});
	t.is(await namesShown(port, undefined), 'DNS:three.test');
});

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
