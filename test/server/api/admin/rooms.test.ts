import test from 'ava';
import type {RoomId, UserId} from '../../../../crypto/index.ts';
import {type App, call, register, request, type Session, startApp, startApps, until} from '../../../harness/index.ts';
import {addAdministrator, ask, listActs} from './administrator.ts';

const CLIENT = '/_matrix/client/v3';
const enc = encodeURIComponent;

async function makeRoom(app: App, {access_token: token}: Session, body: object = {}): Promise<string> {
	return (await call<{room_id: string}>(app, 'POST', `${CLIENT}/createRoom`, {token, body})).room_id;
}

const join = (app: App, {access_token: token}: Session, roomId: string) =>
	request(app, 'POST', `${CLIENT}/join/${enc(roomId)}`, {token, body: {}});

const say = (app: App, {access_token: token}: Session, roomId: string, text: string) =>
	call(app, 'PUT', `${CLIENT}/rooms/${enc(roomId)}/send/m.room.message/${enc(text)}`, {
		token,
		body: {msgtype: 'm.text', body: text},
	});

async function syncOnce(app: App, {access_token: token}: Session, since?: string) {
	const query = since === undefined ? '' : `&since=${enc(since)}`;
	return call<{next_batch: string; rooms?: Record<string, Record<string, unknown>>}>(
		app,
		'GET',
		`${CLIENT}/sync?timeout=0${query}`,
		{token},
	);
}

test('rooms are listed, found and described as Synapse does', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const bobby = await register(app, 'bobby');
	const news = await makeRoom(app, alice, {name: 'News', room_alias_name: 'news', visibility: 'public', topic: 'T'});
	const den = await makeRoom(app, bobby, {name: 'Den'});
	await join(app, bobby, news);
	const list = async (query: string) => {
		const {status, body} = await ask<{rooms: {name: string}[]}>(app, root, ['GET', `/v1/rooms?${query}`]);
		t.is(status, 200, query);
		return body.rooms.map(({name}) => name);
	};
	t.deepEqual(await list('order_by=name'), ['Den', 'News']);
	t.deepEqual(await list('order_by=name&dir=b'), ['News', 'Den']);
	t.deepEqual(await list('order_by=size'), ['News', 'Den']);
	t.deepEqual(await list('search_term=new'), ['News']);
	t.deepEqual(await list(`search_term=${enc(den)}`), ['Den']);
	t.deepEqual(await list('public_rooms=true'), ['News']);
	t.deepEqual(await list('public_rooms=false'), ['Den']);
	t.deepEqual(await list('empty_rooms=true'), []);
	const page = await ask(app, root, ['GET', '/v1/rooms?from=1&limit=1']);
	t.like(page.body, {offset: 1, total_rooms: 2, prev_batch: 0});
	t.like((await ask(app, root, ['GET', '/v1/rooms?limit=1'])).body, {next_batch: 1});
	const {body: details} = await ask(app, root, ['GET', `/v1/rooms/${enc(news)}`]);
	t.like(details, {
		room_id: news,
		name: 'News',
		topic: 'T',
		canonical_alias: '#news:news.example',
		joined_members: 2,
		joined_local_members: 2,
		joined_local_devices: 2,
		creator: '@alice:news.example',
		encryption: null,
		federatable: true,
		public: true,
		join_rules: 'public',
		history_visibility: 'shared',
		room_type: null,
		forgotten: false,
		tombstoned: false,
		replacement_room: null,
	});
	const members = await ask(app, root, ['GET', `/v1/rooms/${news}/members`]);
	t.deepEqual(members.body, {members: ['@alice:news.example', '@bobby:news.example'], total: 2});
	const state = await ask<{state: {type: string}[]}>(app, root, ['GET', `/v1/rooms/${news}/state?type=m.room.name`]);
	t.deepEqual(
		state.body.state.map(({type}) => type),
		['m.room.name'],
	);
	t.true((await ask<{state: object[]}>(app, root, ['GET', `/v1/rooms/${news}/state`])).body.state.length > 5);
	t.like((await ask(app, root, ['GET', `/v1/rooms/${enc(news)}/forward_extremities`])).body, {count: 1});
	t.is((await ask(app, root, ['DELETE', `/v1/rooms/${enc(news)}/forward_extremities`])).status, 405);
	for (const what of ['', '/members', '/state', '/forward_extremities']) {
		t.is((await ask(app, root, ['GET', `/v1/rooms/${enc('!nowhere:news.example')}${what}`])).status, 404, what);
	}
	t.deepEqual(await listActs(app), []);
});

