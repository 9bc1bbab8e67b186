/** What is asked for many times at once happens once: row E13 of the list of threats. */
import {createHmac} from 'node:crypto';
import test from 'ava';
import {
	call,
	passwordOf,
	REGISTRATION_SHARED_SECRET,
	register,
	request,
	type Session,
	startApp,
} from '../../../harness/index.ts';
import {type ClientEvent, newsroom, type Person, room} from './newsroom.ts';

const atOnce = 64;

const many = <T>(run: (index: number) => Promise<T>): Promise<T[]> =>
	Promise.all(Array.from({length: atOnce}, (_, index) => run(index)));

/** The member events of somebody that a room has seen. */
async function historyOf(reader: Person, roomId: string, userId: string): Promise<unknown[]> {
	const {chunk} = await reader.do<{chunk: ClientEvent[]}>('GET', `${room(roomId)}/messages?dir=f&limit=1000`);
	return chunk.filter((event) => event.state_key === userId).map(({content}) => content['membership']);
}

test('E13: who joins many times at once has joined once', async (t) => {
	const {alice, bob} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	const answers = await many(() => bob.ask('POST', `/join/${encodeURIComponent(roomId)}`, {}));
	t.true(answers.every(({status}) => status === 200));
	t.deepEqual(await historyOf(alice, roomId, bob.id), ['join']);
});

test('E13: invites and bans at once leave nobody in who was banned', async (t) => {
	const {alice, bob, carol} = await newsroom(t);
	const roomId = await alice.create({
		preset: 'public_chat',
		power_level_content_override: {users: {[alice.id]: 100, [carol.id]: 100}},
		room_version: '11',
	});
	await carol.join(roomId);
	const asks = [
		() => alice.ask('POST', `${room(roomId)}/invite`, {user_id: bob.id}),
		() => carol.ask('POST', `${room(roomId)}/ban`, {user_id: bob.id}),
		() => bob.ask('POST', `${room(roomId)}/join`, {}),
		() => bob.ask('POST', `${room(roomId)}/leave`, {}),
	];
	const answers = await many((index) => asks[index % asks.length]!());
	t.true(answers.every(({status}) => status === 200 || status === 403));
	await carol.do('POST', `${room(roomId)}/ban`, {user_id: bob.id});
	t.is((await alice.state(roomId, 'm.room.member', bob.id))['membership'], 'ban');
	// After each ban there was no way in.
	const history = await historyOf(alice, roomId, bob.id);
	t.is(history.at(-1), 'ban');
	for (const [index, membership] of history.entries()) {
		if (membership === 'ban') t.true(history.slice(index).every((later) => later === 'ban'));
	}
});

test('E13: of many names for one alias and many rooms for one name, one is given', async (t) => {
	const {alice, bob} = await newsroom(t);
	const made = await many((index) => (index % 2 ? alice : bob).ask('POST', '/createRoom', {room_alias_name: 'desk'}));
	t.is(made.filter(({status}) => status === 200).length, 1);
	t.true(made.every(({status, body}) => status === 200 || body['errcode'] === 'M_ROOM_IN_USE'));
	// The others left no rooms behind.
	const rooms = await Promise.all(
		[alice, bob].map((person) => person.do<{joined_rooms: string[]}>('GET', '/joined_rooms')),
	);
	t.is(rooms.flatMap(({joined_rooms: joined}) => joined).length, 1);
});

test('E13: a nonce of shared-secret registration makes one account of many that show it at once', async (t) => {
	const app = await startApp(t);
	const path = '/_synapse/admin/v1/register';
	const {nonce} = await call<{nonce: string}>(app, 'GET', path);
	const answers = await many((index) => {
		const username = `tool${index}`;
		const parts = [nonce, username, 'long enough', 'notadmin'];
		const mac = createHmac('sha1', REGISTRATION_SHARED_SECRET).update(parts.join('\0')).digest('hex');
		return request(app, 'POST', path, {body: {nonce, username, password: 'long enough', mac}});
	});
	t.is(answers.filter(({status}) => status === 200).length, 1);
	t.true(answers.every(({status}) => status === 200 || status === 403));
});

test('E13: a proof that many requests show at once serves one of them', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const path = '/_matrix/client/v3/account/password';
	const first = await request<{session: string}>(app, 'POST', path, {token: alice.access_token, body: {}});
	const fallback = `/_matrix/client/v3/auth/m.login.password/fallback/web?session=${first.body.session}`;
	const form = new URLSearchParams({user: 'alice', password: passwordOf('alice')});
	t.is((await fetch(app.url + fallback, {method: 'POST', body: form})).status, 200);
	const answers = await many((index) =>
		request(app, 'POST', path, {
			token: alice.access_token,
			body: {new_password: `good enough ${index}`, auth: {session: first.body.session}},
		}),
	);
	t.is(answers.filter(({status}) => status === 200).length, 1);
	t.true(answers.every(({status}) => status === 200 || status === 401));
});

test('E13: many logins on one device at once leave it with one session', async (t) => {
	const app = await startApp(t);
	const {device_id: deviceId, access_token: before} = await register(app, 'alice');
	const login = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: 'alice'},
		password: passwordOf('alice'),
		device_id: deviceId,
	};
	const sessions = await many(() => call<Session>(app, 'POST', '/_matrix/client/v3/login', {body: login}));
	const statuses = await Promise.all(
		[before, ...sessions.map(({access_token: token}) => token)].map(
			async (token) => (await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token})).status,
		),
	);
	t.is(statuses.filter((status) => status === 200).length, 1);
	t.is(statuses[0], 401);
});
