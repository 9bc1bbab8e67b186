/** What an account of a source link can and cannot do, and who sees it. */
import test from 'ava';
import {call, createTestDevice, path, request} from '../../harness/index.ts';
import {LINKS, makeLink, openInBrowser, readState, startSourceWorld, takeSource, V3} from './source-world.ts';

test('a source does nothing but talk in its room', async (t) => {
	const {app, alice, carol} = await startSourceWorld(t);
	const {session, roomId} = await takeSource(app, alice);
	const {access_token: token} = session;
	const room = await call<{room_id: string}>(app, 'POST', `${V3}/createRoom`, {
		token: carol.access_token,
		body: {
			preset: 'public_chat',
			initial_state: [{type: 'm.room.history_visibility', content: {history_visibility: 'world_readable'}}],
		},
	});
	const refused: [string, string, object?][] = [
		['POST', `${V3}/createRoom`, {}],
		['POST', `${V3}/join/${path(room.room_id)}`, {}],
		['POST', `${V3}/rooms/${path(room.room_id)}/join`, {}],
		['GET', `${V3}/rooms/${path(room.room_id)}/state`],
		['GET', `${V3}/rooms/${path(room.room_id)}/messages?dir=b`],
		['POST', `${V3}/knock/${path(room.room_id)}`, {}],
		['POST', `${V3}/rooms/${path(roomId)}/invite`, {user_id: carol.user_id}],
		['POST', `${V3}/user_directory/search`, {search_term: 'carol'}],
		['GET', `${V3}/publicRooms`],
		['POST', `${V3}/publicRooms`, {}],
		['GET', `${V3}/directory/room/${path('#a:news.example')}`],
		['GET', `/_matrix/client/v1/room_summary/${path(room.room_id)}`],
		['POST', `${V3}/user/${path(session.user_id)}/openid/request_token`, {}],
		['PUT', `${V3}/profile/${path(session.user_id)}/displayname`, {displayname: 'x'}],
		['PUT', `${V3}/rooms/${path(roomId)}/state/m.room.topic/`, {topic: 'x'}],
		['GET', `${V3}/voip/turnServer`],
		['POST', `${V3}/pushers/set`, {}],
		['POST', LINKS, {name: 'x'}],
	];
	for (const [method, where, body] of refused) {
		const answer = await request(app, method, where, {token, ...(body && {body})});
		t.is(answer.status, 403, `${method} ${where}`);
	}
	t.is((await request(app, 'GET', `${V3}/sync`, {token})).status, 200);
	t.is((await request(app, 'GET', `${V3}/rooms/${path(roomId)}/state`, {token})).status, 200);
	await call(app, 'POST', `${V3}/rooms/${path(roomId)}/join`, {token, body: {}});
});

