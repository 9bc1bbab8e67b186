import test from 'ava';
import {register, request, startApp} from '../../../harness/index.ts';
import {ask, consent, exchange, postForm, refresh, registerClient, signIn, whoami} from './client.ts';

const WHOAMI = '/_matrix/client/v3/account/whoami';

test('a client registers, has somebody consent, and gets a session with the device it asked for', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	const clientId = await registerClient(app);
	const asked = ask(clientId);
	const returned = await consent(app, alice, asked);
	t.is(returned.origin + returned.pathname, 'https://app.example/callback');
	t.is(returned.searchParams.get('state'), 'a state');
	const {status, body} = await exchange(app, asked, returned.searchParams.get('code') ?? '');
	t.is(status, 200);
	t.is(body.token_type, 'Bearer');
	t.is(body.expires_in, 300);
	t.is(body.scope, 'urn:matrix:client:api:* urn:matrix:client:device:AAABBBCCCDDD');
	t.like(await whoami(app, body.access_token), {user_id: alice, device_id: 'AAABBBCCCDDD'});
});

test('a refresh token gives new tokens for the same device, and the old access token ends with its use', async (t) => {
	const app = await startApp(t);
	const {user_id: alice} = await register(app, 'alice');
	const first = await signIn(app, alice);
	const second = await refresh(app, first.refresh_token, first.clientId);
	t.is(second.status, 200);
	t.like(await whoami(app, second.body.access_token), {user_id: alice, device_id: 'AAABBBCCCDDD'});
	t.is((await request(app, 'GET', WHOAMI, {token: first.access_token})).status, 401);
});

for (const kind of ['access_token', 'refresh_token'] as const) {
	test(`revoking the ${kind} ends the session with both tokens`, async (t) => {
		const app = await startApp(t);
		const {user_id: alice} = await register(app, 'alice');
		const session = await signIn(app, alice);
		const revoked = await postForm(app, '/oauth2/revoke', {token: session[kind], client_id: session.clientId});
		t.is(revoked.status, 200);
		t.is((await request(app, 'GET', WHOAMI, {token: session.access_token})).status, 401);
		t.is((await refresh(app, session.refresh_token, session.clientId)).status, 400);
		t.is((await postForm(app, '/oauth2/revoke', {token: session[kind]})).status, 200);
	});
}
