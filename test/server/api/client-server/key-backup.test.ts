import test from 'ava';
import type {RoomId, UserId} from '../../../../crypto/index.ts';
import type {RoomKeyRow} from '../../../../server/encryption/index.ts';
import {type App, call, passwordOf, register, request, type Session, startApp, until} from '../../../harness/index.ts';

const VERSION = '/_matrix/client/v3/room_keys/version';
const KEYS = '/_matrix/client/v3/room_keys/keys';
const METHOD = {
	algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2',
	auth_data: {public_key: 'abc', signatures: {'@alice:news.example': {'ed25519:D': 'xyz'}}},
};

interface State {
	readonly etag: string;
	readonly count: number;
}

interface Key {
	readonly first_message_index: number;
	readonly forwarded_count: number;
	readonly is_verified: boolean;
	readonly session_data: object;
}

type Room = Readonly<Record<'sessions', Record<string, Key>>>;

const key = (having: Partial<Key> = {}): Key => ({
	first_message_index: 1,
	forwarded_count: 1,
	is_verified: true,
	session_data: {ephemeral: 'e', ciphertext: 'c', mac: 'm'},
	...having,
});

/** Somebody with a backup. */
class Owner {
	readonly app: App;
	readonly session: Session;
	constructor(app: App, session: Session) {
		this.app = app;
		this.session = session;
	}

	do<T = State>(method: string, path: string, body?: unknown): Promise<T> {
		return call<T>(this.app, method, path, {token: this.session.access_token, body});
	}

	async refused(method: string, path: string, body?: unknown): Promise<string> {
		const answer = await request(this.app, method, path, {token: this.session.access_token, body});
		return `${answer.status} ${String(answer.body['errcode'])}`;
	}

	async begin(): Promise<string> {
		return (await this.do<{version: string}>('POST', VERSION, METHOD)).version;
	}
}

async function start(...[t, name = 'alice']: [Parameters<typeof startApp>[0], string?]): Promise<Owner> {
	const app = await startApp(t);
	return new Owner(app, await register(app, name));
}

test('a version is made, described, changed and deleted', async (t) => {
	const alice = await start(t);
	t.is(await alice.refused('GET', VERSION), '404 M_NOT_FOUND');
	const version = await alice.begin();
	const described = {...METHOD, version, count: 0, etag: '0'};
	t.deepEqual(await alice.do('GET', VERSION), described);
	t.deepEqual(await alice.do('GET', `${VERSION}/${version}`), described);
	const auth_data = {public_key: 'abc', signatures: {}};
	t.deepEqual(await alice.do('PUT', `${VERSION}/${version}`, {...METHOD, auth_data}), {});
	t.deepEqual(await alice.do('GET', VERSION), {...described, auth_data});
	t.deepEqual(await alice.do('PUT', `${VERSION}/${version}`, {...METHOD, version}), {});
	t.deepEqual(await alice.do('DELETE', `${VERSION}/${version}`), {});
	t.is(await alice.refused('GET', VERSION), '404 M_NOT_FOUND');
	t.is(await alice.refused('GET', `${VERSION}/${version}`), '404 M_NOT_FOUND');
});

test('a new version takes the place of the one before, which comes back when the new one is deleted', async (t) => {
	const alice = await start(t);
	const [first, second] = [await alice.begin(), await alice.begin()];
	t.like(await alice.do('GET', VERSION), {version: second});
	t.like(await alice.do('GET', `${VERSION}/${first}`), {version: first});
	await alice.do('DELETE', `${VERSION}/${second}`);
	t.like(await alice.do('GET', VERSION), {version: first});
	t.deepEqual(await alice.do('DELETE', `${VERSION}/${second}`), {}, 'deleted before');
	t.is(await alice.refused('DELETE', `${VERSION}/77`), '404 M_NOT_FOUND');
	const third = await alice.begin();
	t.false([first, second].includes(third));
	t.deepEqual(await alice.do('DELETE', `${VERSION}/${second}`), {}, 'deleted before');
});

