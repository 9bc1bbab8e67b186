import test from 'ava';
import {RequestAborted} from '../../../server/http/index.ts';
import {v} from '../../../server/validation/index.ts';
import {route, startTestServer} from './fixture.ts';

/** Waits until its signal is aborted, and tells the test that it waits and why it woke. */
const poll = route({
	id: 'sync',
	method: 'GET',
	path: '/sync',
	auth: 'none',
	async handle({signal}, {seen}) {
		await new Promise<void>((resolve) => {
			signal.addEventListener('abort', () => {
				seen.push(signal.reason);
				resolve();
			});
			seen.push('waiting');
		});
		return {next_batch: 'x'};
	},
});

const slow = route({
	id: 'slow',
	method: 'GET',
	path: '/slow',
	auth: 'none',
	handle: (_request, {seen}) =>
		new Promise<object>(() => {
			seen.push('waiting');
		}),
});

const put = route({id: 'put', method: 'PUT', path: '/put', auth: 'none', body: v.any(), handle: () => ({ok: true})});

async function until(isTrue: () => boolean): Promise<void> {
	while (!isTrue()) {
		await new Promise((resolve) => setImmediate(resolve));
	}
}

const reasonOf = (value: unknown): string | undefined => (value instanceof RequestAborted ? value.code : undefined);

test('a handler learns that its client has gone', async (t) => {
	const server = await startTestServer(t, [poll]);
	const connection = await server.open();
	connection.socket.write('GET /sync HTTP/1.1\r\nHost: a\r\n\r\n');
	await until(() => server.seen.length === 1);
	connection.socket.destroy();
	await until(() => server.seen.length === 2);
	t.is(reasonOf(server.seen[1]), 'client-gone');
});

test('a long poll is answered when the server stops, and the connection closes', async (t) => {
	const server = await startTestServer(t, [poll]);
	const connection = await server.open();
	connection.socket.write('GET /sync HTTP/1.1\r\nHost: a\r\n\r\n');
	await until(() => server.seen.length === 1);
	await server.stop();
	const text = await connection.ended();
	t.regex(text, /^HTTP\/1\.1 200 OK[^]*next_batch/u);
	t.regex(text, /connection: close/iu);
	t.is(reasonOf(server.seen[1]), 'server-stopping');
});

test('what does not end by the deadline is cut off', async (t) => {
	const server = await startTestServer(t, [slow]);
	const connection = await server.open();
	connection.socket.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n');
	await until(() => server.seen.length === 1);
	await server.stop(10);
	t.is(await connection.ended(), '');
});

test('an idle connection does not hold a stop up', async (t) => {
	const server = await startTestServer(t, [put]);
	const connection = await server.open();
	connection.socket.write('PUT /put HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}');
	await connection.until(/"ok"/u);
	await server.stop();
	t.regex(await connection.ended(), /200 OK/u);
});

test('a client that goes away within its body harms nobody', async (t) => {
	const server = await startTestServer(t, [put]);
	const connection = await server.open();
	connection.socket.write('PUT /put HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{"a"');
	await new Promise((resolve) => setImmediate(resolve));
	connection.socket.destroy();
	t.is((await server.send('PUT', '/put', {body: {}})).status, 200);
	t.deepEqual(server.seen, []);
});

test('a head over 16 KiB is 431, and what is no HTTP is 400, both as JSON', async (t) => {
	const server = await startTestServer(t, [put]);
	const large = await server.open();
	large.socket.write(`GET / HTTP/1.1\r\nHost: a\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`);
	t.regex(await large.ended(), /^HTTP\/1\.1 431 [^]*errcode/u);
	for (const bytes of [
		'NONSENSE\r\n\r\n',
		'GET / HTTP/1.1\r\n\r\n',
		'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc',
		'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd',
	]) {
		const connection = await server.open();
		connection.socket.write(bytes);
		t.regex(await connection.ended(), /^HTTP\/1\.1 400 /u, bytes);
	}
	t.is((await server.send('PUT', '/put', {body: {}})).status, 200);
});

test('an answer before a large body reaches a client that is still sending', async (t) => {
	const server = await startTestServer(t, [put]);
	const answer = await server.send('PUT', '/put', {text: Buffer.alloc(3_000_000, 'x')});
	t.deepEqual([answer.status, answer.body['errcode']], [413, 'M_TOO_LARGE']);
});

test('requests on one connection are answered one after the other', async (t) => {
	const server = await startTestServer(t, [put]);
	const connection = await server.open();
	const request = 'PUT /put HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n{}';
	connection.socket.write(request.repeat(3));
	const text = await connection.until(/(?:"ok"[^]*){3}/u);
	t.is(text.split('200 OK').length, 4);
});
