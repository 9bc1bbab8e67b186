/** Row 23: names that application services bring stand for people elsewhere, and may hold their phone numbers. */
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {ServerName, UserId} from '../../../crypto/index.ts';
import {call, createTestDevice, path, register, request} from '../../harness/index.ts';
import {errorOf, newsroom, Person, room} from '../api/client-server/newsroom.ts';

const PUPPET = '@wa_447700900001:news.example' as UserId;
const NOBODY = '@wa_447700900002:news.example' as UserId;
/** Of no namespace, but marked in the database. */
const MARKED = '@guest-of-bridge:news.example' as UserId;
const BOT = '@wabot:news.example' as UserId;

function writeRegistration(t: ExecutionContext): string {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-appservice-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	const file = join(directory, 'wa.yaml');
	const registration = {
		id: 'wa',
		url: null,
		as_token: 'secret-as',
		hs_token: 'secret-hs',
		sender_localpart: 'wabot',
		rate_limited: false,
		namespaces: {
			users: [
				{exclusive: true, regex: '@wa_[0-9]+:news\\.example'},
				// As bridges name everybody in whose name they may speak: those stay people of here.
				{exclusive: false, regex: '@.*:news\\.example'},
			],
			rooms: [],
			aliases: [],
		},
	};
	writeFileSync(file, JSON.stringify(registration));
	return file;
}

/** A server on which colleagues know each other, with a bridge. */
async function startBridged(t: ExecutionContext, config: object = {}) {
	const {app, alice, bob, carol} = await newsroom(t, {
		config: {privacy: 'server', appservices: [writeRegistration(t)], ...config},
	});
	const {storage, services} = app.application;
	const batch = storage.batch();
	for (const userId of [PUPPET, MARKED, BOT]) {
		storage.accounts.add(batch, {
			userId,
			passwordHash: null,
			isAdmin: false,
			isGuest: false,
			isDeactivated: false,
			isLocked: false,
			isSuspended: false,
			isErased: false,
			createdDay: 20_000,
		});
		const pos = batch.announce({kind: 'profile', subject: userId});
		storage.profiles.set(batch, userId, 'displayname', 'Source', pos);
		storage.accounts.setAppservice(batch, {userId, appserviceId: 'wa'});
		batch.announce({kind: 'account', subject: userId});
	}
	await storage.commit(batch);
	const sessionOf = async (userId: UserId) => {
		const opened = storage.batch();
		const session = await services.devices.open(opened, userId, {wantsRefresh: false});
		await storage.commit(opened);
		return new Person(app, {user_id: userId, access_token: session.accessToken, device_id: session.deviceId});
	};
	return {app, alice, bob, carol, puppet: await sessionOf(PUPPET), bot: await sessionOf(BOT)};
}

test('row 23: a bridged name is none for colleagues, who know each other, until they are in a room with it', async (t) => {
	const {alice, bob, puppet} = await startBridged(t);
	const {deviceKeys} = createTestDevice(puppet.session);
	await puppet.do('POST', '/keys/upload', {device_keys: deviceKeys});
	const look = async (person: Person, userId: string) => {
		const {device_keys: keys} = await person.do<{device_keys: Record<string, object>}>('POST', '/keys/query', {
			device_keys: {[userId]: []},
		});
		const found = await person.do<{results: {user_id: string}[]}>('POST', '/user_directory/search', {
			search_term: userId,
		});
		const profile = await person.ask('GET', `/profile/${path(userId)}`);
		const presence = await person.ask('GET', `/presence/${path(userId)}/status`);
		return [
			profile.status,
			profile.body['error'],
			presence.status,
			Object.keys(keys[userId] ?? {}).length,
			found.results.length,
		];
	};
	const nothing = await look(alice, NOBODY);
	t.is(nothing[0], 403);
	for (const userId of [PUPPET, MARKED, BOT]) t.deepEqual(await look(alice, userId), nothing, userId);
	const byName = await alice.do<{results: object[]}>('POST', '/user_directory/search', {search_term: 'Source'});
	t.deepEqual(byName.results, []);
	t.is((await alice.ask('GET', `/profile/${path(bob.id)}`)).status, 200, 'a colleague');
	// An invite shows no name of theirs, and opens no keys.
	const roomId = await alice.create({invite: [PUPPET, NOBODY]});
	t.deepEqual(await alice.state(roomId, 'm.room.member', PUPPET), {membership: 'invite'});
	t.deepEqual(await look(alice, PUPPET), nothing);
	await puppet.join(roomId);
	t.deepEqual((await look(alice, PUPPET)).slice(0, 1), [200]);
	t.is((await look(alice, PUPPET))[3], 1);
	t.is((await look(alice, PUPPET))[4], 1);
	t.deepEqual(await look(bob, PUPPET), nothing, 'who is not in the room');
});

