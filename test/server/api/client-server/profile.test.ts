import test from 'ava';
import {type App, call, memberContent, register, request, startApp} from '../../../harness/index.ts';

const profileOf = (name: string) => `/_matrix/client/v3/profile/${encodeURIComponent(`@${name}:news.example`)}`;
const ALICE = profileOf('alice');

const set = (app: App, token: string, key: string, value: unknown) =>
	request(app, 'PUT', `${ALICE}/${key}`, {token, body: {[key]: value}});

test('fields are set, read one by one and together, and removed', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	t.deepEqual(await call(app, 'GET', ALICE, {token}), {});
	const fields = {
		displayname: 'Alice “A.” ☂',
		avatar_url: 'mxc://news.example/abc',
		'm.tz': 'Europe/Oslo',
		'org.example.job': {desk: ['world', 7]},
	};
	for (const [key, value] of Object.entries(fields)) {
		const answer = await set(app, token, key, value);
		t.is(answer.status, 200, key);
		t.deepEqual(answer.body, {});
		t.deepEqual(await call(app, 'GET', `${ALICE}/${key}`, {token}), {[key]: value});
	}
	t.deepEqual(await call(app, 'GET', ALICE, {token}), fields);
	t.deepEqual(await call(app, 'DELETE', `${ALICE}/m.tz`, {token}), {});
	t.deepEqual(await call(app, 'DELETE', `${ALICE}/m.tz`, {token}), {});
	const gone = await request(app, 'GET', `${ALICE}/m.tz`, {token});
	t.is(gone.status, 404);
	t.is(gone.body['errcode'], 'M_NOT_FOUND');
});

test('an empty name or avatar removes it', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	await set(app, token, 'displayname', 'Alice');
	t.is((await set(app, token, 'displayname', '')).status, 200);
	t.is((await set(app, token, 'avatar_url', '')).status, 200);
	t.deepEqual(await call(app, 'GET', ALICE, {token}), {});
});

test('values and keys that no profile has are refused', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const refusals: [string, unknown, string][] = [
		['displayname', 5, 'M_INVALID_PARAM'],
		['displayname', null, 'M_INVALID_PARAM'],
		['displayname', 'x'.repeat(257), 'M_INVALID_PARAM'],
		['avatar_url', 'https://news.example/a.png', 'M_INVALID_PARAM'],
		['avatar_url', 'mxc://news.example/../secret', 'M_INVALID_PARAM'],
		['m.tz', ['Europe/Oslo'], 'M_INVALID_PARAM'],
		['Capital', 'x', 'M_INVALID_PARAM'],
		['a b', 'x', 'M_INVALID_PARAM'],
		['__proto__', 'x', 'M_INVALID_PARAM'],
		[`a${'.x'.repeat(128)}`, 'x', 'M_KEY_TOO_LARGE'],
	];
	for (const [key, value, errcode] of refusals) {
		const body = JSON.parse(`{${JSON.stringify(key)}: ${JSON.stringify(value)}}`) as unknown;
		const answer = await request(app, 'PUT', `${ALICE}/${encodeURIComponent(key)}`, {token, body});
		t.is(answer.status, 400, key);
		t.is(answer.body['errcode'], errcode, key);
	}
	const missing = await request(app, 'PUT', `${ALICE}/displayname`, {token, body: {other: 'x'}});
	t.is(missing.body['errcode'], 'M_MISSING_PARAM');
	t.is((await request(app, 'PUT', `${ALICE}/displayname`, {token, body: []})).body['errcode'], 'M_BAD_JSON');
	t.deepEqual(await call(app, 'GET', ALICE, {token}), {});
});

test('a whole profile stays under 64 KiB, whatever comes at once', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const answers = await Promise.all(
		Array.from({length: 8}, (_, index) => set(app, token, `org.example.f${index}`, 'x'.repeat(16_000))),
	);
	t.is(answers.filter(({status}) => status === 200).length, 4);
	t.true(answers.every(({status, body: {errcode}}) => status === 200 || errcode === 'M_PROFILE_TOO_LARGE'));
	t.is((await set(app, token, 'displayname', 'Alice')).status, 200);
});