test('what does not fit a version is refused', async (t) => {
	const alice = await start(t);
	const version = await alice.begin();
	const rows: [string, string, unknown, string][] = [
		['POST', VERSION, {algorithm: 'x'}, '400 M_BAD_JSON'],
		['POST', VERSION, {auth_data: {}}, '400 M_BAD_JSON'],
		['POST', VERSION, {algorithm: '', auth_data: {}}, '400 M_BAD_JSON'],
		['POST', VERSION, {algorithm: 'x', auth_data: {number: 1.5}}, '400 M_BAD_JSON'],
		['POST', VERSION, {algorithm: 'x', auth_data: {padding: 'x'.repeat(70_000)}}, '413 M_TOO_LARGE'],
		['PUT', `${VERSION}/${version}`, {...METHOD, algorithm: 'other'}, '400 M_INVALID_PARAM'],
		['PUT', `${VERSION}/${version}`, {...METHOD, version: '2'}, '400 M_INVALID_PARAM'],
		['PUT', `${VERSION}/2`, METHOD, '404 M_NOT_FOUND'],
		['PUT', `${VERSION}/one`, METHOD, '404 M_NOT_FOUND'],
		['GET', `${VERSION}/01`, undefined, '404 M_NOT_FOUND'],
		['DELETE', `${VERSION}/-1`, undefined, '404 M_NOT_FOUND'],
	];
	for (const [method, path, body, expected] of rows) {
		t.is(await alice.refused(method, path, body), expected, `${method} ${path}`);
	}
	t.is((await request(alice.app, 'GET', VERSION)).status, 401);
	for (let versions = 1; versions < 50; versions += 1) await alice.begin();
	t.is(await alice.refused('POST', VERSION, METHOD), '403 M_FORBIDDEN');
	await alice.do('DELETE', `${VERSION}/${version}`);
	t.is(await alice.begin(), '51');
});

test('keys are put, given and deleted one by one, by room and all together', async (t) => {
	const alice = await start(t);
	const version = await alice.begin();
	const at = (path: string) => `${KEYS}${path}?version=${version}`;
	t.deepEqual(await alice.do('GET', at('')), {rooms: {}});
	t.deepEqual(await alice.do('GET', at('/!a:x')), {sessions: {}});
	t.is(await alice.refused('GET', at('/!a:x/s')), '404 M_NOT_FOUND');
	t.deepEqual(await alice.do('PUT', at('/!a:x/s%2F1'), key()), {etag: '1', count: 1});
	t.deepEqual(await alice.do('GET', at('/!a:x/s%2F1')), key());
	const sessions = {s2: key(), s3: key({first_message_index: 0})};
	t.deepEqual(await alice.do('PUT', at('/!a:x'), {sessions}), {etag: '2', count: 3});
	const rooms = {'!b:x': {sessions: {s4: key()}}, '!c"\n:x': {sessions: {'"': key()}}, '!d:x': {sessions: {}}};
	t.deepEqual(await alice.do('PUT', at(''), {rooms}), {etag: '3', count: 5});
	t.like(await alice.do('GET', VERSION), {etag: '3', count: 5});
	t.deepEqual(await alice.do('GET', at('/!a:x')), {sessions: {...sessions, 's/1': key()}});
	const {'!d:x': _empty, ...filled} = rooms;
	t.deepEqual(await alice.do('GET', at('')), {rooms: {...filled, '!a:x': {sessions: {...sessions, 's/1': key()}}}});
	t.deepEqual(await alice.do('PUT', at(''), {rooms}), {etag: '3', count: 5}, 'nothing changed');
	t.deepEqual(await alice.do('PUT', at(''), {rooms: {}}), {etag: '3', count: 5});
	t.deepEqual(await alice.do('DELETE', at('/!a:x/s2')), {etag: '4', count: 4});
	t.deepEqual(await alice.do('DELETE', at('/!a:x/s2')), {etag: '4', count: 4});
	t.deepEqual(await alice.do('DELETE', at('/!a:x')), {etag: '5', count: 2});
	t.deepEqual(Object.keys((await alice.do<{rooms: object}>('GET', at(''))).rooms), ['!b:x', '!c"\n:x']);
	t.deepEqual(await alice.do('DELETE', at('')), {etag: '6', count: 0});
	t.deepEqual(await alice.do('GET', at('')), {rooms: {}});
});

