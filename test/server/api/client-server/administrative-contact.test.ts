import test from 'ava';
import {call, register, request, startApp} from '../../../harness/index.ts';

const PATH = '/_matrix/client/v3/account/3pid';

test('an account has no third-party identifiers', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	t.deepEqual(await call(app, 'GET', PATH, {token}), {threepids: []});
	t.is((await request(app, 'GET', PATH)).status, 401);
});

for (const path of ['register/msisdn', 'account/password/msisdn', 'account/3pid/msisdn']) {
	test(`nobody can ask by ${path} whose number that is: there is no such endpoint`, async (t) => {
		const app = await startApp(t);
		const body = {client_secret: 'x', country: 'NZ', phone_number: '1', send_attempt: 1};
		const answer = await request(app, 'POST', `/_matrix/client/v3/${path}/requestToken`, {body});
		t.is(answer.status, 404);
		t.is(answer.body['errcode'], 'M_UNRECOGNIZED');
	});
}

for (const path of ['register/email', 'account/password/email', 'account/3pid/email']) {
	test(`nobody can ask by ${path} whose address that is`, async (t) => {
		const app = await startApp(t);
		await register(app, 'alice');
		const answers: string[] = [];
		for (const email of ['alice@news.example', 'nobody@news.example']) {
			const body = {client_secret: 'x', email, send_attempt: 1};
			const answer = await request(app, 'POST', `/_matrix/client/v3/${path}/requestToken`, {body});
			t.deepEqual([answer.status, answer.body['errcode']], [403, 'M_THREEPID_DENIED']);
			answers.push(answer.text);
		}
		t.is(answers[0], answers[1]);
		t.is((await request(app, 'POST', `/_matrix/client/v3/${path}/requestToken`, {body: {}})).status, 400);
	});
}

test('no address is added, published or removed', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const session = {client_secret: 'x', sid: 'y'};
	const identifier = {medium: 'email', address: 'alice@news.example'};
	const bind = {...session, id_server: 'id.example', id_access_token: 'z'};
	for (const [path, body, status, said] of [
		[PATH, {three_pid_creds: {...bind}}, 403, 'M_THREEPID_AUTH_FAILED'],
		[`${PATH}/add`, session, 403, 'M_THREEPID_AUTH_FAILED'],
		[`${PATH}/bind`, bind, 403, 'M_THREEPID_DENIED'],
		[`${PATH}/delete`, identifier, 200, undefined],
		[`${PATH}/unbind`, identifier, 200, undefined],
	] as const) {
		const answer = await request(app, 'POST', path, {token, body});
		t.deepEqual([answer.status, answer.body['errcode']], [status, said], path);
		t.is((await request(app, 'POST', path, {body})).status, 401);
		t.is((await request(app, 'POST', path, {token, body: {}})).status, 400);
	}
	t.deepEqual(await call(app, 'GET', PATH, {token}), {threepids: []});
});
