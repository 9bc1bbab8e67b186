import {execFile} from 'node:child_process';
import {readFileSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import {encodeBase64, loadOldVerifyKeys, loadSigningKeys} from '../../../crypto/index.ts';
import {type App, call, register, type Session, startApp, startApps, until} from '../../harness/index.ts';

const PROGRAM = join(process.cwd(), 'dist/server/cli/broadsheet.js');
const CLIENT = '/_matrix/client/v3';

function rotate(app: App) {
	const args = [PROGRAM, 'key', 'rotate', '--config', join(app.directory, 'homeserver.yaml')];
	return new Promise<{status: number | null; stdout: string; stderr: string}>((resolve) => {
		const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
			resolve({status: child.exitCode, stdout, stderr}),
		);
	});
}

const keyFile = (app: App): string => join(app.directory, 'data', 'signing.key');
const oldFile = (app: App): string => join(app.directory, 'data', 'old-signing.keys');

test('a key is changed while the server is down, and the ones before it are published as old', async (t) => {
	const app = await startApp(t);
	const [first] = await loadSigningKeys(keyFile(app));
	const running = await rotate(app);
	t.is(running.status, 1);
	t.regex(running.stderr, /stop it first/u);
	t.like((await loadSigningKeys(keyFile(app)))[0], {keyId: first?.keyId});
	await app.application.stop();
	const before = Date.now();
	t.is((await rotate(app)).status, 0);
	const [second] = await loadSigningKeys(keyFile(app));
	const {status, stdout} = await rotate(app);
	t.is(status, 0);
	const keys = await loadSigningKeys(keyFile(app));
	t.is(keys.length, 1);
	t.true(stdout.includes(`signs with ${keys[0]?.keyId} from its next start on`));
	t.true(stdout.includes(`${second?.keyId} is published as an old key`));
	const old = await loadOldVerifyKeys(oldFile(app));
	t.deepEqual(
		old.map(({keyId, publicKey}) => [keyId, encodeBase64(publicKey)]),
		[
			[first?.keyId, encodeBase64(first!.publicKey)],
			[second?.keyId, encodeBase64(second!.publicKey)],
		],
	);
	t.true(old.every(({expiredTs}) => expiredTs >= before && expiredTs <= Date.now()));
	t.is(statSync(keyFile(app)).mode & 0o777, 0o600);
	const again = await app.restart();
	const document = await call<Record<string, object>>(again, 'GET', '/_matrix/key/v2/server');
	t.deepEqual(Object.keys(document['verify_keys'] ?? {}), [keys[0]?.keyId]);
	t.deepEqual(Object.keys(document['old_verify_keys'] ?? {}).toSorted(), [first!.keyId, second!.keyId].toSorted());
});

test('a key that was about to be changed when the machine stopped is changed by the same command again', async (t) => {
	const app = await startApp(t);
	await app.application.stop();
	const key = readFileSync(keyFile(app), 'utf8');
	t.is((await rotate(app)).status, 0);
	// As it is between the two writes.
	writeFileSync(keyFile(app), key);
	t.is((await rotate(app)).status, 0);
	t.not(readFileSync(keyFile(app), 'utf8'), key);
	t.is((await loadOldVerifyKeys(oldFile(app))).length, 1);
});

test('without a key there is nothing to change', async (t) => {
	const app = await startApp(t);
	await app.application.stop();
	writeFileSync(keyFile(app), '');
	const {status, stderr} = await rotate(app);
	t.is(status, 1);
	t.regex(stderr, /has no key in it/u);
});

interface Person extends Session {
	readonly server: App;
}

const post = <T = Record<string, string>>({server, access_token: token}: Person, path: string, body: object = {}) =>
	call<T>(server, 'POST', CLIENT + path, {token, body});

const say = ({server, access_token: token}: Person, roomId: string, body: string) =>
	call<{event_id: string}>(server, 'PUT', `${CLIENT}/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${body}`, {
		token,
		body: {msgtype: 'm.text', body},
	});

const hears = ({server, access_token: token}: Person, roomId: string, bodies: readonly string[]) =>
	until(async () => {
		const path = `${CLIENT}/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100`;
		const {chunk} = await call<{chunk: {content: {body?: string}}[]}>(server, 'GET', path, {token});
		return bodies.every((body) => chunk.filter(({content}) => content.body === body).length === 1);
	}, `${bodies.join()} heard`);

test('B7: partners take what is signed with the new key, and one that comes later what the old key signed', async (t) => {
	const [here, there, later] = (await startApps(t, 3)) as [App, App, App];
	let alice: Person = {...(await register(here, 'alice')), server: here};
	const bob: Person = {...(await register(there, 'bobby')), server: there};
	const carol: Person = {...(await register(later, 'carol')), server: later};
	const invite = {invite: [bob.user_id], preset: 'public_chat'};
	const {room_id: roomId} = await post<{room_id: string}>(alice, '/createRoom', invite);
	await post(bob, `/join/${encodeURIComponent(roomId)}`);
	await say(alice, roomId, 'with-the-old-key');
	await hears(bob, roomId, ['with-the-old-key']);
	await here.application.stop();
	t.is((await rotate(here)).status, 0);
	alice = {...alice, server: await here.restart()};
	// A partner asks for keys that it does not know at most once a minute.
	there.advance(61_000);
	await say(alice, roomId, 'with-the-new-key');
	await hears(bob, roomId, ['with-the-old-key', 'with-the-new-key']);
	await say(bob, roomId, 'and-back');
	await hears(alice, roomId, ['and-back']);
	// Whoever has never heard of the old key finds it published: the room's own events are signed with it.
	const server = here.application.services.config.serverName;
	await post(carol, `/join/${encodeURIComponent(roomId)}?via=${server}&server_name=${server}`);
	await hears(carol, roomId, ['with-the-old-key', 'with-the-new-key', 'and-back']);
	await say(alice, roomId, 'to-all');
	await hears(carol, roomId, ['to-all']);
	await hears(bob, roomId, ['to-all']);
});