test('row 23: a bridged name in a public room is for its members, for whom it invites, for administrators and its service', async (t) => {
	const {app, alice, bob, carol, puppet, bot} = await startBridged(t);
	const profile = async (person: Person, userId = PUPPET) =>
		(await person.ask('GET', `/profile/${path(userId)}`)).status;
	const roomId = await alice.create({preset: 'public_chat'});
	await puppet.join(roomId);
	t.is(await profile(alice), 200);
	t.is(await profile(bob), 403);
	await puppet.create({invite: [bob.id], is_direct: true});
	t.is(await profile(bob), 200);
	t.is(await profile(carol), 403);
	t.is(await profile(bot), 200);
	const {accounts} = app.application.services;
	const {session} = await accounts.register({
		userId: accounts.checkNewName('root'),
		isAdmin: true,
		device: {wantsRefresh: false},
	});
	const token = session!.accessToken;
	t.is((await request(app, 'GET', `/_matrix/client/v3/profile/${path(PUPPET)}`, {token})).status, 200);
});

test('row 23: partners do not learn of bridged names, and with privacy open everybody does', async (t) => {
	const {app} = await startBridged(t, {
		privacy: 'partners',
		federation: {mode: 'partners', partners: ['partner.example']},
	});
	const {visibility} = app.application.services;
	const partner = 'partner.example' as ServerName;
	t.true(await visibility.mayServerKnow(partner, '@alice:news.example' as UserId, 'profiles'));
	for (const userId of [PUPPET, MARKED, BOT, NOBODY]) {
		t.false(await visibility.mayServerKnow(partner, userId, 'profiles'), userId);
		t.false(await visibility.mayServerKnow(partner, userId, 'keys'), userId);
	}
	const open = await startBridged(t, {privacy: 'open'});
	t.is((await open.alice.ask('GET', `/profile/${path(PUPPET)}`)).status, 200);
});

test('nobody registers a name of a service: strangers are told that it is taken, whoever has the server’s secret why', async (t) => {
	const {app} = await startBridged(t);
	const taken = async (username: string) => {
		const auth = {type: 'm.login.dummy'};
		return [
			errorOf(await request(app, 'GET', `/_matrix/client/v3/register/available?username=${username}`)),
			errorOf(
				await request(app, 'POST', '/_matrix/client/v3/register', {body: {username, password: 'correct horse', auth}}),
			),
		];
	};
	const usual = await taken('alice');
	t.is(usual[0]?.errcode, 'M_USER_IN_USE');
	for (const name of ['wa_447700900002', 'WA_447700900003', 'wabot']) t.deepEqual(await taken(name), usual, name);
	t.is((await register(app, 'wa_x')).user_id, '@wa_x:news.example', 'what the pattern does not cover');
	const {accounts} = app.application.services;
	const error = await t.throwsAsync(accounts.register({userId: NOBODY, password: 'correct horse'}));
	t.like(error, {code: 'exclusive'});
});

test('F11: the tokens of a service are nobody’s session, whoever they are said to speak for', async (t) => {
	const {app, alice} = await startBridged(t);
	for (const token of ['secret-as', 'secret-hs']) {
		for (const query of ['', ...[alice.id, PUPPET, BOT, MARKED].map((userId) => `?user_id=${path(userId)}`)]) {
			const at = `/_matrix/client/v3/account/whoami${query}`;
			const {status, body} = await request(app, 'GET', at, {token});
			t.deepEqual([status, body['errcode']], [401, 'M_UNKNOWN_TOKEN'], at);
		}
	}
	// Nor does a session of a service's user speak for others.
	const other = await request(app, 'GET', `/_matrix/client/v3/account/whoami?user_id=${path(PUPPET)}`, {
		token: alice.session.access_token,
	});
	t.is(other.body['user_id'], alice.id);
});

test('the words of a registration file that are secret are nowhere', async (t) => {
	const {app, alice} = await startBridged(t);
	await alice.ask('GET', `${room('!none:news.example')}/state`);
	t.false(JSON.stringify(app.application.services.config).includes('secret-'));
	t.false(app.readLog().includes('secret-'));
	await call(app, 'GET', '/_matrix/client/versions');
});

test('however many names a bridge brings, colleagues are found, and who is in a room with one finds that one', async (t) => {
	const {app, alice, bob, puppet} = await startBridged(t);
	const {storage} = app.application;
	const batch = storage.batch();
	for (let index = 0; index < 700; index += 1) {
		const userId = `@wa_55${String(index).padStart(4, '0')}:news.example` as UserId;
		const states = {isAdmin: false, isGuest: false, isDeactivated: false, isLocked: false, isSuspended: false};
		storage.accounts.add(batch, {...states, userId, passwordHash: null, isErased: false, createdDay: 20_000});
		storage.profiles.set(batch, userId, 'displayname', 'Zoe', batch.announce({kind: 'profile', subject: userId}));
	}
	await storage.commit(batch);
	await bob.do('PUT', `/profile/${path(bob.id)}/displayname`, {displayname: 'Zoe'});
	await puppet.do('PUT', `/profile/${path(PUPPET)}/displayname`, {displayname: 'Zoe'});
	const find = async (person: Person) => {
		const {results} = await person.do<{results: {user_id: string}[]}>('POST', '/user_directory/search', {
			search_term: 'zoe',
		});
		return results.map(({user_id: userId}) => userId).toSorted();
	};
	t.deepEqual(await find(alice), [bob.id]);
	const roomId = await alice.create({invite: [PUPPET]});
	await puppet.join(roomId);
	t.deepEqual(await find(alice), [bob.id, PUPPET]);
	t.deepEqual(await find(bob), []);
});
