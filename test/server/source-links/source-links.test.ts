/** Links by which sources get an account for one room, and what such an account can and cannot do. */
import test from 'ava';
import type {UserId} from '../../../crypto/index.ts';
import {call, passwordOf, path, request, signInOnPage, until, Visitor} from '../../harness/index.ts';
import {ask as askForCode, consentOnPage, exchange, registerClient, whoami} from '../api/oauth/client.ts';
import {
	LINKS,
	makeLink,
	openInBrowser,
	openPage,
	pressButton,
	readCodes,
	readState,
	signIn,
	startSourceWorld,
	takeSource,
	V3,
} from './source-world.ts';

const DAY_MS = 86_400_000;

test('a source link gives an account with a random name in an encrypted room with chosen people, once', async (t) => {
	const {app, alice, bob} = await startSourceWorld(t);
	const page = await makeLink(app, alice, {members: [bob.user_id]});
	const looks = await Promise.all([request(app, 'GET', page), request(app, 'GET', page)]);
	t.deepEqual(
		looks.map(({status}) => status),
		[200, 200],
		'to look at it does not use it up',
	);
	t.notRegex(looks[0].text, /<script/);
	const replies = await Promise.all([1, 2, 3, 4].map(() => pressButton(app, page)));
	t.deepEqual(
		replies.map(({status}) => status).toSorted((left, right) => left - right),
		[303, 404, 404, 404],
	);
	const browser = new Visitor(app);
	const [cookie = ''] = replies.find(({status}) => status === 303)!.headers.getSetCookie();
	const [name = '', token = ''] = cookie.split(/[=;]/u);
	browser.cookies.set(name, token);
	await browser.open('/source');
	const [userId = '', , password = ''] = readCodes((await browser.submit('/source')).text);
	t.regex(userId, /^@[a-z0-9]{24}:news\.example$/);
	t.regex(password, /^[a-z0-9]{6}(-[a-z0-9]{6}){3}$/);
	t.is((await request(app, 'GET', page)).status, 404);
	const session = await signIn(app, {userId, password});
	const {joined_rooms: rooms} = await call<{joined_rooms: string[]}>(app, 'GET', `${V3}/joined_rooms`, {
		token: session.access_token,
	});
	t.is(rooms.length, 1);
	const state = await readState(app, session, rooms[0]!);
	t.deepEqual(state.get('m.room.encryption '), {algorithm: 'm.megolm.v1.aes-sha2'});
	t.is(state.get('m.room.create ')?.['m.federate'], false);
	t.is(state.get('m.room.join_rules ')?.['join_rule'], 'invite');
	t.is(state.get(`m.room.member ${alice.user_id}`)?.['membership'], 'join');
	t.is(state.get(`m.room.member ${bob.user_id}`)?.['membership'], 'invite');
	t.is(state.get(`m.room.member ${userId}`)?.['membership'], 'join');
	t.false(
		[...state.keys()].some((key) => key.startsWith('m.room.name')),
		'what the link is called is its maker’s',
	);
	await call(app, 'PUT', `${V3}/rooms/${path(rooms[0]!)}/send/m.room.encrypted/1`, {
		token: session.access_token,
		body: {algorithm: 'm.megolm.v1.aes-sha2', ciphertext: 'x', session_id: 'y', sender_key: 'z', device_id: 'D'},
	});
});

test('the browser that opened a link signs a client in by OAuth, without a password, as long as it is open', async (t) => {
	const {app, alice} = await startSourceWorld(t, {}, {second_factor: 'everybody'});
	const browser = await openInBrowser(app, await makeLink(app, alice));
	const {text} = await browser.open('/source');
	const [userId = ''] = readCodes(text);
	t.notRegex(text, /<script/u);
	t.is(readCodes(text).length, 2, 'no password is shown');
	t.is((await app.application.storage.accounts.find(userId as UserId))?.passwordHash, null, 'and there is none');
	app.advance(60 * 60_000);
	const asked = askForCode(await registerClient(app));
	const {status, body} = await exchange(app, asked, await consentOnPage(browser, asked));
	t.is(status, 200);
	const {access_token: token} = body;
	t.is((await whoami(app, token)).user_id, userId);
	t.is((await request(app, 'POST', `${V3}/createRoom`, {token, body: {}})).status, 403, 'it is held to its room');
	const {joined_rooms: rooms} = await call<{joined_rooms: string[]}>(app, 'GET', `${V3}/joined_rooms`, {token});
	t.is(rooms.length, 1);
	app.advance(12 * 60 * 60_000);
	t.is((await browser.open('/source')).status, 303, 'it is signed out');
});

