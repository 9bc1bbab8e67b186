/** What is left on the disk of a source whose account was erased. */
import {existsSync, readdirSync, readFileSync, statSync, utimesSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {type App, call, createTestDevice, path, type Session, until} from '../../harness/index.ts';
import {startSourceWorld, takeSource, V3} from './source-world.ts';

/** Every file of the server below its folder, its log aside, with the content of each. */
function readFiles({directory}: App): Map<string, Buffer> {
	const names = readdirSync(directory, {recursive: true, encoding: 'utf8'});
	const files = names.filter((name) => statSync(join(directory, name)).isFile());
	return new Map(files.map((name) => [name, readFileSync(join(directory, name))]));
}

/** Leaves a mark in everything that a source can leave something in; the marks, by what they are in. */
async function leaveMarks(app: App, source: Session, roomId: string, colleague: Session) {
	const {access_token: token, user_id: userId, device_id: deviceId} = source;
	const mark = (what: string): string => `marked-${what}-${'x'.repeat(8)}`;
	const put = (where: string, body: object) => call(app, 'PUT', V3 + where, {token, body});
	const own = `/user/${path(userId)}`;
	await put(`/devices/${path(deviceId)}`, {display_name: mark('device')});
	await put(`${own}/account_data/org.example.kind`, {text: mark('account-data')});
	await put(`${own}/rooms/${path(roomId)}/account_data/org.example.kind`, {text: mark('room-data')});
	await put(`${own}/rooms/${path(roomId)}/tags/u.${mark('tag')}`, {});
	await put(`/pushrules/global/underride/${mark('rule')}`, {actions: [], conditions: []});
	await call(app, 'POST', `${V3}${own}/filter`, {
		token,
		body: {room: {not_senders: [`@${mark('filter')}:news.example`]}},
	});
	const device = createTestDevice(source);
	const keys = {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('a')};
	await call(app, 'POST', `${V3}/keys/upload`, {token, body: keys});
	const {version} = await call<{version: string}>(app, 'POST', `${V3}/room_keys/version`, {
		token,
		body: {algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {text: mark('backup')}},
	});
	await put(`/room_keys/keys/${path(roomId)}/session?version=${version}`, {
		first_message_index: 0,
		forwarded_count: 0,
		is_verified: false,
		session_data: {text: mark('backed-up-key')},
	});
	await put('/sendToDevice/org.example.kind/own', {messages: {[userId]: {'*': {text: mark('to-device-own')}}}});
	await call(app, 'PUT', `${V3}/sendToDevice/org.example.kind/1`, {
		token: colleague.access_token,
		body: {messages: {[userId]: {[deviceId]: {text: mark('to-device')}}}},
	});
	const uploaded = await fetch(`${app.url}/_matrix/media/v3/upload?filename=${mark('file-name')}`, {
		method: 'POST',
		headers: {authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream'},
		body: mark('upload'),
	});
	if (uploaded.status !== 200) throw new Error(`expected an upload, got ${uploaded.status}`);
	const texts =
		'device account-data room-data tag rule filter backup backed-up-key to-device-own to-device file-name upload';
	const marks = new Map(texts.split(' ').map((what) => [what, mark(what)]));
	marks.set(
		'device keys',
		JSON.stringify(keys.device_keys)
			.match(/"[A-Za-z0-9+/]{43}"/u)?.[0]
			.slice(1, -1) ?? '',
	);
	return marks;
}

test('of a source whose account was erased nothing is on the disk but its name and what it wrote in its room', async (t) => {
	const {app, alice} = await startSourceWorld(t, {}, {server_notices: {enabled: true}});
	const {session, roomId} = await takeSource(app, alice, {name: 'marked-link-xxxxxxxx'});
	const marks = await leaveMarks(app, session, roomId, alice);
	marks.set('link', 'marked-link-xxxxxxxx');
	const before = [...readFiles(app).values()];
	for (const [what, text] of marks)
		t.true(
			before.some((bytes) => bytes.includes(text)),
			`the look sees the ${what}`,
		);
	// A file that has just come may be of somebody else's upload, and is looked at again later; the clock of files is the machine's.
	for (const name of readFiles(app).keys())
		if (name.startsWith('data/media/')) utimesSync(join(app.directory, name), 0, 0);
	await app.application.services.sourceLinks.end(alice.user_id as UserId, session.user_id as UserId);
	const kinds = ['leave-rooms', 'remove-room-keys', 'remove-content'];
	const {storage} = app.application;
	await until(async () => {
		const dues = await Promise.all(kinds.map((kind) => storage.jobs.findNextDue([kind])));
		return dues.every((dueTs) => dueTs === undefined || dueTs > Date.now() + 60_000);
	}, 'the jobs to be done');
	await app.application.stop();
	t.false(existsSync(join(app.directory, 'data/broadsheet.db-wal')));
	const after = readFiles(app);
	for (const [place, bytes] of after) {
		for (const [what, text] of marks) t.false(bytes.includes(text), `${place}: ${what}`);
	}
	t.true(
		[...after.values()].some((bytes) => bytes.includes(session.user_id)),
		'the name is not given again',
	);
});
