import test from 'ava';
import {request, startApp} from '../../../harness/index.ts';
import {call, register} from '../../../harness/index.ts';

test('versions names every version from v1.1 to v1.19 and no unstable feature that is not served', async (t) => {
	const app = await startApp(t);
	const {body} = await request<{versions: string[]; unstable_features: object}>(app, 'GET', '/_matrix/client/versions');
	t.is(body.versions.length, 19);
	t.is(body.versions[0], 'v1.1');
	t.is(body.versions[18], 'v1.19');
	t.true(Object.values(body.unstable_features).every((isServed) => isServed === true));
	t.like(body.unstable_features, {
		'org.matrix.msc3771': true,
		'org.matrix.msc3773': true,
		'org.matrix.msc4140': true,
		'org.matrix.msc4143': true,
		'uk.timedout.msc4323.stable': true,
		'uk.half-shot.msc2666.query_mutual_rooms': true,
	});
});

test('capabilities are for people with an account, and name the room versions', async (t) => {
	const app = await startApp(t, {config: {default_room_version: '11'}});
	const stranger = await request(app, 'GET', '/_matrix/client/v3/capabilities');
	t.deepEqual([stranger.status, stranger.body['errcode']], [401, 'M_MISSING_TOKEN']);
	const alice = await register(app, 'alice');
	const {capabilities} = await call<{capabilities: Record<string, Record<string, unknown>>}>(
		app,
		'GET',
		'/_matrix/client/v3/capabilities',
		{token: alice.access_token},
	);
	const rooms = capabilities['m.room_versions'] as {default: string; available: Record<string, string>};
	t.is(rooms.default, '11');
	t.deepEqual(Object.keys(rooms.available), ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12']);
	t.deepEqual(capabilities['m.change_password'], {enabled: true});
	t.deepEqual(capabilities['m.get_login_token'], {enabled: true});
	t.deepEqual(capabilities['m.forget_forced_upon_leave'], {enabled: false});
	t.is(capabilities['m.account_moderation'], undefined);
	t.deepEqual(capabilities['m.set_displayname'], capabilities['m.set_avatar_url']);
});

test('well-known files say where the server is, and 404 what the operator does not say', async (t) => {
	const silent = await startApp(t, {config: {oauth: {enabled: false}}});
	const client = await request(silent, 'GET', '/.well-known/matrix/client');
	t.regex(JSON.stringify(client.body), /^\{"m\.homeserver":\{"base_url":"http:\/\/127\.0\.0\.1:\d+"\}\}$/u);
	t.is(client.headers.get('access-control-allow-origin'), '*');
	for (const name of ['server', 'support']) {
		const answer = await request(silent, 'GET', `/.well-known/matrix/${name}`);
		t.deepEqual([answer.status, answer.body['errcode']], [404, 'M_NOT_FOUND']);
	}
	const support = {contacts: [{role: 'm.role.admin', matrix_id: '@admin:elsewhere.example'}]};
	const open = await startApp(t, {
		config: {public_url: 'https://m.news.example/', federation_address: 'm.news.example:443', support},
	});
	t.deepEqual((await request(open, 'GET', '/.well-known/matrix/client')).body, {
		'm.homeserver': {base_url: 'https://m.news.example'},
		'org.matrix.msc2965.authentication': {
			issuer: 'https://m.news.example/',
			account: 'https://m.news.example/oauth2/account',
		},
	});
	t.deepEqual((await request(open, 'GET', '/.well-known/matrix/server')).body, {'m.server': 'm.news.example:443'});
	t.deepEqual((await request(open, 'GET', '/.well-known/matrix/support')).body, support);
});
