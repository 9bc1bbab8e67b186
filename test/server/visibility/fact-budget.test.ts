/** How much anybody may learn in a day where answers must tell whether something is there. */
import test, {type ExecutionContext} from 'ava';
import {type AppOptions, call, createTestDevice, path, register, request, startApp} from '../../harness/index.ts';
import {errorOf, Person, room} from '../api/client-server/newsroom.ts';

const DAY_MS = 86_400_000;
const budget = (perDay: number, more: object = {}) => ({config: {fact_budget_per_day: perDay, ...more}});
/** Starts a server with three people who are strangers to each other, and whose registration nobody counted. */
async function people(t: ExecutionContext, options: AppOptions) {
	const app = await startApp(t, options);
	// Noon, so that no test ends on another day than it began.
	app.advance(1.5 * DAY_MS - (Date.now() % DAY_MS));
	const {accounts} = app.application.services;
	const add = async (name: string): Promise<Person> => {
		const device = {wantsRefresh: false};
		const {userId, session} = await accounts.register({userId: accounts.checkNewName(name), device});
		return new Person(app, {user_id: userId, access_token: session!.accessToken, device_id: session!.deviceId});
	};
	return {app, alice: await add('alice'), bob: await add('bob'), carol: await add('carol')};
}

const LIMITED = [429, 'M_LIMIT_EXCEEDED'];
const named = (name: string) => `@${name}:news.example`;

test('rows 15 and 18: somebody invites so many strangers in a day, whether those exist or not', async (t) => {
	const {app, alice, bob, carol} = await people(t, budget(3));
	const roomId = await alice.create();
	const invite = (person: Person, userId: string, id = roomId) =>
		person.ask('POST', `${room(id)}/invite`, {user_id: userId});
	for (const userId of [bob.id, named('nobody'), named('no-one')]) t.is((await invite(alice, userId)).status, 200);
	const refused = await Promise.all([carol.id, named('nil')].map((userId) => invite(alice, userId)));
	t.deepEqual(
		refused.map(({status, body}) => [status, body['errcode']]),
		[
			[429, 'M_LIMIT_EXCEEDED'],
			[429, 'M_LIMIT_EXCEEDED'],
		],
	);
	const waitsS = refused.map(({headers}) => Number(headers.get('retry-after')));
	t.true(waitsS.every((waitS) => waitS > 0 && waitS <= DAY_MS / 1000));
	t.true(Math.abs(waitsS[0]! - waitsS[1]!) <= 2, 'the wait is until the day is over, whoever it was');
	t.is((await alice.ask('POST', '/createRoom', {invite: [carol.id]})).status, 429);
	// The same name in another room is no other fact; nor is who shares a room.
	const other = await alice.create();
	t.is((await invite(alice, bob.id, other)).status, 200);
	await bob.join(roomId);
	t.is((await invite(bob, alice.id, await bob.create())).status, 200);
	// What somebody has used up is theirs alone.
	const carols = await carol.create();
	for (const userId of [bob.id, named('nobody')]) t.is((await invite(carol, userId, carols)).status, 200);
	app.advance(DAY_MS);
	t.is((await invite(alice, carol.id)).status, 200, 'tomorrow is another day');
});

test('a room is made with all that are invited to it, or not at all', async (t) => {
	const {alice, bob, carol} = await people(t, budget(2));
	const rooms = async () => (await alice.do<{joined_rooms: string[]}>('GET', '/joined_rooms')).joined_rooms.length;
	t.is((await alice.ask('POST', '/createRoom', {invite: [bob.id, carol.id, named('nobody')]})).status, 429);
	t.is(await rooms(), 0);
	t.is((await alice.ask('POST', '/createRoom', {invite: [bob.id, carol.id, bob.id]})).status, 200);
	t.is(await rooms(), 1);
});

