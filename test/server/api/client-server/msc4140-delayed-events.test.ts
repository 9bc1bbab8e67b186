import test from 'ava';
import {type App, call, register, request, type Session, startApp, until} from '../../../harness/index.ts';

const FOLDER = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events';
const MEMBER = 'org.matrix.msc3401.call.member';

interface Waiting {
	readonly delay_id: string;
	readonly type: string;
	readonly state_key?: string;
	readonly delay: number;
	readonly running_since: number;
}

const createRoom = async (app: App, {access_token: token}: Session, body: object = {}): Promise<string> =>
	(await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {token, body})).room_id;

const statePath = (roomId: string, key: string) =>
	`/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state/${MEMBER}/${encodeURIComponent(key)}`;
const sendPath = (roomId: string, txnId: string) =>
	`/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${txnId}`;
const delayed = (path: string, delay: number | string) => `${path}?org.matrix.msc4140.delay=${delay}`;

async function listWaiting(app: App, {access_token: token}: Session): Promise<readonly Waiting[]> {
	return (await call<{scheduled: Waiting[]}>(app, 'GET', FOLDER, {token})).scheduled;
}

async function readMember(app: App, {access_token: token}: Session, roomId: string): Promise<unknown> {
	const answer = await request(app, 'GET', statePath(roomId, 'key'), {token});
	return answer.status === 200 ? answer.body : undefined;
}

/** Asks for a state event that is sent later. */
async function holdMember(app: App, {access_token: token}: Session, roomId: string, delay: number): Promise<string> {
	const path = delayed(statePath(roomId, 'key'), delay);
	return (await call<{delay_id: string}>(app, 'PUT', path, {token, body: {left: true}})).delay_id;
}

test('a delayed event is listed, and sent once its time has come', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const roomId = await createRoom(app, alice);
	const delay = 3_600_000;
	const path = delayed(statePath(roomId, 'later'), delay);
	const {delay_id: later} = await call<{delay_id: string}>(app, 'PUT', path, {token: alice.access_token, body: {}});
	const soon = await holdMember(app, alice, roomId, 50);
	t.deepEqual(await until(() => readMember(app, alice, roomId), 'the event'), {left: true});
	const waiting = await listWaiting(app, alice);
	t.like(waiting, [{delay_id: later, type: MEMBER, state_key: 'later', delay}]);
	t.is(waiting.length, 1);
	t.is((await request(app, 'POST', `${FOLDER}/${soon}/cancel`)).status, 404);
});

test('a delayed event outlives the server that took it', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const roomId = await createRoom(app, alice);
	await holdMember(app, alice, roomId, 60_000);
	await app.application.stop();
	app.advance(61_000);
	const again = await app.restart();
	t.deepEqual(await until(() => readMember(again, alice, roomId), 'the event'), {left: true});
	t.deepEqual(await listWaiting(again, alice), []);
});

test('whoever has the id restarts, cancels or sends a delayed event, by body or by path', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const roomId = await createRoom(app, alice);
	const delayId = await holdMember(app, alice, roomId, 60_000);
	const [before] = await listWaiting(app, alice);
	t.deepEqual(await call<unknown>(app, 'GET', `${FOLDER}/${delayId}`, {token: alice.access_token}), before);
	const {access_token: stranger} = await register(app, 'bob');
	t.is((await request(app, 'GET', `${FOLDER}/${delayId}`, {token: stranger})).status, 404);
	t.is((await request(app, 'GET', `${FOLDER}/${delayId}`)).status, 401);
	app.advance(30_000);
	t.deepEqual(await call(app, 'POST', `${FOLDER}/${delayId}`, {body: {action: 'restart'}}), {});
	const [after] = await listWaiting(app, alice);
	t.true(after!.running_since >= before!.running_since + 30_000);
	t.deepEqual(await call(app, 'POST', `${FOLDER}/${delayId}/cancel`), {});
	t.deepEqual(await listWaiting(app, alice), []);
	const second = await holdMember(app, alice, roomId, 60_000);
	// Of several that come at once, one sends it.
	const answers = await Promise.all(Array.from({length: 4}, () => request(app, 'POST', `${FOLDER}/${second}/send`)));
	t.deepEqual(
		answers.map(({status}) => status).filter((status) => status === 200),
		[200],
	);
	t.deepEqual(await readMember(app, alice, roomId), {left: true});
	for (const path of [`${FOLDER}/nosuchid/restart`, `${FOLDER}/${delayId}/restart`, `${FOLDER}/x/explode`]) {
		t.is((await request(app, 'POST', path)).status, 404);
	}
	t.is((await request(app, 'POST', `${FOLDER}/x`, {body: {action: 'explode'}})).status, 400);
});

test('the same request gets the same delay id, and sends one message', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const roomId = await createRoom(app, alice);
	const path = delayed(sendPath(roomId, 't1'), 60_000);
	const options = {token: alice.access_token, body: {msgtype: 'm.text', body: 'later'}};
	const answers = await Promise.all(Array.from({length: 3}, () => call<{delay_id: string}>(app, 'PUT', path, options)));
	t.is(new Set(answers.map(({delay_id: id}) => id)).size, 1);
	t.is((await listWaiting(app, alice)).length, 1);
});

