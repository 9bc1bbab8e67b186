import test from 'ava';
import {call, register, request, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/account/whoami';

test('a token says whose it is, in the header and in the query', async (t) => {
	const app = await startApp(t);
	const {access_token: token, device_id: deviceId} = await register(app, 'alice');
	const expected = {user_id: '@alice:news.example', device_id: deviceId, is_guest: false};
	t.deepEqual(await call(app, 'GET', PATH, {token}), expected);
	t.deepEqual(await call(app, 'GET', `${PATH}?access_token=${token}`), expected);
});

test('without a token nobody is anybody', async (t) => {
	const app = await startApp(t);
	const missing = await request(app, 'GET', PATH);
	t.is(missing.status, 401);
	t.is(missing.body['errcode'], 'M_MISSING_TOKEN');
	for (const token of ['nonsense', `bst_${'x'.repeat(49)}`]) {
		const unknown = await request(app, 'GET', PATH, {token});
		t.is(unknown.status, 401);
		t.is(unknown.body['errcode'], 'M_UNKNOWN_TOKEN');
	}
});