test('of two keys of one session the verified, then the earlier, then the less forwarded one is kept', async (t) => {
	const alice = await start(t);
	const version = await alice.begin();
	// From the worst to the best.
	const ranks: [boolean, number, number][] = [
		[false, 5, 5],
		[false, 5, 4],
		[false, 4, 9],
		[true, 7, 7],
		[true, 7, 6],
		[true, 6, 8],
		[true, 0, 9],
		[true, 0, 0],
	];
	const keys = ranks.map(([is_verified, first_message_index, forwarded_count], rank) =>
		key({is_verified, first_message_index, forwarded_count, session_data: {rank}}),
	);
	for (const [a, kept] of keys.entries()) {
		for (const [b, offered] of keys.entries()) {
			const path = `${KEYS}/!r:x/s${a}-${b}?version=${version}`;
			await alice.do('PUT', path, kept);
			await alice.do('PUT', path, offered);
			t.deepEqual(await alice.do<Key>('GET', path), b > a ? offered : kept, `${a} then ${b}`);
		}
	}
	const same = `${KEYS}/!r:x/same?version=${version}`;
	await alice.do('PUT', same, key({session_data: {which: 'first'}}));
	const {etag} = await alice.do('PUT', same, key({session_data: {which: 'second'}}));
	t.deepEqual((await alice.do<Key>('GET', same)).session_data, {which: 'first'});
	t.is((await alice.do('GET', VERSION)).etag, etag);
});

test('keys are added to the newest version only, and given and deleted in any', async (t) => {
	const alice = await start(t);
	const path = (version: string) => `${KEYS}/!r:x/s?version=${version}`;
	t.is(await alice.refused('PUT', path('1'), key()), '404 M_NOT_FOUND');
	const first = await alice.begin();
	await alice.do('PUT', path(first), key());
	const second = await alice.begin();
	for (const [at, body] of [
		[`/!r:x/s?version=${first}`, key()],
		[`/!r:x?version=${first}`, {sessions: {s: key()}}],
		[`?version=${first}`, {rooms: {}}],
	] as const) {
		const answer = await request(alice.app, 'PUT', KEYS + at, {token: alice.session.access_token, body});
		t.is(answer.status, 403);
		t.like(answer.body, {errcode: 'M_WRONG_ROOM_KEYS_VERSION', current_version: second});
	}
	t.is(await alice.refused('PUT', path('9'), key()), '404 M_NOT_FOUND');
	t.is(await alice.refused('PUT', path('bogus'), key()), '404 M_NOT_FOUND');
	t.is(await alice.refused('PUT', `${KEYS}/!r:x/s`, key()), '400 M_MISSING_PARAM');
	t.deepEqual(await alice.do('GET', path(first)), key());
	t.is(await alice.refused('GET', path(second)), '404 M_NOT_FOUND');
	t.deepEqual(await alice.do('DELETE', path(first)), {etag: '2', count: 0});
	for (const at of ['/!r:x/s', '/!r:x', '']) {
		for (const method of ['GET', 'DELETE']) {
			t.is(await alice.refused(method, `${KEYS}${at}?version=9`), '404 M_NOT_FOUND', `${method} ${at}`);
		}
	}
	await alice.do('DELETE', `${VERSION}/${second}`);
	t.deepEqual(await alice.do('PUT', path(first), key()), {etag: '3', count: 1}, 'the newest again');
});

test('keys that are not of their form are refused, and nothing of their upload is kept', async (t) => {
	const alice = await start(t);
	const version = await alice.begin();
	const {is_verified: _verified, ...withoutVerified} = key();
	const put = (bad: unknown, sessionId = 'bad', roomId = '!r:x') =>
		alice.refused('PUT', `${KEYS}?version=${version}`, {
			rooms: {'!good:x': {sessions: {good: key()}}, [roomId]: {sessions: {[sessionId]: bad}}},
		});
	for (const bad of [
		withoutVerified,
		{...key(), is_verified: 'yes'},
		{...key(), first_message_index: -1},
		{...key(), first_message_index: 1.5},
		{...key(), forwarded_count: null},
		{...key(), session_data: 'text'},
		null,
		[],
	]) {
		t.is(await put(bad), '400 M_BAD_JSON', JSON.stringify(bad));
	}
	t.is(await put(key(), ''), '400 M_BAD_JSON');
	t.is(await put(key(), 's'.repeat(256)), '400 M_BAD_JSON');
	t.is(await put(key(), 's', 'no room'), '400 M_BAD_JSON');
	t.is(await put(key({session_data: {padding: 'x'.repeat(17_000)}})), '413 M_TOO_LARGE');
	const many = Object.fromEntries(Array.from({length: 5001}, (_, index) => [`s${index}`, key({session_data: {}})]));
	t.is(await alice.refused('PUT', `${KEYS}/!r:x?version=${version}`, {sessions: many}), '400 M_INVALID_PARAM');
	t.is(await alice.refused('PUT', `${KEYS}/nonsense?version=${version}`, {sessions: {}}), '400 M_INVALID_PARAM');
	t.like(await alice.do('GET', VERSION), {count: 0, etag: '0'});
});

