import test from 'ava';
import {call, login, passwordOf, type Session} from '../../../harness/index.ts';
import {newsroom, Person} from './newsroom.ts';

interface Listed {
	readonly pushers: readonly Readonly<Record<string, unknown>>[];
}

const wish = {
	app_display_name: 'Paper',
	app_id: 'org.example.paper',
	data: {url: 'https://push.example/_matrix/push/v1/notify', format: 'event_id_only', brand: 'ours'},
	device_display_name: 'Phone',
	kind: 'http',
	lang: 'en',
	profile_tag: 'x',
	pushkey: 'key',
};

const keysOf = async (person: Person) =>
	(await person.do<Listed>('GET', '/pushers')).pushers.map(({pushkey}) => pushkey);

test('a pusher is listed as it was set, changed where it is set again, and removed by a kind of null', async (t) => {
	const {alice, bob} = await newsroom(t);
	t.deepEqual((await alice.do<Listed>('GET', '/pushers')).pushers, []);
	t.deepEqual(await alice.do('POST', '/pushers/set', wish), {});
	const unstable = {
		'org.matrix.msc3881.enabled': true,
		'org.matrix.msc3881.device_id': alice.session.device_id,
	};
	t.deepEqual((await alice.do<Listed>('GET', '/pushers')).pushers, [{...wish, ...unstable}]);
	await alice.do('POST', '/pushers/set', {...wish, lang: 'de', 'org.matrix.msc3881.enabled': false});
	t.deepEqual((await alice.do<Listed>('GET', '/pushers')).pushers, [
		{...wish, lang: 'de', ...unstable, 'org.matrix.msc3881.enabled': false},
	]);
	t.deepEqual(await keysOf(bob), []);
	const key = {app_id: wish.app_id, pushkey: wish.pushkey, kind: null};
	await alice.do('POST', '/pushers/set', key);
	t.deepEqual(await keysOf(alice), []);
	t.deepEqual(await alice.do('POST', '/pushers/set', key), {});
});

test('a phone that changes hands stops notifying its former owner, unless both are asked for', async (t) => {
	const {alice, bob} = await newsroom(t);
	await alice.do('POST', '/pushers/set', wish);
	await alice.do('POST', '/pushers/set', {...wish, pushkey: 'another'});
	await bob.do('POST', '/pushers/set', {...wish, append: true});
	t.deepEqual(await keysOf(alice), ['another', 'key']);
	await bob.do('POST', '/pushers/set', wish);
	t.deepEqual(await keysOf(alice), ['another']);
	t.deepEqual(await keysOf(bob), ['key']);
});

test('F10: nothing is taken that could not be served', async (t) => {
	const {alice} = await newsroom(t);
	const withUrl = (url: unknown) => ({...wish, data: {url}});
	const bad = [
		withUrl('http://push.example/_matrix/push/v1/notify'),
		withUrl('https://push.example/'),
		withUrl('https://push.example/_matrix/push/v1/notify/'),
		withUrl('https://push.example/_matrix/push/v1/../v1/other'),
		withUrl('https://me:secret@push.example/_matrix/push/v1/notify'),
		withUrl('push'),
		withUrl(1),
		{...wish, app_id: 'a'.repeat(65)},
		{...wish, app_id: ''},
		{...wish, pushkey: 'ä'.repeat(257)},
		{...wish, pushkey: ''},
		{...wish, kind: 'email'},
		{...wish, lang: 'e'.repeat(513)},
		{...wish, data: {...wish.data, more: 'm'.repeat(5000)}},
		{app_id: 'a', pushkey: 'k'.repeat(513), kind: null},
	];
	for (const body of bad) {
		const {status, body: answer} = await alice.ask('POST', '/pushers/set', body);
		t.deepEqual([status, answer['errcode']], [400, 'M_INVALID_PARAM'], JSON.stringify(body).slice(0, 200));
	}
	for (const name of ['app_display_name', 'device_display_name', 'lang', 'data'] as const) {
		const {status, body: answer} = await alice.ask('POST', '/pushers/set', {...wish, [name]: undefined});
		t.deepEqual([status, answer['errcode']], [400, 'M_MISSING_PARAM'], name);
	}
	t.is((await alice.ask('POST', '/pushers/set', {...wish, data: {}})).body['errcode'], 'M_MISSING_PARAM');
	t.deepEqual(await keysOf(alice), []);
	await alice.do('POST', '/pushers/set', {...wish, app_id: 'a'.repeat(64), pushkey: 'ä'.repeat(256)});
	for (let count = 1; count < 100; count += 1) await alice.do('POST', '/pushers/set', {...wish, pushkey: `${count}`});
	t.is((await alice.ask('POST', '/pushers/set', wish)).body['errcode'], 'M_INVALID_PARAM');
	await alice.do('POST', '/pushers/set', {...wish, pushkey: '1'});
});

test('a pusher ends with the session that set it last, and with no other', async (t) => {
	const {app, alice} = await newsroom(t);
	const other = new Person(app, await login(app, 'alice'));
	await alice.do('POST', '/pushers/set', wish);
	await other.do('POST', '/pushers/set', {...wish, pushkey: 'other'});
	const auth = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: passwordOf('alice'),
	};
	await alice.do('POST', '/account/password', {new_password: 'another good one', auth, logout_devices: false});
	t.deepEqual(await keysOf(alice), ['key', 'other']);
	await alice.do('POST', '/account/password', {
		new_password: 'a third good one',
		auth: {...auth, password: 'another good one'},
	});
	t.deepEqual(await keysOf(alice), ['key']);
	const body = {...auth, password: 'a third good one'};
	const third = new Person(app, await call<Session>(app, 'POST', '/_matrix/client/v3/login', {body}));
	await alice.do('POST', '/logout', {});
	t.deepEqual(await keysOf(third), []);
});
