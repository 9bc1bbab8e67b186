import test from 'ava';
import {call, register, request, startApp} from '../../../harness/index.ts';
import {addAdministrator, ask, listActs} from './administrator.ts';

const PATH = '/v1/send_server_notice';
const content = {msgtype: 'm.text', body: 'The server rests tonight.'};

test('somebody is written to in the room of the notices, once for one transaction', async (t) => {
	const app = await startApp(t, {config: {server_notices: {enabled: true}}});
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const sent = await ask(app, root, ['POST', PATH, {user_id: alice.user_id, content}]);
	t.is(sent.status, 200);
	const again = [
		await ask(app, root, ['PUT', `${PATH}/one`, {user_id: alice.user_id, content}]),
		await ask(app, root, ['PUT', `${PATH}/one`, {user_id: alice.user_id, content}]),
	];
	t.is(new Set([sent, ...again].map(({text}) => text)).size, 2);
	const {joined_rooms: rooms} = await call<{joined_rooms: string[]}>(app, 'GET', '/_matrix/client/v3/joined_rooms', {
		token: alice.access_token,
	});
	t.is(rooms.length, 1);
	const path = `/_matrix/client/v3/rooms/${encodeURIComponent(rooms[0]!)}/messages?dir=b&limit=50`;
	const {body} = await request<{chunk: {type: string; content: {body?: string}}[]}>(app, 'GET', path, {
		token: alice.access_token,
	});
	const texts = body.chunk.flatMap((event) => (event.content.body === content.body ? [event.type] : []));
	t.deepEqual(texts, ['m.room.message', 'm.room.message']);
	t.is((await ask(app, root, ['POST', PATH, {user_id: '@nobody:news.example', content}])).status, 404);
	t.is((await ask(app, root, ['POST', PATH, {user_id: alice.user_id, content, type: 'm.other'}])).status, 400);
	t.is((await ask(app, root, ['POST', PATH, {user_id: alice.user_id, content: {}}])).status, 400);
	const acts = await listActs(app);
	t.true(acts.every(([who, act, whom]) => who === root.user_id && act === 'send-notice' && whom === alice.user_id));
	t.false(JSON.stringify(await app.application.services.audit.list({limit: 9})).includes('rests'));
});

test('where there are no notices nobody is written to', async (t) => {
	const app = await startApp(t, {config: {server_notices: {enabled: false}}});
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const refused = await ask(app, root, ['POST', PATH, {user_id: alice.user_id, content}]);
	t.is(refused.status, 400);
});