test('E12: a backup is its owner’s alone, and goes with the account', async (t) => {
	const alice = await start(t);
	const bob = new Owner(alice.app, await register(alice.app, 'bobby'));
	const version = await alice.begin();
	await alice.do('PUT', `${KEYS}/!r:x/s?version=${version}`, key());
	t.is(await bob.refused('GET', VERSION), '404 M_NOT_FOUND');
	t.is(await bob.refused('GET', `${KEYS}?version=${version}`), '404 M_NOT_FOUND');
	t.is(await bob.begin(), version, 'versions are counted for each person');
	t.deepEqual(await bob.do('GET', `${KEYS}?version=${version}`), {rooms: {}});
	const {keyBackups} = alice.app.application.storage;
	const stored = await keyBackups.findNewest(alice.session.user_id as UserId);
	t.is(stored?.count, 1);
	await alice.do('POST', '/_matrix/client/v3/account/deactivate', {
		auth: {type: 'm.login.password', user: 'alice', password: passwordOf('alice')},
	});
	t.is(await keyBackups.findNewest(alice.session.user_id as UserId), undefined);
	await until(async () => (await keyBackups.listDeleted()).length === 0, 'the keys to be removed');
	t.deepEqual(await keyBackups.listKeys(stored!.id, {limit: 9}), []);
	t.like(await bob.do('GET', VERSION), {version});
});

test('E13: sixty-four who put keys at once lose none, and the best of one session stays', async (t) => {
	const alice = await start(t);
	const version = await alice.begin();
	await Promise.all(
		Array.from({length: 64}, (_, index) =>
			alice.do('PUT', `${KEYS}/!r:x?version=${version}`, {
				sessions: {[`own${index}`]: key(), common: key({first_message_index: 64 - index})},
			}),
		),
	);
	t.is((await alice.do('GET', VERSION)).count, 65);
	const {sessions} = await alice.do<Room>('GET', `${KEYS}/!r:x?version=${version}`);
	t.is(Object.keys(sessions).length, 65);
	t.is(sessions['common']?.first_message_index, 1);
});

test('keys beyond a page are all given, each page read when it is asked for, and removed in steps', async (t) => {
	const alice = await start(t);
	const version = await alice.begin();
	const userId = alice.session.user_id as UserId;
	const {backups} = alice.app.application.services.encryption;
	const rows = Array.from({length: 1234}, (_, index): RoomKeyRow => {
		const roomId = `!${index % 7}:x` as RoomId;
		const rank = {isVerified: true, firstMessageIndex: index, forwardedCount: 0};
		return {roomId, sessionId: `s${index}`, ...rank, sessionData: '{"ciphertext":"x"}'};
	});
	t.deepEqual(await backups.addKeys(userId, version, rows), {etag: '1', count: 1234});
	const {rooms} = await alice.do<{rooms: Record<string, Room>}>('GET', `${KEYS}?version=${version}`);
	const given = Object.entries(rooms).flatMap(([roomId, {sessions}]) =>
		Object.entries(sessions).map(([sessionId, {first_message_index: index}]) => `${roomId} ${sessionId} ${index}`),
	);
	t.deepEqual(
		given.toSorted(),
		rows.map((row) => `${row.roomId} ${row.sessionId} ${row.firstMessageIndex}`).toSorted(),
	);
	const room = await alice.do<Room>('GET', `${KEYS}/!3:x?version=${version}`);
	t.is(Object.keys(room.sessions).length, 176);
	const pages = (await backups.openKeys(userId, version))[Symbol.asyncIterator]();
	t.is((await pages.next()).value?.length, 100);
	t.deepEqual(await alice.do('DELETE', `${KEYS}?version=${version}`), {etag: '4', count: 0});
	t.true((await pages.next()).done);
	await backups.addKeys(userId, version, rows);
	await alice.do('DELETE', `${VERSION}/${version}`);
	t.deepEqual(await alice.app.application.storage.keyBackups.listDeleted(), []);
});
