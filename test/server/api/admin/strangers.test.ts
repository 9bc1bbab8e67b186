import test from 'ava';
import {adminRoutes} from '../../../../server/api/admin/index.ts';
import {register, request, startApp} from '../../../harness/index.ts';
import {listActs} from './administrator.ts';

/** The path of a route, with names that are here or that are nowhere. */
function pathOf(path: string, isHere: boolean, roomId: string): string {
	const names: Readonly<Record<string, string>> = {
		userId: isHere ? '@alice:news.example' : '@nobody:news.example',
		roomId: isHere ? roomId : '!nowhere:news.example',
		roomIdOrAlias: isHere ? roomId : '!nowhere:news.example',
		serverName: 'news.example',
	};
	return path.replaceAll(/:(\w+)/g, (_, name: string) => encodeURIComponent(names[name] ?? 'x'));
}

test('who is no administrator is told the same of every call, whatever it is about, before anything is looked up', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const room = await request<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {token, body: {}});
	const answers = new Set<string>();
	let count = 0;
	for (const {auth, method, path} of adminRoutes) {
		if (auth !== 'admin') continue;
		for (const isHere of [true, false]) {
			const target = pathOf(path, isHere, room.body.room_id);
			const body = method === 'GET' ? {} : {body: {}};
			const {status, body: unknown} = await request(app, method, target, body);
			t.deepEqual([status, unknown['errcode']], [404, 'M_UNRECOGNIZED'], 'as a path that there is not');
			const answer = await request(app, method, target, {token, ...body});
			t.is(answer.status, 403, target);
			answers.add(answer.text);
			count += 1;
		}
	}
	t.is(answers.size, 1);
	t.true(count > 40);
	t.deepEqual(await listActs(app), []);
});
