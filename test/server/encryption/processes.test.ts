/** Two applications on one PostgreSQL: what both do to one person's keys comes out as if one had done it. */
import test, {type ExecutionContext} from 'ava';
import {type App, call, findPostgres, PostgresServer, register, startApp} from '../../harness/index.ts';

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);
const onPostgres = 'skipped' in found ? test.skip : test;

const VERSION = '/_matrix/client/v3/room_keys/version';
const METHOD = {algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {}};

async function startPair(t: ExecutionContext): Promise<[App, App]> {
	if ('skipped' in found) throw new Error(found.skipped);
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	const config = {database: await server.createDatabase('encryption')};
	return [await startApp(t, {config}), await startApp(t, {config})];
}

onPostgres('keys that two processes put into one backup at once are all in it', async (t) => {
	const [one, two] = await startPair(t);
	const {access_token: token} = await register(one, 'alice');
	const {version} = await call<{version: string}>(one, 'POST', VERSION, {token, body: METHOD});
	const key = (first: number) => ({
		first_message_index: first,
		forwarded_count: 0,
		is_verified: true,
		session_data: {},
	});
	const path = `/_matrix/client/v3/room_keys/keys/!r:x?version=${version}`;
	await Promise.all(
		Array.from({length: 32}, (_, index) =>
			call(index % 2 === 0 ? one : two, 'PUT', path, {
				token,
				body: {sessions: {[`own${index}`]: key(0), common: key(32 - index)}},
			}),
		),
	);
	const described = await call<{count: number}>(two, 'GET', VERSION, {token});
	t.is(described.count, 33);
	const {sessions} = await call<{sessions: Record<string, {first_message_index: number}>}>(one, 'GET', path, {token});
	t.is(Object.keys(sessions).length, 33);
	t.is(sessions['common']?.first_message_index, 1);
	// Versions too are made one after the other.
	const versions = await Promise.all(
		Array.from({length: 8}, (_, index) =>
			call<{version: string}>(index % 2 === 0 ? one : two, 'POST', VERSION, {token, body: METHOD}),
		),
	);
	t.is(new Set(versions.map((made) => made.version)).size, 8);
});