for (const scope of ['server', 'open'] as const) {
	test(`a source and everybody outside its room are strangers to each other, with privacy: ${scope}`, async (t) => {
		const {app, alice, bob, carol} = await startSourceWorld(t, {}, {privacy: scope});
		const {session} = await takeSource(app, alice, {members: [bob.user_id]});
		const ask = async (asker: {access_token: string}, userId: string) => {
			const {access_token: token} = asker;
			const keys = await request(app, 'POST', `${V3}/keys/query`, {token, body: {device_keys: {[userId]: []}}});
			const one_time_keys = {[userId]: {[session.device_id]: 'signed_curve25519'}};
			const claim = await request(app, 'POST', `${V3}/keys/claim`, {token, body: {one_time_keys}});
			const profile = await request(app, 'GET', `${V3}/profile/${path(userId)}`, {token});
			const presence = await request(app, 'GET', `${V3}/presence/${path(userId)}/status`, {token});
			const answers = [keys, claim, profile, presence];
			return answers.map(({status, text}) => `${status} ${text.replaceAll(userId, 'USER')}`);
		};
		for (const {access_token: token, user_id: userId} of [alice, carol]) {
			const where = `${V3}/profile/${path(userId)}/displayname`;
			await call(app, 'PUT', where, {token, body: {displayname: 'Somebody'}});
		}
		await call(app, 'GET', `${V3}/sync`, {token: session.access_token});
		const device = createTestDevice(session);
		await call(app, 'POST', `${V3}/keys/upload`, {
			token: session.access_token,
			body: {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('a')},
		});
		const nobody = '@nobody:news.example';
		t.deepEqual(await ask(carol, session.user_id), await ask(carol, nobody), 'carol of the source');
		const invite = async (userId: string) => {
			const {access_token: token} = carol;
			const room = await call<{room_id: string}>(app, 'POST', `${V3}/createRoom`, {token, body: {}});
			const where = `${V3}/rooms/${path(room.room_id)}/invite`;
			return (await request(app, 'POST', where, {token, body: {user_id: userId}})).text;
		};
		t.deepEqual(await ask(session, carol.user_id), await ask(session, nobody), 'the source of carol');
		t.is(await invite(session.user_id), await invite(nobody), 'carol invites the source');
		t.regex((await ask(alice, session.user_id))[0]!, /ed25519/);
		t.regex((await ask(session, alice.user_id))[2]!, /Somebody/);
		const found = await call<{results: {user_id: string}[]}>(app, 'POST', `${V3}/user_directory/search`, {
			token: carol.access_token,
			body: {search_term: session.user_id},
		});
		t.deepEqual(found.results, []);
	});
}

test('a source gives no address, sets up no factor and chooses no password, on no page and by no client', async (t) => {
	const {app, alice} = await startSourceWorld(t, {}, {smtp: {host: '127.0.0.1', port: 1, from: 'news@news.example'}});
	const browser = await openInBrowser(app, await makeLink(app, alice));
	const home = await browser.open('/account');
	t.is(home.status, 200);
	for (const page of ['email', 'totp', 'passkeys', 'passkeys/add', 'password', 'recovery-codes', 'source-links']) {
		const address = `/account/${page}`;
		await browser.open('/source');
		const shown = await browser.open(address);
		t.is(shown.status, 403, address);
		t.regex(shown.text, /This account is for one conversation/u);
		t.false(home.text.includes(`"${address}"`), address);
	}
	for (const page of ['email', 'totp', 'totp/confirm', 'passkeys', 'passkeys/add', 'password', 'recovery-codes']) {
		await browser.open('/source');
		const refused = await browser.submit(`/account/${page}`, {email: 'x@mail.example'});
		t.is(refused.status, 403, `a form to ${page}`);
		t.regex(refused.text, /This account is for one conversation/u);
	}
	t.is((await browser.open('/account/sessions')).status, 200);
	t.is((await browser.open('/account/deactivate')).status, 200);
	const {session} = await takeSource(app, alice);
	const {access_token: token} = session;
	for (const [where, body] of [
		['/add', {client_secret: 'x', sid: 'y'}],
		['/delete', {medium: 'email', address: 'x@mail.example'}],
		['', {three_pid_creds: {}}],
	] as const) {
		const answer = await request(app, 'POST', `${V3}/account/3pid${where}`, {token, body});
		t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_FORBIDDEN'], where);
		t.regex(String(answer.body['error']), /for one conversation/u);
	}
});

test('a room of a source is federatable where both the configuration and its link say so, and only then', async (t) => {
	const create = async (settings: object, wish: object) => {
		const {app, alice} = await startSourceWorld(t, settings);
		const {session, roomId} = await takeSource(app, alice, wish);
		return (await readState(app, session, roomId)).get('m.room.create ')?.['m.federate'];
	};
	t.is(await create({allow_federation: true}, {federates: true}), undefined, 'which means yes');
	t.is(await create({allow_federation: true}, {}), false);
	t.is(await create({}, {}), false);
});