test('nobody of the server enters a room that is blocked, known or not', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const bobby = await register(app, 'bobby');
	const room = await makeRoom(app, alice, {preset: 'public_chat'});
	const path = `/v1/rooms/${enc(room)}/block`;
	t.deepEqual((await ask(app, root, ['GET', path])).body, {block: false});
	t.deepEqual((await ask(app, root, ['PUT', path, {block: true}])).body, {block: true});
	t.deepEqual((await ask(app, root, ['GET', path])).body, {block: true});
	const refused = await join(app, bobby, room);
	const nowhere = await join(app, bobby, '!nowhere:news.example');
	t.deepEqual([refused.status, refused.text], [403, nowhere.text]);
	t.is((await join(app, alice, room)).status, 200);
	await ask(app, root, ['PUT', path, {block: false}]);
	t.is((await join(app, bobby, room)).status, 200);
	const unknown = `/v1/rooms/${enc('!elsewhere:other.example')}/block`;
	t.deepEqual((await ask(app, root, ['PUT', unknown, {block: true}])).body, {block: true});
	t.deepEqual((await ask(app, root, ['GET', unknown])).body, {block: true});
	t.is((await ask(app, root, ['GET', `/v1/rooms/${enc('!elsewhere:other.example')}`])).status, 404);
	t.deepEqual(
		(await listActs(app)).map(([, act]) => act),
		['block-room', 'unblock-room', 'block-room'],
	);
});

test('somebody is brought into a room, and given what power there is to give', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const bobby = await register(app, 'bobby');
	const open = await makeRoom(app, alice, {preset: 'public_chat', room_alias_name: 'open'});
	const closed = await makeRoom(app, alice, {});
	const bring = (room: string, userId: string) => ask(app, root, ['POST', `/v1/join/${enc(room)}`, {user_id: userId}]);
	t.deepEqual((await bring('#open:news.example', bobby.user_id)).body, {room_id: open});
	t.is((await bring(closed, bobby.user_id)).status, 403);
	t.is((await bring(open, '@nobody:news.example')).status, 400);
	t.is((await bring(open, '@somebody:other.example')).status, 400);
	const give = (room: string, body: object) => ask(app, root, ['POST', `/v1/rooms/${enc(room)}/make_room_admin`, body]);
	t.is((await give(closed, {})).status, 200);
	const {memberships} = app.application.storage;
	t.is((await memberships.find(closed as RoomId, root.user_id as UserId))?.membership, 'invite');
	t.is((await join(app, root, closed)).status, 200);
	t.is((await bring(closed, bobby.user_id)).status, 200);
	t.is((await give(closed, {user_id: bobby.user_id})).status, 200);
	const renamed = await request(app, 'PUT', `${CLIENT}/rooms/${enc(closed)}/state/m.room.name`, {
		token: bobby.access_token,
		body: {name: 'Taken'},
	});
	t.is(renamed.status, 200);
	t.is((await give('!nowhere:news.example', {})).status, 404);
});

test('a room is taken away: everybody is led out, is told so, and nothing of it is left', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const bobby = await register(app, 'bobby');
	const room = await makeRoom(app, alice, {preset: 'public_chat', room_alias_name: 'bad', name: 'Bad'});
	await join(app, bobby, room);
	for (let index = 0; index < 30; index += 1) await say(app, bobby, room, `word ${index}`);
	const before = await syncOnce(app, bobby);
	const begun = await ask<{delete_id: string}>(app, root, ['DELETE', `/v2/rooms/${enc(room)}`, {block: false}]);
	t.is(begun.status, 200);
	const {delete_id: id} = begun.body;
	const status = async () => (await ask(app, root, ['GET', `/v2/rooms/delete_status/${id}`])).body;
	const task = await until(
		async () => ((await status())['status'] === 'complete' ? status() : undefined),
		'the room to go',
	);
	t.like(task, {delete_id: id, room_id: room});
	t.like(task['shutdown_room'], {failed_to_kick_users: [], local_aliases: ['#bad:news.example'], new_room_id: null});
	const kicked = (task['shutdown_room'] as {kicked_users: string[]}).kicked_users;
	t.deepEqual(kicked.toSorted(), ['@alice:news.example', '@bobby:news.example']);
	const all = await ask<{results: object[]}>(app, root, ['GET', `/v2/rooms/${enc(room)}/delete_status`]);
	t.is(all.body.results.length, 1);
	const after = await syncOnce(app, bobby, before.next_batch);
	t.deepEqual(Object.keys(after.rooms?.['leave'] ?? {}), [room]);
	t.is((await ask(app, root, ['GET', `/v1/rooms/${enc(room)}`])).status, 404);
	const {storage} = app.application;
	t.is((await storage.events.listTimeline({roomId: room as RoomId, direction: 'forwards', limit: 10})).length, 0);
	t.deepEqual(await storage.aliases.listOfRoom(room as RoomId), []);
	t.is((await join(app, bobby, room)).status, 403);
	t.deepEqual(await listActs(app), [['@root:news.example', 'delete-room', room]]);
	// A week later, which a job that is added once more does not wait for.
	const batch = storage.batch();
	storage.jobs.add(batch, {kind: 'delete-room', key: id, payload: {}, dueTs: 0});
	await storage.commit(batch);
	await until(async () => (await storage.rooms.find(room as RoomId)) === undefined, 'the last of it to go', 60_000);
	t.is((await ask(app, root, ['GET', `/v2/rooms/delete_status/x`])).status, 404);
	t.is((await ask(app, root, ['DELETE', `/v2/rooms/${enc(room)}`, {}])).status, 404);
});