test('colleagues who may know of each other are not counted', async (t) => {
	const {alice, bob, carol} = await people(t, budget(0, {privacy: 'server'}));
	const roomId = await alice.create({invite: [bob.id, carol.id, named('nobody')]});
	t.is((await alice.state(roomId, 'm.room.member', bob.id))['membership'], 'invite');
	for (const name of ['a', 'b', 'c']) {
		await bob.create({room_alias_name: name});
		t.is((await alice.ask('GET', `/directory/room/${path(`#${name}:news.example`)}`)).status, 200);
	}
});

test('who knocks can be let in by who has no facts left', async (t) => {
	const {alice, bob} = await people(t, budget(0));
	const roomId = await alice.create({
		initial_state: [{type: 'm.room.join_rules', state_key: '', content: {join_rule: 'knock'}}],
	});
	const {status} = await alice.ask('POST', `${room(roomId)}/invite`, {user_id: bob.id});
	t.is(status, 429);
	await bob.do('POST', `/knock/${path(roomId)}`, {});
	t.is((await alice.ask('POST', `${room(roomId)}/invite`, {user_id: bob.id})).status, 200);
});

test('rows 10 and 38: who invites learns keys within the budget, the same names once a day', async (t) => {
	const {app, alice, bob, carol} = await people(t, budget(2));
	for (const person of [bob, carol]) {
		const device = createTestDevice(person.session);
		const keys = {device_keys: device.deviceKeys, one_time_keys: device.oneTimeKeys('A', 'B', 'C')};
		await person.do('POST', '/keys/upload', keys);
	}
	const query = async (...userIds: string[]) => {
		const wanted = Object.fromEntries(userIds.map((userId) => [userId, []]));
		const {device_keys: keys} = await alice.do<{device_keys: Record<string, object>}>('POST', '/keys/query', {
			device_keys: wanted,
		});
		return userIds.map((userId) => Object.keys(keys[userId] ?? {}).length);
	};
	await alice.create({invite: [bob.id, named('nobody')]});
	t.deepEqual(await query(bob.id, named('nobody')), [1, 0]);
	app.advance(DAY_MS);
	await alice.create({invite: [carol.id]});
	t.deepEqual(await query(carol.id, bob.id), [1, 1], 'two of the day');
	app.advance(DAY_MS);
	t.deepEqual(
		await query(named('nobody'), bob.id, carol.id),
		[0, 1, 0],
		'a name that nobody has is a fact like others',
	);
	t.deepEqual(await query(carol.id, bob.id), [0, 1]);
	const {one_time_keys: claimed} = await alice.do<{one_time_keys: object}>('POST', '/keys/claim', {
		one_time_keys: {[carol.id]: {[carol.session.device_id]: 'signed_curve25519'}},
	});
	t.deepEqual(claimed, {});
});

test('what was learnt counts after a restart', async (t) => {
	const {app, alice, bob, carol} = await people(t, budget(2));
	const roomId = await alice.create({invite: [bob.id, named('nobody')]});
	await app.application.stop();
	const again = new Person(await app.restart(), alice.session);
	for (const userId of [carol.id, named('no-one')]) {
		t.is((await again.ask('POST', `${room(roomId)}/invite`, {user_id: userId})).status, 429);
	}
});

test('rows 26 and 29: of names that were not given one learns so many in a day, also by joining', async (t) => {
	const {app, alice, bob} = await people(t, budget(6));
	// Who shares a room with its maker may learn of an alias.
	const shared = await alice.create({preset: 'public_chat'});
	await bob.join(shared);
	for (const name of ['a', 'b']) await alice.create({room_alias_name: name, preset: 'public_chat'});
	app.advance(DAY_MS);
	await alice.create({room_alias_name: 'shown', visibility: 'public', preset: 'public_chat'});
	const look = (name: string) => bob.ask('GET', `/directory/room/${path(`#${name}:news.example`)}`);
	const join = (name: string) => bob.ask('POST', `/join/${path(`#${name}:news.example`)}`, {});
	t.is((await look('a')).status, 200);
	for (const name of ['none', 'no', 'not']) t.is((await look(name)).status, 404);
	for (const name of ['never', 'nowhere']) t.is((await join(name)).status, 404);
	const faces = await Promise.all([look('b'), look('nil'), join('b'), join('nil')]);
	t.is(new Set(faces.map((face) => JSON.stringify(errorOf(face)))).size, 1, 'there is nothing more for today');
	t.is(faces[0].status, 404);
	t.is((await look('a')).status, 200, 'what was learnt today');
	t.is((await look('shown')).status, 200, 'what everybody may know');
	t.is((await join('a')).status, 200);
	app.advance(DAY_MS);
	t.is((await look('b')).status, 200);
});

test('row 27: somebody tries a third of the budget as names of rooms, free and taken alike', async (t) => {
	const {alice, bob} = await people(t, budget(6));
	const roomId = await bob.create();
	await alice.create({room_alias_name: 'taken'});
	const put = (name: string) => bob.ask('PUT', `/directory/room/${path(`#${name}:news.example`)}`, {room_id: roomId});
	t.is((await put('taken')).status, 409);
	t.is((await bob.ask('POST', '/createRoom', {room_alias_name: 'free'})).status, 200);
	const ways = [
		await put('other'),
		await bob.ask('POST', '/createRoom', {room_alias_name: 'other'}),
		await alice.create({room_alias_name: 'second'}).then(() => put('second')),
		await bob.ask('POST', '/createRoom', {room_alias_name: 'second'}),
	];
	for (const {status, body} of ways) t.deepEqual([status, body['errcode']], [429, 'M_LIMIT_EXCEEDED']);
	t.is((await put('taken')).status, 409, 'known already');
});

test('rows 4 and 5: a place asks for so many names in a day; then it gets one that the server invents', async (t) => {
	const {app} = await people(t, budget(3));
	const available = (name: string) => request(app, 'GET', `/_matrix/client/v3/register/available?username=${name}`);
	const take = (username: string | undefined) =>
		request(app, 'POST', '/_matrix/client/v3/register', {
			body: {...(username !== undefined && {username}), password: 'correct horse', auth: {type: 'm.login.dummy'}},
		});
	// Those who registered have learnt of nobody.
	t.is((await available('alice')).body['errcode'], 'M_USER_IN_USE');
	t.is((await available('dave')).status, 200);
	t.is((await take('dave')).status, 200);
	t.is((await available('erin')).status, 200);
	t.is((await take('bob')).body['errcode'], 'M_USER_IN_USE');
	for (const name of ['carol', 'frank']) {
		for (const {status, body} of [await available(name), await take(name)]) {
			t.deepEqual([status, body['errcode']], [429, 'M_LIMIT_EXCEEDED']);
		}
	}
	t.is((await take(undefined)).status, 200);
	app.advance(DAY_MS);
	t.is((await available('frank')).status, 200);
});

test('rows 4 and 5: all places together ask for so many names in a day, and those who get theirs cost nothing', async (t) => {
	const {app} = await people(t, budget(3, {strangers_fact_budget_per_day: 4}));
	const ask = async (from: string, username: string, isTaking = false) => {
		const uri = isTaking ? '/register' : `/register/available?username=${username}`;
		const body = JSON.stringify({username, password: 'correct horse', auth: {type: 'm.login.dummy'}});
		const reply = await fetch(`${app.url}/_matrix/client/v3${uri}`, {
			headers: {'x-forwarded-for': from, 'content-type': 'application/json'},
			...(isTaking && {method: 'POST', body}),
		});
		return [reply.status, ((await reply.json()) as {errcode?: string}).errcode];
	};
	// Networks of one place are one place.
	t.deepEqual(await ask('2001:db8:1:1::1', 'alice'), [400, 'M_USER_IN_USE']);
	t.deepEqual(await ask('2001:db8:1:2::1', 'dave'), [200, undefined]);
	t.deepEqual(await ask('2001:db8:1:3::1', 'erin'), [200, undefined]);
	t.deepEqual(await ask('2001:db8:1:4::1', 'frank'), LIMITED);
	t.deepEqual(await ask('192.0.2.1', 'grace'), [200, undefined]);
	for (const name of ['bob', 'nobody']) {
		for (const isTaking of [false, true]) t.deepEqual(await ask('192.0.2.2', name, isTaking), LIMITED, name);
	}
	t.deepEqual(await ask('192.0.2.1', 'grace', true), [200, undefined], 'what was learnt today');
	t.deepEqual(await ask('192.0.2.2', 'bob'), [400, 'M_USER_IN_USE'], 'the name that was taken counts no more');
	t.deepEqual(await ask('192.0.2.2', 'nobody'), LIMITED);
});

test('row 5: with tokens, who holds one learns of so many names, and those who register cost nothing', async (t) => {
	const closed = await withToken(t, 2);
	const taken = await closed.take('alice');
	t.is(taken.body['errcode'], 'M_USER_IN_USE');
	for (const name of ['dave', 'erin', 'frank']) t.is((await closed.take(name)).status, 200, name);
	t.is((await closed.take('dave')).body['errcode'], 'M_USER_IN_USE');
	for (const name of ['erin', 'grace']) t.is((await closed.take(name)).status, 429, name);
});

async function withToken(t: ExecutionContext, perDay: number) {
	const app = await startApp(t, budget(perDay, {registration: 'token', privacy: 'shared'}));
	const {accounts} = app.application.services;
	const token = await accounts.createRegistrationToken({
		name: 'desk',
		usesAllowed: null,
		expiresTs: null,
		makesAdmin: false,
	});
	await accounts.register({userId: accounts.checkNewName('alice'), password: 'correct horse'});
	return {
		take: (username: string) =>
			request(app, 'POST', '/_matrix/client/v3/register', {
				body: {username, password: 'correct horse', auth: {type: 'm.login.registration_token', token}},
			}),
	};
}

test('administrators see who asks, others do not, and the figures name nobody', async (t) => {
	const {app, alice, bob, carol} = await people(t, budget(1));
	await alice.create({invite: [bob.id]});
	// However often a client tries.
	for (let tries = 0; tries < 3; tries += 1) {
		t.is((await alice.ask('POST', '/createRoom', {invite: [named('nobody')]})).status, 429);
	}
	for (const userId of [alice.id, bob.id, named('nobody'), named('nobody')]) {
		t.is((await carol.ask('GET', `/profile/${path(userId)}`)).status, 403);
	}
	await request(app, 'GET', `/_matrix/client/v3/profile/${path(alice.id)}`);
	await request(app, 'GET', `/_matrix/client/v3/directory/room/${path('#desk:news.example')}`);
	const {accounts} = app.application.services;
	const {session} = await accounts.register({
		userId: accounts.checkNewName('root'),
		isAdmin: true,
		device: {wantsRefresh: false},
	});
	const probes = '/_broadsheet/admin/v1/probes';
	const {askers, date} = await call<{askers: Record<string, unknown>[]; date: string}>(app, 'GET', probes, {
		token: session!.accessToken,
	});
	t.regex(date, /^\d{4}-\d\d-\d\d$/u);
	t.deepEqual(askers, [
		{kind: 'person', name: carol.id, learnt: 0, refused: 0, probes: 3},
		{kind: 'person', name: alice.id, learnt: 1, refused: 1, probes: 1},
	]);
	const yesterday = await call<{askers: unknown[]}>(app, 'GET', `${probes}?days_ago=1`, {token: session!.accessToken});
	t.deepEqual(yesterday.askers, []);
	t.is((await request(app, 'GET', probes, {token: alice.session.access_token})).status, 403);
	t.is((await request(app, 'GET', probes)).status, 404);
	t.is((await request(app, 'GET', `${probes}?days_ago=31`, {token: session!.accessToken})).status, 400);
	const {text} = await request(app, 'GET', '/metrics');
	t.regex(text, /^broadsheet_facts_probes_by_person 4$/mu);
	t.regex(text, /^broadsheet_facts_refused_by_person 1$/mu);
	t.regex(text, /^broadsheet_facts_probes_by_outsider 1$/mu);
	t.false(text.includes('carol') || text.includes('alice'));
	t.false(app.readLog().includes('nobody'));
});

test('nobody without an account is written down, whatever they ask', async (t) => {
	const {app} = await people(t, budget(1));
	const ask = (name: string) => request(app, 'GET', `/_matrix/client/v3/register/available?username=${name}`);
	t.deepEqual([(await ask('alice')).status, (await ask('nobody')).status], [400, 429]);
	await register(app, 'dave').catch(() => undefined);
	const {askers} = await app.application.services.facts.listAskers({daysAgo: 0, limit: 10});
	t.deepEqual(askers, []);
});
