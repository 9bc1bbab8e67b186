/** What is left of somebody who goes, and what others see of it. */
import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import Sqlite from 'better-sqlite3';
import test from 'ava';
import {tables} from '../../../storage/schema/index.ts';
import {getTableName} from 'drizzle-orm';
import {
	type App,
	call,
	createTestDevice,
	login,
	passwordOf,
	path,
	register,
	request,
	startApp,
	until,
} from '../../harness/index.ts';
import {type ClientEvent, newsroom, type Person, room} from '../api/client-server/newsroom.ts';
import {say, startHost, startShared} from '../api/server-server/world.ts';

const V3 = '/_matrix/client/v3';
const HOUR_MS = 3_600_000;

/** Lists the tables in which a text stands, in any row and column. */
function tablesWith(app: App, text: string): string[] {
	const db = new Sqlite(join(app.directory, 'data/broadsheet.db'), {readonly: true});
	try {
		return Object.values(tables)
			.map((table) => getTableName(table))
			.filter((name) => JSON.stringify(db.prepare(`select * from "${name}"`).all()).includes(text));
	} finally {
		db.close();
	}
}

/** Counts messages that a search would find a word in. */
function countFound(app: App, word: string): number {
	const db = new Sqlite(join(app.directory, 'data/broadsheet.db'), {readonly: true});
	try {
		const words = db.prepare('select count(*) from search_words where search_words match ?').pluck().get(word);
		return (
			Number(words) + (JSON.stringify(db.prepare('select words from search_entries').all()).includes(word) ? 1 : 0)
		);
	} finally {
		db.close();
	}
}

async function leave(person: Person, name: string, erase: boolean): Promise<void> {
	const auth = {type: 'm.login.password', user: name, password: passwordOf(name)};
	await person.do('POST', '/account/deactivate', {auth, erase});
}

/** Waits until all that the end of an account asks for is done, but for the second look at its rooms. */
const untilGone = (app: App, userId: string) =>
	until(() => {
		const db = new Sqlite(join(app.directory, 'data/broadsheet.db'), {readonly: true});
		const left = db.prepare('select count(*) from jobs where "key" like ? and payload not like ?').pluck();
		const backups = db.prepare('select count(*) from key_backups where user_id = ?').pluck();
		try {
			return left.get(`%${userId}%`, '%isSecondLook%') === 0 && backups.get(userId) === 0;
		} finally {
			db.close();
		}
	}, 'the jobs to be done');

const upload = (app: App, person: Person, text: string) =>
	call<{content_uri: string}>(app, 'POST', '/_matrix/media/v3/upload?filename=a.txt', {
		token: person.session.access_token,
		text,
	});

/** Words of what {@link live} leaves that nobody else has a part in. */
const own = ['mine alone', 'deadline', 'pushkey-of-bob', 'backup of bob', 'session of bob', 'to myself'];

/** Leaves a trace of everything that a person can leave. */
async function live(app: App, bob: Person, roomId: string): Promise<string> {
	const token = bob.session.access_token;
	const me = encodeURIComponent(bob.id);
	const device = createTestDevice(bob.session);
	const keys = {
		device_keys: device.deviceKeys,
		one_time_keys: device.oneTimeKeys('A'),
		fallback_keys: device.fallbackKeys('F'),
	};
	await bob.do('POST', '/keys/upload', keys);
	await bob.do('PUT', `/profile/${me}/displayname`, {displayname: 'Bobby'});
	await bob.do('PUT', `/user/${me}/account_data/org.example`, {note: 'mine alone'});
	await bob.do('PUT', `/user/${me}/rooms/${encodeURIComponent(roomId)}/tags/u.x`, {order: 0.5});
	await bob.do('PUT', '/pushrules/global/content/word', {actions: ['notify'], pattern: 'deadline'});
	await bob.do('POST', `/user/${me}/filter`, {room: {timeline: {limit: 3}}});
	await bob.do('POST', '/pushers/set', {
		kind: 'http',
		app_id: 'org.example',
		pushkey: 'pushkey-of-bob',
		app_display_name: 'App',
		device_display_name: 'Phone',
		lang: 'en',
		data: {url: 'https://push.example/_matrix/push/v1/notify'},
	});
	await bob.do('POST', '/room_keys/version', {algorithm: 'org.example', auth_data: {note: 'backup of bob'}});
	await bob.do('PUT', `/room_keys/keys/${encodeURIComponent(roomId)}/session?version=1`, {
		first_message_index: 0,
		forwarded_count: 0,
		is_verified: true,
		session_data: {note: 'session of bob'},
	});
	await bob.do('POST', `/user/${me}/openid/request_token`, {});
	await bob.do('PUT', `/sendToDevice/m.x/1`, {messages: {[bob.id]: {'*': {note: 'to myself'}}}});
	const eventId = await bob.say(roomId, 'what bob said');
	await bob.do('POST', `${room(roomId)}/receipt/m.read/${encodeURIComponent(eventId)}`, {});
	await call(app, 'GET', `${V3}/sync`, {token});
	return eventId;
}