test('people are brought to another room with the aliases, and the room stays blocked', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const bobby = await register(app, 'bobby');
	const room = await makeRoom(app, alice, {preset: 'public_chat', room_alias_name: 'bad'});
	await join(app, bobby, room);
	// As Draupnir asks.
	const {status, body} = await ask<{new_room_id: string; kicked_users: string[]}>(app, root, [
		'DELETE',
		`/v1/rooms/${enc(room)}`,
		{new_room_user_id: root.user_id, block: true},
	]);
	t.is(status, 200);
	t.is(body.kicked_users.length, 2);
	const {memberships, aliases, rooms} = app.application.storage;
	t.is((await memberships.find(body.new_room_id as RoomId, bobby.user_id as UserId))?.membership, 'join');
	t.is((await memberships.find(room as RoomId, bobby.user_id as UserId))?.membership, 'leave');
	t.is((await aliases.find('#bad:news.example' as never))?.roomId, body.new_room_id as RoomId);
	const silenced = await request(app, 'PUT', `${CLIENT}/rooms/${enc(body.new_room_id)}/send/m.room.message/1`, {
		token: bobby.access_token,
		body: {msgtype: 'm.text', body: 'x'},
	});
	t.is(silenced.status, 403);
	await until(async () => (await rooms.find(room as RoomId))?.headRoot === null, 'the room to be closed', 60_000);
	t.deepEqual((await ask(app, root, ['GET', `/v1/rooms/${enc(room)}/block`])).body, {block: true});
	const unknown = await ask(app, root, ['DELETE', `/v1/rooms/${enc('!nowhere:news.example')}`, {block: true}]);
	t.like(unknown.body, {kicked_users: [], new_room_id: null});
	t.is((await ask(app, root, ['DELETE', `/v1/rooms/${enc('!other:news.example')}`, {}])).status, 404);
});

test('a room that was taken away can be entered anew where others still have it, and not while it is blocked', async (t) => {
	const [app, other] = (await startApps(t, 2)) as [App, App];
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const owner = await register(other, 'owner');
	const room = await makeRoom(other, owner, {preset: 'public_chat', name: 'There'});
	const server = owner.user_id.slice(owner.user_id.indexOf(':') + 1);
	const enter = () =>
		request(app, 'POST', `${CLIENT}/join/${enc(room)}?via=${server}`, {token: alice.access_token, body: {}});
	t.is((await enter()).status, 200);
	await say(app, alice, room, 'before');
	const gone = async (block: boolean) => {
		const begun = await ask<{delete_id: string}>(app, root, ['DELETE', `/v2/rooms/${enc(room)}`, {block}]);
		const path = `/v2/rooms/delete_status/${begun.body.delete_id}`;
		await until(
			async () => (await ask(app, root, ['GET', path])).body['status'] === 'complete',
			'the room to go',
			60_000,
		);
	};
	await gone(false);
	t.is((await enter()).status, 200);
	await say(app, alice, room, 'again');
	const seen = await request(app, 'GET', `${CLIENT}/rooms/${enc(room)}/state/m.room.name`, {token: alice.access_token});
	t.deepEqual(seen.body, {name: 'There'});
	await gone(true);
	t.is((await enter()).status, 403);
	const invited = await request(other, 'POST', `${CLIENT}/rooms/${enc(room)}/invite`, {
		token: owner.access_token,
		body: {user_id: alice.user_id},
	});
	t.not(invited.status, 200);
	await ask(app, root, ['PUT', `/v1/rooms/${enc(room)}/block`, {block: false}]);
	t.is((await enter()).status, 200);
});

test('what somebody wrote is redacted everywhere', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const bobby = await register(app, 'bobby');
	const room = await makeRoom(app, alice, {preset: 'public_chat'});
	await join(app, bobby, room);
	await say(app, bobby, room, 'bad one');
	await say(app, alice, room, 'good one');
	await say(app, bobby, room, 'bad two');
	const begun = await ask<{redact_id: string}>(app, root, [
		'POST',
		`/v1/user/${enc(bobby.user_id)}/redact`,
		{rooms: [], reason: 'spam'},
	]);
	const path = `/v1/user/redact_status/${begun.body.redact_id}`;
	await until(
		async () => (await ask(app, root, ['GET', path])).body['status'] === 'complete',
		'it to be redacted',
		60_000,
	);
	t.deepEqual((await ask(app, root, ['GET', path])).body, {status: 'complete', failed_redactions: {}});
	const {body} = await request<{chunk: {sender: string; type: string; content: object}[]}>(
		app,
		'GET',
		`${CLIENT}/rooms/${enc(room)}/messages?dir=b&limit=50`,
		{token: alice.access_token},
	);
	const texts = body.chunk.filter(({type}) => type === 'm.room.message').map(({content}) => content);
	t.deepEqual(texts, [{}, {body: 'good one', msgtype: 'm.text'}, {}]);
	t.is((await ask(app, root, ['GET', '/v1/user/redact_status/x'])).status, 404);
	t.deepEqual(await listActs(app), [[root.user_id, 'redact-user', bobby.user_id]]);
});
