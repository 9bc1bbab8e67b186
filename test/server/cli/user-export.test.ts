import {execFile} from 'node:child_process';
import {existsSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {text} from 'node:stream/consumers';
import test from 'ava';
import {openPromise} from 'yauzl';
import type {UserId} from '../../../crypto/index.ts';
import {type App, call, passwordOf, signInOnPage} from '../../harness/index.ts';
import {newsroom, room} from '../api/client-server/newsroom.ts';

const PROGRAM = join(process.cwd(), 'dist/server/cli/broadsheet.js');

function run(app: App, ...words: readonly string[]) {
	const args = [PROGRAM, 'user', 'export', ...words, '--config', join(app.directory, 'homeserver.yaml')];
	return new Promise<{status: number | null; stdout: string; stderr: string}>((resolve) => {
		const child = execFile(process.execPath, args, (_error, stdout, stderr) =>
			resolve({status: child.exitCode, stdout, stderr}),
		);
	});
}

/** Reads every file of a zip. */
async function unpack(file: string): Promise<Map<string, string>> {
	const zip = await openPromise(file);
	const files = new Map<string, string>();
	for await (const entry of zip.eachEntry())
		files.set(entry.fileName, await text(await zip.openReadStreamPromise(entry)));
	return files;
}

const read = (files: ReadonlyMap<string, string>, name: string): unknown => JSON.parse(files.get(name) ?? 'null');

interface Room {
	readonly room_id: string;
	readonly membership: string;
	readonly name: string | null;
	readonly file: string;
}

test('a person is given all that is theirs as a zip, beside the running server, and nothing of others', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	const me = encodeURIComponent(alice.id);
	const roomId = await alice.create({preset: 'public_chat', name: 'desk'});
	const left = await alice.create({preset: 'public_chat', name: 'left behind'});
	await bob.join(roomId);
	const said: string[] = [];
	for (let index = 0; index < 210; index += 1) said.push(`line ${index}`);
	for (const body of said) await alice.say(roomId, body);
	const taken = await alice.say(roomId, 'taken back');
	await alice.do('PUT', `${room(roomId)}/redact/${encodeURIComponent(taken)}/1`, {});
	await bob.say(roomId, 'said by bob');
	await alice.do('POST', `${room(left)}/leave`, {});
	await alice.do('POST', `${room(left)}/forget`, {});
	await alice.do('PUT', `/profile/${me}/displayname`, {displayname: 'Alice'});
	await alice.do('PUT', `/user/${me}/account_data/org.example`, {note: 'mine'});
	await alice.do('POST', `/user/${me}/filter`, {room: {timeline: {limit: 3}}});
	await alice.do('POST', '/room_keys/version', {algorithm: 'org.example', auth_data: {note: 'backup'}});
	await alice.do('PUT', `/room_keys/keys/${encodeURIComponent(roomId)}/abc?version=1`, {
		first_message_index: 0,
		forwarded_count: 0,
		is_verified: true,
		session_data: {note: 'encrypted'},
	});
	const {content_uri: uri} = await call<{content_uri: string}>(
		app,
		'POST',
		'/_matrix/media/v3/upload?filename=a.json',
		{
			token: alice.session.access_token,
			text: '"a file"',
		},
	);
	await signInOnPage(app, 'alice', passwordOf('alice'));
	const output = join(app.directory, 'alice.zip');
	const {status, stdout, stderr} = await run(app, 'alice', '--output', output);
	t.deepEqual([status, stderr], [0, '']);
	t.regex(stdout, /of 2 rooms, 1 files/u);
	t.is(statSync(output).mode & 0o777, 0o600);
	t.false(existsSync(`${output}.partial`));

	const files = await unpack(output);
	t.like(read(files, 'account.json'), {user_id: alice.id, server_name: 'news.example', is_admin: false});
	t.deepEqual(read(files, 'profile.json'), {displayname: 'Alice'});
	t.like(read(files, 'devices.json'), {devices: [{device_id: alice.session.device_id}]});
	t.deepEqual(read(files, 'sign_in.json'), {code_generator: null, recovery_codes_left: 0, passkeys: []});
	t.true(files.get('account_data.json')?.includes('mine'));
	t.like((read(files, 'filters.json') as object[])[0], {filter: {room: {timeline: {limit: 3}}}});
	t.like((read(files, 'browsers.json') as object[])[0], {proofs: [{proof: 'password'}]});
	t.like(read(files, 'key_backups/1.json'), {
		algorithm: 'org.example',
		keys: [{room_id: roomId, session_id: 'abc', session_data: {note: 'encrypted'}}],
	});
	const rooms = read(files, 'rooms.json') as Room[];
	t.deepEqual(
		rooms.map(({room_id: id, membership, name}) => [id, membership, name]),
		[
			[roomId, 'join', 'desk'],
			[left, 'leave', null],
		],
	);
	const {events} = read(files, rooms[0]!.file) as {events: {sender: string; content: {body?: string}}[]};
	t.true(events.every(({sender}) => sender === alice.id));
	t.deepEqual(
		events.map(({content}) => content.body).filter((body) => body?.startsWith('line') === true),
		said,
	);
	t.like((read(files, 'media.json') as object[])[0], {uri, file_name: 'a.json', content_type: 'application/json'});
	t.is(files.get(`media/${uri.split('/').at(-1)}`), '"a file"');
	const everything = [...files.values()].join('');
	for (const other of ['said by bob', 'taken back', alice.session.access_token])
		t.false(everything.includes(other), other);
});

