import test from 'ava';
import {call, register, request, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/account/3pid';

test('an account has no third-party identifiers', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	t.deepEqual(await call(app, 'GET', PATH, {token}), {threepids: []});
	t.is((await request(app, 'GET', PATH)).status, 401);
});

for (const path of [
	'register/email',
	'register/msisdn',
	'account/password/email',
	'account/password/msisdn',
	'account/3pid/email',
	'account/3pid/msisdn',
]) {
	test(`nobody can ask by ${path} whose address or number that is`, async (t) => {
		const app = await startApp(t);
		const body = {client_secret: 'x', email: 'alice@news.example', send_attempt: 1};
		const answer = await request(app, 'POST', `/_matrix/client/v3/${path}/requestToken`, {body});
		t.is(answer.status, 404);
		t.is(answer.body['errcode'], 'M_UNRECOGNIZED');
	});
}