test("nobody changes another user's profile", async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const {access_token: token} = await register(app, 'bobby');
	await set(app, alice.access_token, 'displayname', 'Alice');
	for (const user of ['alice', 'nobody']) {
		for (const [method, body] of [
			['PUT', {displayname: 'Eve'}],
			['DELETE', undefined],
		] as const) {
			const answer = await request(app, method, `${profileOf(user)}/displayname`, {token, ...(body && {body})});
			t.is(answer.status, 403);
			t.is(answer.body['errcode'], 'M_FORBIDDEN');
		}
	}
	t.is((await request(app, 'PUT', `${ALICE}/displayname`, {body: {displayname: 'Eve'}})).status, 401);
	t.deepEqual(await call(app, 'GET', ALICE, {token: alice.access_token}), {displayname: 'Alice'});
});

test('a stranger gets one answer, whether somebody is there or not', async (t) => {
	const app = await startApp(t, {config: {privacy: 'shared'}});
	const alice = await register(app, 'alice');
	await set(app, alice.access_token, 'displayname', 'Alice');
	const {access_token: token} = await register(app, 'bobby');
	const paths = ['alice', 'nobody'].map(profileOf);
	paths.push('/_matrix/client/v3/profile/@somebody:elsewhere.example');
	const faces = new Set<string>();
	for (const path of paths.flatMap((it) => [it, `${it}/displayname`])) {
		const anonymous = await request(app, 'GET', path);
		t.is(anonymous.status, 401);
		t.is(anonymous.body['errcode'], 'M_MISSING_TOKEN');
		const stranger = await request(app, 'GET', path, {token});
		t.is(stranger.status, 403);
		faces.add(stranger.text);
	}
	t.is(faces.size, 1);
});

test('people of a server with tokens see each other, and an open profile is for everybody', async (t) => {
	for (const [privacy, anonymousStatus] of [
		['server', 401],
		['open', 200],
	] as const) {
		const app = await startApp(t, {config: {privacy}});
		const alice = await register(app, 'alice');
		await set(app, alice.access_token, 'displayname', 'Alice');
		const {access_token: token} = await register(app, 'bobby');
		t.deepEqual(await call(app, 'GET', ALICE, {token}), {displayname: 'Alice'});
		t.is((await request(app, 'GET', profileOf('nobody'), {token})).status, 404);
		t.is((await request(app, 'GET', ALICE)).status, anonymousStatus);
	}
});

test('a suspended user reads profiles and changes none', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const {storage, services} = app.application;
	const userId = services.accounts.checkNewName('alice');
	const batch = storage.batch();
	storage.accounts.setStates(batch, userId, {isSuspended: true});
	batch.announce({kind: 'account', subject: userId});
	await storage.commit(batch);
	const answer = await set(app, token, 'displayname', 'Alice');
	t.is(answer.status, 403);
	t.is(answer.body['errcode'], 'M_USER_SUSPENDED');
	t.is((await request(app, 'DELETE', `${ALICE}/displayname`, {token})).status, 403);
	t.is((await request(app, 'GET', ALICE, {token})).status, 200);
});

test('name and avatar follow into the member events of joined rooms, and sharing a room makes profiles known', async (t) => {
	const app = await startApp(t, {config: {privacy: 'shared'}});
	const alice = await register(app, 'alice');
	const bobby = await register(app, 'bobby');
	const token = alice.access_token;
	const bobbys = {token: bobby.access_token};
	await set(app, token, 'displayname', 'Alice');
	t.is((await request(app, 'GET', ALICE, bobbys)).status, 403);
	const body = {preset: 'private_chat', invite: [bobby.user_id]};
	const {room_id: roomId} = await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {token, body});
	const room = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}`;
	const member = () => memberContent(app, roomId, alice.user_id);
	t.deepEqual(await member(), {membership: 'join', displayname: 'Alice'});
	await call(app, 'POST', `${room}/join`, {...bobbys, body: {}});
	t.deepEqual(await call(app, 'GET', ALICE, bobbys), {displayname: 'Alice'});
	await set(app, token, 'displayname', 'Alice A.');
	await set(app, token, 'avatar_url', 'mxc://news.example/abc');
	t.deepEqual(await member(), {membership: 'join', displayname: 'Alice A.', avatar_url: 'mxc://news.example/abc'});
	await call(app, 'DELETE', `${ALICE}/displayname`, {token});
	t.deepEqual(await member(), {membership: 'join', avatar_url: 'mxc://news.example/abc'});
});
