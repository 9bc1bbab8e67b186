/** A server is lost and restored from yesterday's backup: its partner and its people's clients know more than it does. */
import {execFile} from 'node:child_process';
import {rmSync} from 'node:fs';
import {join} from 'node:path';
import test, {type ExecutionContext, registerCompletionHandler} from 'ava';
import {
	type ClientTarget,
	call,
	createTestDevice,
	findPostgres,
	login,
	PostgresServer,
	register,
	type ServerProcess,
	type Session,
	startServer,
	startServers,
	until,
} from '../harness/index.ts';
import {EncryptedClient} from './encrypted-client.ts';
import {PlainClient} from './plain-client.ts';

// The SDK leaves timers behind, and the process would wait for them.
registerCompletionHandler(() => process.exit());

const PROGRAM = join(process.cwd(), 'dist/server/cli/broadsheet.js');

/** Runs a command with a server's configuration; its output. */
function run(server: ServerProcess, ...words: readonly string[]): Promise<string> {
	const args = [PROGRAM, ...words, '--config', join(server.directory, 'homeserver.yaml')];
	return new Promise((resolve, reject) => {
		execFile(process.execPath, args, (error, stdout, stderr) => {
			if (error === null) resolve(stdout);
			else reject(new Error(`${words.join(' ')}: ${stderr}`));
		});
	});
}

/** The machine is gone with all that was on its disk; another one takes its place. */
async function loseAndRestore(server: ServerProcess, file: string, ...options: readonly string[]): Promise<void> {
	await server.kill();
	rmSync(server.data, {recursive: true});
	await run(server, 'restore', file, ...options);
	await server.start();
}

/** Whom somebody sees among another's devices. */
async function listDevices(server: ClientTarget, {access_token: token}: Session, of: Session): Promise<string[]> {
	const {device_keys: keys} = await call<{device_keys: Record<string, Record<string, object>>}>(
		server,
		'POST',
		'/_matrix/client/v3/keys/query',
		{token, body: {device_keys: {[of.user_id]: []}}},
	);
	return Object.keys(keys[of.user_id] ?? {}).toSorted();
}

const uploadKeys = (server: ClientTarget, session: Session) =>
	call(server, 'POST', '/_matrix/client/v3/keys/upload', {
		token: session.access_token,
		body: {device_keys: createTestDevice(session).deviceKeys},
	});

/** How many one-time keys a server has of a device. */
async function countKeys(server: ClientTarget, {access_token: token}: Session): Promise<number> {
	const {one_time_key_counts: counts} = await call<{one_time_key_counts: Record<string, number>}>(
		server,
		'POST',
		'/_matrix/client/v3/keys/upload',
		{token, body: {}},
	);
	return counts['signed_curve25519'] ?? 0;
}

async function inTime(
	t: ExecutionContext,
	servers: readonly ServerProcess[],
	task: () => Promise<void>,
): Promise<void> {
	try {
		await task();
		t.pass();
	} catch (cause) {
		for (const server of servers) t.log(server.readLog().slice(-3_000));
		throw cause;
	}
}

test.serial('R13: encryption goes on when a server is restored from yesterday', async (t) => {
	await using servers = await startServers(2);
	const [here, there] = servers.list as [ServerProcess, ServerProcess];
	const session = await register(here, 'editor');
	using editor = await EncryptedClient.open(here, session);
	using source = await EncryptedClient.open(there, await register(there, 'correspondent'));
	await inTime(t, servers.list, async () => {
		const roomId = await editor.createRoom(source.userId, '11');
		await source.accept(roomId);
		await editor.meet(roomId, source.userId);
		await editor.say(roomId, 'before');
		await source.hear(roomId, ['before']);
		await source.say(roomId, 'before too');
		await editor.hear(roomId, ['before too']);
		const file = join(here.directory, 'yesterday.tar');
		await run(here, 'backup', file);
		// What the backup knows nothing of: messages from both, and a session that took a one-time key.
		await editor.say(roomId, 'lost here');
		await source.hear(roomId, ['lost here']);
		await source.say(roomId, 'told to the lost');
		await editor.hear(roomId, ['told to the lost']);
		using early = await EncryptedClient.open(there, await register(there, 'early'));
		const earlyRoom = await early.createRoom(editor.userId, '11');
		await editor.accept(earlyRoom);
		await early.say(earlyRoom, 'with a key that is gone');
		await editor.hear(earlyRoom, ['with a key that is gone']);
		await loseAndRestore(here, file);
		await until(async () => (await countKeys(here, session)) > 0, 'new one-time keys', 30_000);
		await source.say(roomId, 'after');
		await editor.hear(roomId, ['after']);
		await editor.say(roomId, 'after too');
		await source.hear(roomId, ['after too']);
		// Sessions are made with the new keys, in both directions.
		using late = await EncryptedClient.open(there, await register(there, 'late'));
		const lateRoom = await late.createRoom(editor.userId, '11');
		await editor.accept(lateRoom);
		await late.meet(lateRoom, editor.userId);
		await late.say(lateRoom, 'with a new key');
		await editor.hear(lateRoom, ['with a new key']);
		await editor.say(lateRoom, 'and back');
		await late.hear(lateRoom, ['and back']);
		// The partner learns of a device that comes after the restoration.
		using second = await EncryptedClient.open(here, await login(here, 'editor'));
		await until(
			async () => {
				const devices = await source.sdk.getCrypto()?.getUserDeviceInfo([editor.userId], true);
				return (devices?.get(editor.userId)?.size ?? 0) >= 2;
			},
			'the second device',
			30_000,
		);
		await source.say(roomId, 'to both devices');
		await second.hear(roomId, ['to both devices']);
		await editor.hear(roomId, ['to both devices']);
	});
});