test('a password is made in the browser that opened the link alone, each time another one', async (t) => {
	const {app, alice} = await startSourceWorld(t);
	const browser = await openInBrowser(app, await makeLink(app, alice));
	await browser.open('/source');
	t.is((await browser.send('/source', {})).status, 403, 'another site has it sent');
	const make = async () => {
		await browser.open('/source');
		const [userId = '', , password = ''] = readCodes((await browser.submit('/source')).text);
		return {userId, password};
	};
	const [first, second] = [await make(), await make()];
	t.not(first.password, second.password);
	const body = {type: 'm.login.password', identifier: {type: 'm.id.user', user: first.userId}};
	const login = ({password}: typeof first) => request(app, 'POST', `${V3}/login`, {body: {...body, password}});
	t.is((await login(first)).status, 403);
	t.is((await login(second)).status, 200);
	const later = await signInOnPage(app, second.userId, second.password);
	await later.open('/source');
	t.deepEqual(readCodes((await later.submit('/source')).text), [], 'who knows the password makes no other one so');
	t.is((await login(second)).status, 200);
	const colleague = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.is((await colleague.open('/source')).to, '/account');
});

test('each act with a link is in the audit log, with the day alone and no name where it is the source’s', async (t) => {
	const {app, alice} = await startSourceWorld(t);
	const {audit, sourceLinks} = app.application.services;
	const link = await makeLink(app, alice, {uses: 2, days: 3});
	const early = await openPage(app, link);
	const late = await openPage(app, link);
	await makeLink(app, alice);
	const [left] = await sourceLinks.listLinks(alice.user_id as UserId);
	await sourceLinks.remove(alice.user_id as UserId, left?.linkId ?? '');
	await sourceLinks.remove(alice.user_id as UserId, 'none');
	await call(app, 'DELETE', `/_broadsheet/client/v1/sources/${path(early.userId)}`, {token: alice.access_token});
	app.advance(40 * DAY_MS);
	const run = {nowMs: Date.now() + 40 * DAY_MS, goOn: () => Promise.resolve(true)};
	t.is(await sourceLinks.endDue(run), 1);
	t.is(await sourceLinks.endDue(run), 0);
	const entries = (await audit.list({limit: 20})).toReversed();
	t.deepEqual(
		entries.map(({who, act}) => `${who} ${act}`),
		[
			`${alice.user_id} create-source-link`,
			'source open-source-link',
			'source open-source-link',
			`${alice.user_id} create-source-link`,
			`${alice.user_id} remove-source-link`,
			`${alice.user_id} end-source`,
			'server end-source',
		],
	);
	t.true(entries.every(({whom}) => whom === alice.user_id));
	t.is(entries[0]?.details['link'], entries[1]?.details['link']);
	t.like(entries[0]?.details, {uses: 2, days: 3});
	for (const {act, ts} of entries) {
		if (act === 'open-source-link' || act === 'end-source') t.is(ts % DAY_MS, 0, act);
	}
	const text = JSON.stringify(entries);
	for (const {userId} of [early, late]) t.false(text.includes(userId.slice(1, 10)));
	t.false(text.includes('the ministry'), 'what the link is called is its maker’s');
	t.is((await audit.verify()).fault, undefined);
});

test('a link for several sources gives each a room of its own, and ends with its time, its maker, or when it is taken back', async (t) => {
	const {app, alice} = await startSourceWorld(t);
	const {access_token: token} = alice;
	const page = await makeLink(app, alice, {uses: 3, days: 5});
	const first = await openPage(app, page);
	const second = await openPage(app, page);
	t.not(first.userId, second.userId);
	type Listed = {links: {link_id: string; uses_done: number}[]; sources: {user_id: string; room_id: string}[]};
	const listed = await call<Listed>(app, 'GET', LINKS, {token});
	t.is(listed.links[0]?.uses_done, 2);
	t.is(new Set(listed.sources.map(({room_id: roomId}) => roomId)).size, 2);
	app.advance(5 * DAY_MS);
	t.is((await pressButton(app, page)).status, 404);
	const other = await makeLink(app, alice);
	const {links} = await call<Listed>(app, 'GET', LINKS, {token});
	await call(app, 'DELETE', `${LINKS}/${links[0]!.link_id}`, {token});
	t.is((await pressButton(app, other)).status, 404);
	const last = await makeLink(app, alice);
	await app.application.services.accounts.deactivate(alice.user_id as UserId, {erase: false});
	t.is((await request(app, 'GET', last)).status, 404);
	t.is((await pressButton(app, `${last}x`)).status, 404);
});