test('nothing that was kept for a person alone is left when the account has ended, in any table', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	await live(app, bob, roomId);
	await upload(app, bob, '"a file of bob"');
	for (const text of own) {
		t.not(tablesWith(app, text).length, 0, text);
	}
	await leave(bob, 'bob', false);
	await untilGone(app, bob.id);
	for (const text of own) {
		t.deepEqual(tablesWith(app, text), [], text);
	}
	t.deepEqual(tablesWith(app, bob.id).toSorted(), [
		// That the name was given, so that nobody gets it again.
		'accounts',
		// What was said in rooms, and who was in them.
		'events',
		// The second look for rooms that were joined meanwhile.
		'jobs',
		// Uploads stay for those who see them in rooms, unless they are to be erased.
		'media',
		'media_usage',
		// What was removed, without its content, until no client can ask for it any more.
		'profiles',
		'stream',
		'strings',
	]);
	t.deepEqual(await app.application.storage.receipts.listOfUser(roomId as never, bob.id as never), []);
});

for (const erase of [false, true]) {
	test(`what somebody was told of their sign-ins goes with them, whoever ${erase ? 'wants' : 'does not ask'} to be forgotten`, async (t) => {
		const {app, bob} = await newsroom(t, {config: {server_notices: {enabled: true}}});
		await login(app, 'bob', 'DESK');
		const told = 'signed in to your account';
		await until(() => tablesWith(app, told).includes('events'), 'the notice');
		await until(() => countFound(app, 'signed') > 0, 'its words');
		await leave(bob, 'bob', erase);
		await untilGone(app, bob.id);
		await until(
			() => tablesWith(app, told).length === 0 && countFound(app, 'signed') === 0,
			'nothing to be left of it',
		);
		t.deepEqual(await app.application.storage.rooms.list({limit: 10}), []);
	});
}

test('whoever wants to be forgotten takes their files along, and a file that somebody else has too stays', async (t) => {
	const {app, alice, bob} = await newsroom(t);
	const both = await upload(app, alice, '"a file of both"');
	await upload(app, bob, '"a file of both"');
	const {content_uri: uri} = await upload(app, bob, '"a file of bob"');
	const download = (mxc: string) =>
		request(app, 'GET', `/_matrix/client/v1/media/download/${mxc.slice('mxc://'.length)}`, {
			token: alice.session.access_token,
		});
	t.is((await download(uri)).status, 200);
	const files = () =>
		readdirSync(join(app.directory, 'data/media'), {recursive: true, withFileTypes: true}).filter((entry) =>
			entry.isFile(),
		).length;
	t.is(files(), 2);
	app.advance(2 * HOUR_MS);
	await leave(bob, 'bob', true);
	t.is((await download(uri)).status, 404);
	await untilGone(app, bob.id);
	t.is(files(), 1);
	t.is((await download(both.content_uri)).text, '"a file of both"');
	t.false(tablesWith(app, bob.id).some((name) => name.startsWith('media')));
});

const messages = async (person: Person, roomId: string): Promise<ClientEvent[]> =>
	(await person.do<{chunk: ClientEvent[]}>('GET', `${room(roomId)}/messages?dir=b&limit=50`)).chunk;

const whatBobSaid = async (person: Person, roomId: string, eventId: string): Promise<unknown> =>
	(await messages(person, roomId)).find((event) => event.event_id === eventId)?.content['body'];

