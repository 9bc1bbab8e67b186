import {existsSync} from 'node:fs';
import test from 'ava';
import {call, startServer, startServers} from './index.ts';

test('a server is started, killed, started again and stopped on the same address', async (t) => {
	await using server = await startServer();
	const {url} = server;
	const first = server.pid;
	const begun = await call<{versions: string[]}>(server, 'GET', '/_matrix/client/versions');
	t.true(begun.versions.length > 0);
	await server.kill();
	t.is(server.pid, undefined);
	await t.throwsAsync(call(server, 'GET', '/_matrix/client/versions'));
	await server.start();
	t.is(server.url, url);
	t.not(server.pid, first);
	await server.stop();
	t.is(server.pid, undefined);
});

test('servers of one federation have names and directories of their own, and leave nothing behind', async (t) => {
	const servers = await startServers(2);
	const [one, two] = servers.list;
	t.not(one?.name, two?.name);
	t.not(one?.directory, two?.directory);
	await servers[Symbol.asyncDispose]();
	t.deepEqual(
		servers.list.map((server) => ({pid: server.pid, isThere: existsSync(server.directory)})),
		[
			{pid: undefined, isThere: false},
			{pid: undefined, isThere: false},
		],
	);
});

test('a server that does not start says why', async (t) => {
	const error = await t.throwsAsync(startServer({config: {no_such_key: true}}));
	t.regex(error.message, /ended: .*no_such_key/s);
});