test('only administrators and those who are named make links, within what the configuration allows', async (t) => {
	const {app, alice, bob} = await startSourceWorld(t);
	const make = (token: string, wish: object = {}) =>
		request(app, 'POST', LINKS, {token, body: {name: 'the ministry', ...wish}});
	t.is((await make(bob.access_token)).status, 403);
	t.is((await request(app, 'POST', LINKS, {body: {name: 'x'}})).status, 401);
	for (const wish of [
		{name: ''},
		{days: 31},
		{account_days: 31},
		{uses: 0},
		{uses: 101},
		{silence_days: 0},
		{federates: true},
		{members: ['@dora:other.example']},
		{members: Array.from({length: 51}, (_, index) => `@u${index}:news.example`)},
	]) {
		t.is((await make(alice.access_token, wish)).status, 400, JSON.stringify(wish));
	}
	const open = await startSourceWorld(t, {allow_federation: true, who: 'administrators'});
	t.is((await request(open.app, 'POST', LINKS, {token: open.alice.access_token, body: {name: 'x'}})).status, 403);
});

test('an account ends on its day, after silence, or with its owner, and is erased whole', async (t) => {
	const {app, alice, bob} = await startSourceWorld(t);
	const {sourceLinks} = app.application.services;
	const {storage} = app.application;
	const run = () => sourceLinks.endDue({nowMs: Date.now() + offsetMs, goOn: () => Promise.resolve(true)});
	let offsetMs = 0;
	const advance = (days: number) => {
		app.advance(days * DAY_MS);
		offsetMs += days * DAY_MS;
	};
	const [silent, busy, dated] = [
		await takeSource(app, alice, {members: [bob.user_id]}),
		await takeSource(app, alice),
		await takeSource(app, alice, {account_days: 2}),
	];
	const write = (roomId: string, token: string, text: string) =>
		call<{event_id: string}>(app, 'PUT', `${V3}/rooms/${path(roomId)}/send/m.room.message/${text}`, {
			token,
			body: {msgtype: 'm.text', body: text},
		});
	const sent = await write(silent.roomId, silent.session.access_token, 'leaked');
	t.is(await run(), 0);
	advance(2);
	t.is(await run(), 1, 'the one whose day has come');
	t.is((await request(app, 'GET', `${V3}/sync`, {token: dated.session.access_token})).status, 401);
	advance(5);
	await call(app, 'GET', `${V3}/account/whoami`, {token: busy.session.access_token});
	advance(1);
	t.is(await run(), 1, 'the one that was silent for more than seven days');
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: silent.session.access_token})).status, 401);
	t.is((await request(app, 'GET', `${V3}/account/whoami`, {token: busy.session.access_token})).status, 200);
	const account = await storage.accounts.find(silent.session.user_id as UserId);
	t.true(account?.isErased && account.isDeactivated && account.passwordHash === null);
	t.is(await storage.sourceLinks.findSource(silent.session.user_id as UserId), undefined);
	// Who comes later sees nothing of what the source wrote.
	await call(app, 'POST', `${V3}/rooms/${path(silent.roomId)}/join`, {token: bob.access_token, body: {}});
	const late = await call<{content: object}>(
		app,
		'GET',
		`${V3}/rooms/${path(silent.roomId)}/event/${path(sent.event_id)}`,
		{
			token: alice.access_token,
		},
	);
	t.deepEqual(late.content, {msgtype: 'm.text', body: 'leaked'}, 'who was there goes on seeing it');
	await app.application.services.accounts.deactivate(alice.user_id as UserId, {erase: false});
	t.is(await run(), 1, 'with its owner');
	await until(async () => (await storage.sourceLinks.listSources({limit: 9})).length === 0, 'nothing to be left');
});