test('who was there goes on seeing what an erased person wrote, and who comes later sees that there was something', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const eventId = await bob.say(roomId, 'what bob said');
	await leave(bob, 'bob', true);
	t.is(await whatBobSaid(alice, roomId, eventId), 'what bob said');
	await carol.join(roomId);
	const [event] = (await messages(carol, roomId)).filter((one) => one.event_id === eventId);
	t.deepEqual(event?.content, {});
	t.is(event?.sender, bob.id);
	const answer = await carol.do<ClientEvent>('GET', `${room(roomId)}/event/${encodeURIComponent(eventId)}`);
	t.deepEqual(answer.content, {});
	const search = {search_categories: {room_events: {search_term: 'what bob said'}}};
	const searchAs = async (person: Person) => JSON.stringify(await person.do('POST', '/search', search));
	await until(async () => (await searchAs(alice)).includes(eventId), 'the words to be found by who was there');
	t.false((await searchAs(carol)).includes(eventId));
	const sync = JSON.stringify(await carol.do('GET', '/sync'));
	t.false(sync.includes('what bob said'));
});

test('what somebody wrote whose account merely ended is shown to who comes later', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	const eventId = await bob.say(roomId, 'what bob said');
	await leave(bob, 'bob', false);
	await carol.join(roomId);
	t.is(await whatBobSaid(carol, roomId, eventId), 'what bob said');
});

interface Pdus {
	readonly pdus: readonly {readonly content: object}[];
}

test('a server that comes into a room later is shown what an erased person wrote in redacted form, one that was there whole', async (t) => {
	const host = await startShared(t);
	const {app, peer, roomId} = host;
	const carol = await register(app, 'carol');
	await call(app, 'POST', `${V3}/join/${path(roomId)}`, {token: carol.access_token, body: {}});
	const uri = `${V3}/rooms/${path(roomId)}/send/m.room.message/1`;
	const body = {msgtype: 'm.text', body: 'what carol said'};
	const {event_id: eventId} = await call<{event_id: string}>(app, 'PUT', uri, {token: carol.access_token, body});
	const auth = {type: 'm.login.password', user: 'carol', password: passwordOf('carol')};
	const end = {token: carol.access_token, body: {auth, erase: true}};
	await call(app, 'POST', `${V3}/account/deactivate`, end);
	const ask = () => peer.request<Pdus>('GET', `/_matrix/federation/v1/event/${path(eventId)}`);
	t.like((await ask()).body.pdus[0]?.content, {body: 'what carol said'});
	// Another room of a server that comes only now.
	const late = await startHost(t);
	const lateRoom = await late.createRoom();
	const said = await say(late, lateRoom, 'what alice said');
	const bye = {type: 'm.login.password', user: 'alice', password: passwordOf('alice')};
	const dora = await register(late.app, 'dora');
	await call(late.app, 'POST', `${V3}/join/${path(lateRoom)}`, {token: dora.access_token, body: {}});
	await call(late.app, 'POST', `${V3}/account/deactivate`, {
		token: late.alice.access_token,
		body: {auth: bye, erase: true},
	});
	await late.peer.join(lateRoom, late.peer.userId('bob'));
	const answer = await late.peer.request<Pdus>('GET', `/_matrix/federation/v1/event/${path(said.event_id)}`);
	t.deepEqual(answer.body.pdus[0]?.content, {});
});

test('a name is never given again: not by registration, not by the shared secret, not after a restart', async (t) => {
	const app = await startApp(t);
	const session = await register(app, 'alice');
	const auth = {type: 'm.login.password', user: 'alice', password: passwordOf('alice')};
	await call(app, 'POST', `${V3}/account/deactivate`, {token: session.access_token, body: {auth, erase: true}});
	const tryAgain = async (at: App, username: string) => {
		const body = {username, password: 'correct horse', auth: {type: 'm.login.dummy'}};
		const answer = await request(at, 'POST', `${V3}/register`, {body});
		return [answer.status, answer.body['errcode']];
	};
	t.deepEqual(await tryAgain(app, 'alice'), [400, 'M_USER_IN_USE']);
	await app.application.stop();
	const again = await app.restart();
	t.deepEqual(await tryAgain(again, 'alice'), [400, 'M_USER_IN_USE']);
	t.deepEqual(await tryAgain(again, 'ALICE'), [400, 'M_USER_IN_USE']);
	const {accounts} = again.application.services;
	await t.throwsAsync(accounts.register({userId: accounts.checkNewName('alice'), isAdmin: true}), {
		message: /taken/u,
	});
});