test('state that somebody else has set meanwhile stays', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bob')];
	const power = {users: {[alice.user_id]: 100, [bob.user_id]: 100}};
	const body = {preset: 'public_chat', room_version: '11', power_level_content_override: power};
	const roomId = await createRoom(app, alice, body);
	await call(app, 'POST', `/_matrix/client/v3/join/${encodeURIComponent(roomId)}`, {token: bob.access_token, body: {}});
	const delayId = await holdMember(app, alice, roomId, 60_000);
	await call(app, 'PUT', statePath(roomId, 'key'), {token: alice.access_token, body: {mine: true}});
	await call(app, 'PUT', statePath(roomId, 'key'), {token: bob.access_token, body: {bobs: true}});
	t.is((await request(app, 'POST', `${FOLDER}/${delayId}/send`)).status, 409);
	t.deepEqual(await readMember(app, alice, roomId), {bobs: true});
	t.deepEqual(await listWaiting(app, alice), []);
});

test('whether somebody may send is judged when it is sent, and nothing is sent for who has left', async (t) => {
	const app = await startApp(t);
	const [alice, bob] = [await register(app, 'alice'), await register(app, 'bob')];
	const roomId = await createRoom(app, alice, {preset: 'public_chat'});
	const {access_token: token} = bob;
	const refusals = await Promise.all(
		[roomId, '!nowhere:news.example'].map((id) =>
			request(app, 'PUT', delayed(statePath(id, 'key'), 60_000), {token, body: {}}),
		),
	);
	// A room that there is not is refused as one that the sender is not in.
	t.deepEqual(refusals[0]!.body, refusals[1]!.body);
	t.is(refusals[0]!.status, 403);
	const inRoom = (verb: string) => `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/${verb}`;
	await call(app, 'POST', inRoom('join'), {token, body: {}});
	const forbidden = await holdMember(app, bob, roomId, 60_000);
	t.is((await request(app, 'POST', `${FOLDER}/${forbidden}/send`)).status, 403, 'bob may not set state there');
	const message = delayed(sendPath(roomId, 't'), 60_000);
	const {delay_id: left} = await call<{delay_id: string}>(app, 'PUT', message, {token, body: {body: 'x'}});
	await call(app, 'POST', inRoom('leave'), {token, body: {}});
	t.is((await request(app, 'POST', `${FOLDER}/${left}/send`)).status, 403);
	t.deepEqual(await listWaiting(app, bob), []);
});

test('with the account its delayed events end', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const roomId = await createRoom(app, alice);
	const delayId = await holdMember(app, alice, roomId, 60_000);
	await app.application.services.accounts.deactivate(alice.user_id as never, {erase: false});
	t.is((await request(app, 'POST', `${FOLDER}/${delayId}/send`)).status, 404);
});

test('delays that are none, too long or too many are refused', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const token = alice.access_token;
	const roomId = await createRoom(app, alice);
	const path = statePath(roomId, 'key');
	for (const delay of ['-1', 'soon', '1.5']) {
		t.is((await request(app, 'PUT', delayed(path, delay), {token, body: {}})).status, 400);
	}
	const long = await request(app, 'PUT', delayed(path, 86_400_001), {token, body: {}});
	t.is(long.status, 400);
	t.like(long.body, {
		'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
		'org.matrix.msc4140.max_delay': 86_400_000,
	});
	const member = `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/state/m.room.member/@a:b`;
	t.is((await request(app, 'PUT', delayed(member, 10), {token, body: {membership: 'leave'}})).status, 400);
	t.is((await request(app, 'PUT', delayed(path, 10), {token, text: '{"a":1.5}'})).status, 400);
	for (let count = 0; count < 100; count += 1) await holdMember(app, alice, roomId, 60_000);
	const tooMany = await request(app, 'PUT', delayed(path, 60_000), {token, body: {}});
	t.like(tooMany.body, {'org.matrix.msc4140.errcode': 'M_MAX_DELAYED_EVENTS_EXCEEDED'});
	t.is((await request(app, 'GET', FOLDER)).status, 401);
});

test('an event is held back by an endpoint of its own, as a message or as state, once for each transaction', async (t) => {
	const app = await startApp(t);
	const alice = await register(app, 'alice');
	const token = alice.access_token;
	const roomId = await createRoom(app, alice);
	const path = (type: string, txnId: string) =>
		`/_matrix/client/unstable/org.matrix.msc4140/rooms/${encodeURIComponent(roomId)}/delayed_event/${type}/${txnId}`;
	const hold = (txnId: string, body: object, type = MEMBER) => request(app, 'PUT', path(type, txnId), {token, body});
	const state = {delay_ms: 60_000, state_key: 'key', content: {left: true}};
	const [first, again] = [await hold('t1', state), await hold('t1', state)];
	t.is(first.status, 200);
	t.deepEqual(again.body, first.body);
	await hold('t2', {delay: 70_000, content: {body: 'later'}}, 'm.room.message');
	t.like(await listWaiting(app, alice), [
		{delay_id: first.body['delay_id'] as string, type: MEMBER, state_key: 'key', delay: 60_000},
		{type: 'm.room.message', delay: 70_000},
	]);
	await call(app, 'POST', `${FOLDER}/${String(first.body['delay_id'])}/send`);
	t.deepEqual(await readMember(app, alice, roomId), {left: true});
	for (const body of [{content: {}}, {delay_ms: 0, content: {}}, {delay_ms: 5}, {delay_ms: 86_400_001, content: {}}]) {
		t.is((await hold('t3', body)).status, 400, JSON.stringify(body));
	}
	t.is((await hold('t4', {...state, content: {membership: 'leave'}}, 'm.room.member')).status, 400);
	t.is((await request(app, 'PUT', path(MEMBER, 't5'), {body: state})).status, 401);
	t.is((await listWaiting(app, alice)).length, 1);
});