async function converseOn(
	t: ExecutionContext,
	here: ServerProcess,
	there: ServerProcess,
	options: readonly string[] = [],
): Promise<void> {
	const [ofEditor, ofSource] = [await register(here, 'editor'), await register(there, 'correspondent')];
	using editor = new PlainClient(here, ofEditor);
	using source = new PlainClient(there, ofSource);
	await uploadKeys(here, ofEditor);
	await uploadKeys(there, ofSource);
	// Each sees the other's devices, as its server keeps them.
	const areSeen = (editors: readonly Session[], sources: readonly Session[]) =>
		until(
			async () => {
				const seen = [await listDevices(there, ofSource, ofEditor), await listDevices(here, ofEditor, ofSource)];
				const wanted = [editors, sources].map((sessions) => sessions.map((session) => session.device_id).toSorted());
				return JSON.stringify(seen) === JSON.stringify(wanted);
			},
			`${editors.length} devices here and ${sources.length} there`,
			30_000,
		);
	await inTime(t, [here, there], async () => {
		const roomId = await editor.createRoom(source.userId, '12');
		await source.accept(roomId);
		await editor.meet(roomId, source.userId);
		await editor.say(roomId, 'before');
		await source.hear(roomId, ['before']);
		await areSeen([ofEditor], [ofSource]);
		// A transaction is under way while the backup is made, and taken before the server is lost.
		await there.stop();
		await editor.say(roomId, 'in flight');
		const file = join(here.directory, 'yesterday.tar');
		await run(here, 'backup', file);
		await there.start();
		await source.say(roomId, 'here again');
		await source.hear(roomId, ['in flight']);
		await editor.hear(roomId, ['here again']);
		const [hereAnew, thereAnew] = [await login(here, 'editor'), await login(there, 'correspondent')];
		await uploadKeys(here, hereAnew);
		await uploadKeys(there, thereAnew);
		await areSeen([ofEditor, hereAnew], [ofSource, thereAnew]);
		const lost: string[] = [];
		for (let index = 0; index < 5; index += 1) {
			await editor.say(roomId, `lost here ${index}`);
			await source.say(roomId, `told to the lost ${index}`);
			lost.push(`lost here ${index}`, `told to the lost ${index}`);
		}
		await source.hear(roomId, lost);
		await editor.hear(roomId, lost);
		await loseAndRestore(here, file, ...options);
		// The partner forgets a device that came after the backup, and here one is known that the backup does not.
		await areSeen([ofEditor], [ofSource, thereAnew]);
		// This server goes on where it was: its events fork off what the others have.
		await editor.say(roomId, 'after, of one who knows less');
		await source.hear(roomId, ['after, of one who knows less']);
		await source.say(roomId, 'after');
		// With what comes next the server gets back what it lost, its own events too, each once.
		const all = ['before', 'in flight', 'here again', ...lost, 'after, of one who knows less', 'after'];
		await editor.hear(roomId, all);
		await editor.say(roomId, 'at last');
		await source.hear(roomId, [...all, 'at last']);
	});
}

test.serial('R13: a server that is restored from yesterday federates, and gets its own events back', async (t) => {
	await using servers = await startServers(2);
	const [here, there] = servers.list as [ServerProcess, ServerProcess];
	await converseOn(t, here, there);
});

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);

('skipped' in found ? test.skip : test.serial)('R13: so does a server on PostgreSQL', async (t) => {
	if ('skipped' in found) return;
	await using postgres = await PostgresServer.start(found.programs);
	await using servers = await startServers(1);
	const [there] = servers.list as [ServerProcess];
	const config = {database: await postgres.createDatabase('here')};
	await using here = await startServer({authority: servers.authority, config});
	await converseOn(t, here, there, ['--replace']);
});
