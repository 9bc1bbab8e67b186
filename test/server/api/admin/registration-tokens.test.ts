import test from 'ava';
import {type App, request, startApp} from '../../../harness/index.ts';
import {addAdministrator, ask, listActs} from './administrator.ts';

const PATH = '/v1/registration_tokens';

/** Makes an account with a token; the status of the answer. */
async function registerWith(app: App, username: string, token: string): Promise<number> {
	const path = '/_matrix/client/v3/register';
	const form = {username, password: 'long enough', inhibit_login: true};
	const {body} = await request<{session: string}>(app, 'POST', path, {body: form});
	const auth = {type: 'm.login.registration_token', token, session: body.session};
	return (await request(app, 'POST', path, {body: {...form, auth}})).status;
}

test('a token is made, used, changed and taken back', async (t) => {
	const app = await startApp(t, {config: {registration: 'token'}});
	const root = await addAdministrator(app);
	// What Ketesa's form sends.
	const made = await ask<{token: string}>(app, root, ['POST', `${PATH}/new`, {uses_allowed: 2, length: 16}]);
	const {token} = made.body;
	t.is(made.status, 200);
	t.like(made.body, {uses_allowed: 2, pending: 0, completed: 0, expiry_time: null});
	t.is(await registerWith(app, 'alice', token), 200);
	const list = await ask<{registration_tokens: {token: string}[]}>(app, root, ['GET', PATH]);
	const [listed] = list.body.registration_tokens;
	t.like(listed, {uses_allowed: 2, completed: 1, pending: 0});
	t.false(list.text.includes(token));
	const hash = listed?.token ?? '';
	// The hash is for finding it, and for nothing else.
	t.is(await registerWith(app, 'bobby', hash), 401);
	t.deepEqual((await ask(app, root, ['GET', `${PATH}/${token}`])).body, {...listed});
	t.deepEqual((await ask(app, root, ['GET', `${PATH}/${hash}`])).body, {...listed});
	t.like((await ask(app, root, ['PUT', `${PATH}/${hash}`, {uses_allowed: 1}])).body, {uses_allowed: 1});
	t.is(await registerWith(app, 'bobby', token), 401);
	const count = async (query: string) =>
		((await ask(app, root, ['GET', `${PATH}${query}`])).body['registration_tokens'] as object[]).length;
	t.deepEqual([await count('?valid=true'), await count('?valid=false'), await count('')], [0, 1, 1]);
	const later = {uses_allowed: null, expiry_time: Date.now() + 60_000};
	t.like((await ask(app, root, ['PUT', `${PATH}/${hash}`, later])).body, later);
	t.is(await registerWith(app, 'bobby', token), 200);
	t.deepEqual((await ask(app, root, ['DELETE', `${PATH}/${hash}`])).body, {});
	t.is(await registerWith(app, 'carol', token), 401);
	for (const wish of [
		['GET', `${PATH}/${hash}`],
		['PUT', `${PATH}/${hash}`, {}],
		['DELETE', `${PATH}/${hash}`],
	] as const) {
		t.is((await ask(app, root, wish)).status, 404, wish[0]);
	}
	const acts = (await listActs(app)).map(([, act]) => act);
	t.deepEqual(acts, ['create-token', 'change-token', 'change-token', 'remove-token']);
	t.false(JSON.stringify(await app.application.services.audit.list({limit: 9})).includes(token));
});

test('a token can be chosen, but none that is guessed, and none twice', async (t) => {
	const app = await startApp(t, {config: {registration: 'token'}});
	const root = await addAdministrator(app);
	const create = (token: string) => ask(app, root, ['POST', `${PATH}/new`, {token}]);
	t.like((await create('press-conference-2031')).body, {token: 'press-conference-2031', uses_allowed: null});
	t.is((await create('press-conference-2031')).status, 400);
	t.is((await create('abcd')).status, 400);
	t.is((await create(`${'x'.repeat(20)}/`)).status, 400);
	t.is((await ask(app, root, ['POST', `${PATH}/new`, {uses_allowed: -1}])).status, 400);
	t.is(await registerWith(app, 'alice', 'press-conference-2031'), 200);
});

test('the link that sets up the server is not among the tokens', async (t) => {
	const app = await startApp(t, {config: {registration: 'token'}});
	const link = await app.application.services.setUp.open();
	const root = await addAdministrator(app);
	t.deepEqual((await ask(app, root, ['GET', PATH])).body, {registration_tokens: []});
	t.is((await ask(app, root, ['GET', `${PATH}/${link}`])).status, 404);
});