test('an archive has the address, receipts, pushers and delayed events of its person, and nobody else’s', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat', name: 'desk'});
	await bob.join(roomId);
	const said = await bob.say(roomId, 'said by bob');
	const answered = await alice.say(roomId, 'said by alice');
	const {storage} = app.application;
	const addresses = storage.batch();
	for (const [person, name] of [
		[alice, 'alice'],
		[bob, 'bob'],
	] as const) {
		const address = `${name}@mail.example`;
		const row = {userId: person.id as UserId, address, canonical: address, language: 'en', addedDay: 20_000};
		storage.mailAddresses.set(addresses, row);
	}
	await storage.commit(addresses);
	for (const [person, name, eventId] of [
		[alice, 'alice', said],
		[bob, 'bob', answered],
	] as const) {
		await person.do('POST', `${room(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
		await person.do('POST', `${room(roomId)}/receipt/m.read.private/${encodeURIComponent(eventId)}`, {
			thread_id: 'main',
		});
		await person.do('POST', '/pushers/set', {
			kind: 'http',
			app_id: 'org.example',
			pushkey: `key of ${name}`,
			app_display_name: 'App',
			device_display_name: 'Phone',
			lang: 'en',
			data: {url: 'https://push.example/_matrix/push/v1/notify'},
		});
		const later = `${room(roomId)}/send/m.room.message/later?org.matrix.msc4140.delay=3600000`;
		await person.do('PUT', later, {msgtype: 'm.text', body: `later by ${name}`});
	}
	const output = join(app.directory, 'alice.zip');
	const {status, stderr} = await run(app, 'alice', '--output', output);
	t.deepEqual([status, stderr], [0, '']);

	const files = await unpack(output);
	t.like(read(files, 'account.json'), {email: 'alice@mail.example'});
	const [pusher, ...otherPushers] = read(files, 'pushers.json') as object[];
	t.like(pusher, {pushkey: 'key of alice', app_id: 'org.example', device_id: alice.session.device_id});
	t.deepEqual(otherPushers, []);
	t.deepEqual(read(files, 'delayed_events.json'), [
		{
			room_id: roomId,
			type: 'm.room.message',
			content: {msgtype: 'm.text', body: 'later by alice'},
			delay_ms: 3_600_000,
		},
	]);
	const [{file}] = read(files, 'rooms.json') as [Room];
	const {receipts} = read(files, file) as {receipts: {type: string; event_id: string; thread_id?: string}[]};
	t.is(receipts.length, 2);
	t.like(
		receipts.find(({type}) => type === 'm.read'),
		{event_id: said, thread_id: undefined},
	);
	t.like(
		receipts.find(({type}) => type === 'm.read.private'),
		{event_id: said, thread_id: 'main'},
	);
	const everything = [...files.values()].join('');
	for (const other of ['bob@mail', 'key of bob', 'later by bob']) t.false(everything.includes(other), other);
});

test('an archive replaces no file, and of nobody there is none', async (t) => {
	const {app} = await newsroom(t);
	const output = join(app.directory, 'taken.zip');
	writeFileSync(output, 'of somebody else');
	const taken = await run(app, 'alice', '--output', output);
	t.is(taken.status, 1);
	t.regex(taken.stderr, /EEXIST/u);
	t.is((await run(app, 'alice')).status, 1);
	const nobody = await run(app, 'nobody', '--output', join(app.directory, 'nobody.zip'));
	t.is(nobody.status, 1);
	t.regex(nobody.stderr, /no such account/u);
	t.false(existsSync(join(app.directory, 'nobody.zip')));
});