test('an owner is told once that an account ends soon', async (t) => {
	const {app, alice} = await startSourceWorld(t, {}, {server_notices: {enabled: true}});
	const {sourceLinks} = app.application.services;
	const {storage} = app.application;
	await takeSource(app, alice, {account_days: 5, silence_days: 5});
	const isTold = async () => (await storage.sourceLinks.listSourcesOf(alice.user_id as UserId))[0]?.isOwnerTold;
	const run = (days: number) =>
		sourceLinks.endDue({nowMs: Date.now() + days * DAY_MS, goOn: () => Promise.resolve(true)});
	await run(1);
	t.false(await isTold());
	await run(2.1);
	await run(2.2);
	t.true(await isTold());
	const notices = await until(async () => {
		type Sync = {rooms: {join?: Record<string, {timeline: {events: {content: {body?: string}}[]}}>}};
		const {rooms} = await call<Sync>(app, 'GET', `${V3}/sync`, {token: alice.access_token});
		const events = Object.values(rooms.join ?? {}).flatMap(({timeline}) => timeline.events);
		const texts = events.map(({content}) => content.body ?? '').filter((text) => text.includes('source links'));
		return texts.length > 0 && texts;
	}, 'a notice');
	t.is(notices.length, 1);
});

test('links that were used up keep nobody from making more, and go with their account', async (t) => {
	const {app, alice} = await startSourceWorld(t, {}, {rate_limits: 'off'});
	const {sourceLinks, accounts} = app.application.services;
	const {storage} = app.application;
	const owner = alice.user_id as UserId;
	const {userId} = await openPage(app, await makeLink(app, alice, {name: 'the first'}));
	const rows = await storage.sourceLinks.listLinksOf(owner);
	t.is(rows.length, 1);
	const batch = storage.batch();
	// As many as somebody may have, all used up, as an earlier version kept them.
	for (let index = 0; index < 100; index += 1) {
		storage.sourceLinks.addLink(batch, {...rows[0]!, linkId: `used ${index}`, name: `used ${index}`});
	}
	await storage.commit(batch);
	await makeLink(app, alice, {name: 'the next'});
	await makeLink(app, alice, {name: 'of two', uses: 2});
	await sourceLinks.end(owner, userId as UserId);
	t.true((await accounts.find(userId as UserId))?.isErased);
	const left = (await storage.sourceLinks.listLinksOf(owner)).map(({name}) => name);
	t.deepEqual(left.toSorted(), ['of two', 'the next']);
});

test('an owner ends an account early, and nobody else does', async (t) => {
	const {app, alice, bob} = await startSourceWorld(t);
	const {session} = await takeSource(app, alice);
	const where = `/_broadsheet/client/v1/sources/${path(session.user_id)}`;
	t.is((await request(app, 'DELETE', where, {token: bob.access_token})).status, 404);
	t.is((await request(app, 'DELETE', where, {token: alice.access_token})).status, 200);
	t.is((await request(app, 'GET', `${V3}/sync`, {token: session.access_token})).status, 401);
});

test('a journalist makes links, takes them back and ends accounts on a page without scripts', async (t) => {
	const {app} = await startSourceWorld(t);
	const page = '/account/source-links';
	const bob = await signInOnPage(app, 'bob', passwordOf('bob'));
	t.is((await bob.open(page)).status, 403);
	t.false((await bob.open('/account')).text.includes(page));
	const alice = await signInOnPage(app, 'alice', passwordOf('alice'));
	t.true((await alice.open('/account')).text.includes(page));
	await alice.open(page);
	t.is((await alice.send(page, {action: 'create', name: 'x'})).status, 403, 'another site has it sent');
	await alice.open(page);
	t.is((await alice.submit(page, {action: 'create', name: 'x', days: '31'})).status, 400);
	t.is((await alice.submit(page, {action: 'create', name: 'x', members: 'bob@mail.example'})).status, 400);
	const made = await alice.submit(page, {
		action: 'create',
		name: '<b>ministry</b>',
		members: 'bob, @carol:news.example',
	});
	t.is(made.status, 200);
	t.false(made.text.includes('<b>ministry'));
	const link = /<code dir="ltr">([^<]+\/source\/[^<]+)<\/code>/.exec(made.text)?.[1] ?? '';
	const {userId} = await openPage(app, new URL(link).pathname);
	const {text} = await alice.open(page);
	t.false(text.includes('/source/'), 'the address is shown once');
	t.true(text.includes(userId));
	await alice.submit(page, {action: 'end', user_id: userId});
	t.false((await alice.open(page)).text.includes(userId));
	const second = await alice.submit(page, {action: 'create', name: 'another'});
	const id = /name="link_id" value="([^"]+)"/.exec(second.text)?.[1] ?? '';
	await alice.submit(page, {action: 'remove', link_id: id});
	t.false((await alice.open(page)).text.includes('another'));
});
