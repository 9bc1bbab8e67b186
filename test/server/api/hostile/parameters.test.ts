/** Odd parameters at every endpoint of clients, and everybody's things in the hands of somebody else. */
import test from 'ava';
import {type Answer, type App, call, request, startApp} from '../../../harness/index.ts';
import {errorOf} from '../client-server/newsroom.ts';
import {
	bodyOf,
	type Endpoint,
	endpointsOf,
	type Names,
	parametersOf,
	pathOf,
	queryOf,
	uriOf,
} from './every-endpoint.ts';
import {addSomebody, callerOf, nobodysNames, type Somebody} from './somebody.ts';

const endpoints = [...endpointsOf('client'), ...endpointsOf('admin')];

/** Endpoints that say the same to everybody, and what. */
const sayNothing: Readonly<Record<string, number>> = {
	// A room that nobody has published is private, whether it is there or not.
	getRoomVisibilityOnDirectory: 200,
	// A complaint is taken from everybody, about whatever they name.
	reportRoom: 200,
	reportUser: 200,
};

const ownedNames = ['userId', 'deviceId', 'roomId', 'roomIdOrAlias', 'filterId', 'eventId', 'version'];

/** Asks an endpoint for what has these names, as somebody else. */
async function askAs(
	app: App,
	endpoint: Endpoint,
	caller: Pick<Somebody, 'token'>,
	names: Names,
): Promise<Answer<Record<string, unknown>>> {
	const body = endpoint.body && {body: bodyOf(endpoint, names)};
	return request(app, endpoint.method, uriOf(endpoint, names), {
		...callerOf(endpoint, caller),
		...body,
	});
}

test('E12: on all paths of somebody else one is refused, and as if there were no such thing', async (t) => {
	const app = await startApp(t);
	const [alice, mallory] = [await addSomebody(app), await addSomebody(app)];
	const {token} = alice;
	const filter = `/_matrix/client/v3/user/${encodeURIComponent(alice.names['userId']!)}/filter`;
	const {filter_id: filterId} = await call<{filter_id: string}>(app, 'POST', filter, {token, body: {}});
	// Versions of backups are numbered for everybody anew; a second one is hers alone.
	const backup = {algorithm: 'm.megolm_backup.v1.curve25519-aes-sha2', auth_data: {public_key: 'b'}};
	const versions = '/_matrix/client/v3/room_keys/version';
	const {version} = await call<{version: string}>(app, 'POST', versions, {token, body: backup});
	t.not(version, mallory.names['version']);
	const owned = endpoints.filter((endpoint) => parametersOf(endpoint).some((name) => ownedNames.includes(name)));
	t.true(owned.length > 40);
	const {stream} = app.application.storage;
	const before = stream.head();
	const withoutBody: string[] = [];
	for (const endpoint of owned) {
		const stateKey = alice.names['userId']!;
		const theirs = await askAs(app, endpoint, mallory, {...alice.names, version, filterId, stateKey});
		const nobodys = await askAs(app, endpoint, mallory, {
			...nobodysNames,
			filterId: '99',
			stateKey: '@nobody:news.example',
		});
		const isChallenge = theirs.status === 401 && Array.isArray(theirs.body['flows']);
		const isRefused = isChallenge || [403, 404].includes(theirs.status);
		// A body that is made from a schema alone may be none; then the endpoint wants one in every-endpoint.ts.
		if (theirs.status === 400) withoutBody.push(endpoint.id);
		else
			t.true(isRefused || theirs.status === sayNothing[endpoint.id], `${endpoint.id}: ${theirs.status} ${theirs.text}`);
		t.deepEqual(errorOf(theirs), errorOf(nobodys), endpoint.id);
	}
	t.true(withoutBody.length <= 3, `bodies are wanted for ${withoutBody.join(', ')}`);
	t.is(stream.head(), before, 'nothing was changed');
});

test('E12: with one’s own password one removes no device of somebody else', async (t) => {
	const app = await startApp(t);
	const [alice, mallory] = [await addSomebody(app), await addSomebody(app)];
	const deviceId = alice.names['deviceId']!;
	const name = mallory.names['userId']!.slice(1).split(':')[0]!;
	const identifier = {type: 'm.id.user', user: name};
	for (const [method, path, body] of [
		['DELETE', `/_matrix/client/v3/devices/${deviceId}`, {}],
		['POST', '/_matrix/client/v3/delete_devices', {devices: [deviceId]}],
	] as const) {
		const challenge = await request<{session: string}>(app, method, path, {token: mallory.token, body});
		const auth = {type: 'm.login.password', identifier, password: `pw-${name}-Zq7!`, session: challenge.body.session};
		const answer = await request(app, method, path, {token: mallory.token, body: {...body, auth}});
		t.true([200, 404].includes(answer.status), answer.text);
	}
	t.is((await request(app, 'GET', '/_matrix/client/v3/account/whoami', {token: alice.token})).status, 200);
	t.is((await request(app, 'GET', `/_matrix/client/v3/devices/${deviceId}`, {token: alice.token})).status, 200);
});

test('E12: under the same version, room and session everybody has a backed-up key of their own', async (t) => {
	const app = await startApp(t);
	const [alice, mallory] = [await addSomebody(app), await addSomebody(app)];
	t.is(alice.names['version'], mallory.names['version']);
	const path = `/_matrix/client/v3/room_keys/keys/${encodeURIComponent(alice.names['roomId']!)}/session?version=${alice.names['version']}`;
	const key = {first_message_index: 1, forwarded_count: 0, is_verified: true, session_data: {ciphertext: 'x'}};
	await call(app, 'PUT', path, {token: alice.token, body: key});
	t.is((await request(app, 'GET', path, {token: mallory.token})).status, 404);
	await request(app, 'DELETE', path, {token: mallory.token});
	const all = `/_matrix/client/v3/room_keys/keys?version=${alice.names['version']}`;
	t.deepEqual((await call<{rooms: object}>(app, 'GET', all, {token: mallory.token})).rooms, {});
	await request(app, 'DELETE', all, {token: mallory.token});
	await request(app, 'DELETE', `/_matrix/client/v3/room_keys/version/${alice.names['version']}`, {
		token: mallory.token,
	});
	t.deepEqual(await call(app, 'GET', path, {token: alice.token}), key);
});

/** What a number of a query is not. */
const noIntegers = [
	'',
	' ',
	'x',
	'1.5',
	'1e9',
	'0x10',
	'NaN',
	'null',
	'[]',
	'9223372036854775808',
	'-9223372036854775809',
	'9007199254740993',
];
/** What a token that this server gave out is not. */
const noTokens = [
	'x',
	'-1',
	'0',
	'null',
	'{}',
	'\u0000',
	'%',
	'9223372036854775808',
	't1',
	't-1_0',
	's1',
	's1.-1.x.0',
	's2.1.x.1',
	'n-1',
	'n99999999999999999999',
	'x'.repeat(3_000),
];
const noFilters = [
	'x',
	'-1',
	'99',
	'{',
	'[]',
	'{"types":5}',
	'{"room":5}',
	'{"limit":-1}',
	'{"limit":1.5}',
	'\u0000',
	'../0',
];

const tokenNames = ['since', 'from', 'to', 'at'];

test('E14: numbers, tokens and filters that are none are 400 M_INVALID_PARAM at every endpoint', async (t) => {
	const app = await startApp(t);
	const alice = await addSomebody(app, {isAdmin: true});
	const {next_batch: since} = await call<{next_batch: string}>(app, 'GET', '/_matrix/client/v3/sync', {
		token: alice.token,
	});
	let count = 0;
	for (const endpoint of endpoints) {
		for (const [key, {kind, expected}] of Object.entries(endpoint.query?.shape ?? {})) {
			const isToken = tokenNames.includes(key);
			const odd = kind === 'integer' ? noIntegers : isToken ? noTokens : key === 'filter' ? noFilters : [];
			for (const value of odd) {
				// Filters of /sync and of /messages have other keys; one unknown key is no fault.
				if (key === 'filter' && value.startsWith('{"') && !value.includes(endpoint.id === 'sync' ? 'room' : 't'))
					continue;
				const query = queryOf(endpoint, {...alice.names, from: since, to: since});
				query.set(key, value);
				const path = `${pathOf(endpoint, alice.names)}?${query.toString()}`;
				const body = endpoint.body && {body: bodyOf(endpoint, alice.names)};
				const answer = await request(app, endpoint.method, path, {...callerOf(endpoint, alice), ...body});
				const what = `${endpoint.id} ${key}=${value.slice(0, 40)} (${expected})`;
				t.deepEqual([answer.status, answer.body['errcode']], [400, 'M_INVALID_PARAM'], what);
				count += 1;
			}
		}
	}
	t.true(count > 200);
});

/** An answer's text, without what is drawn anew each time. */
const withoutSession = ({text}: Answer<unknown>): string => text.replace(/"session":"[^"]*"/u, '');

test('row 50: what makes no sense is refused before anything is looked up, with the same words for what is there', async (t) => {
	const app = await startApp(t);
	const [alice, mallory] = [await addSomebody(app), await addSomebody(app)];
	const named = endpoints.filter((endpoint) => parametersOf(endpoint).some((name) => ownedNames.includes(name)));
	const wrongTypes = ({body}: Endpoint): string[] =>
		Object.entries(body?.shape ?? {}).map(([key, {kind}]) =>
			JSON.stringify({[key]: kind === 'array' || kind === 'other' ? 5 : ['wrong type']}),
		);
	for (const endpoint of named) {
		const {id, method} = endpoint;
		const queries = Object.entries(endpoint.query?.shape ?? {})
			.filter(([key, {kind}]) => kind === 'integer' || key === 'filter' || tokenNames.includes(key))
			.map(([key]) => `?${new URLSearchParams({dir: 'b', [key]: 'no sense'}).toString()}`);
		const texts = endpoint.body
			? ['{', '[]', '"x"', '{"a":"\\ud800"}', ...wrongTypes(endpoint), 'x'.repeat(600_000)]
			: [];
		const asks: [string, string, string | undefined][] = [
			...queries.map((query): [string, string, undefined] => [method, query, undefined]),
			...texts.map((text): [string, string, string] => [method, '', text]),
			['PATCH', '', undefined],
		];
		for (const [how, query, text] of asks) {
			for (const caller of [{token: alice.token}, {token: mallory.token}, {}]) {
				const options = {...(endpoint.auth !== 'none' && caller), ...(text !== undefined && {text})};
				const ask = (names: Names) => request(app, how, pathOf(endpoint, names) + query, options);
				const [there, nowhere] = [await ask(alice.names), await ask({...nobodysNames, filterId: '99'})];
				const what = `${id} ${how} ${query} ${text?.slice(0, 50)}`;
				t.deepEqual([there.status, withoutSession(there)], [nowhere.status, withoutSession(nowhere)], what);
				t.true(there.status >= 400 && there.status < 500, `${what}: ${there.status}`);
			}
		}
	}
	t.false(app.readLog().includes('A request failed unexpectedly'));
});

test('E8: no endpoint sends anybody on to an address that its caller names', async (t) => {
	const app = await startApp(t);
	const alice = await addSomebody(app);
	const evil = 'https://evil.example/steal';
	const query = new URLSearchParams();
	for (const key of ['redirectUrl', 'redirect_uri', 'redirect', 'next_link', 'return_to', 'continue', 'url', 'session'])
		query.set(key, evil);
	for (const endpoint of endpoints.filter(({method}) => method === 'GET')) {
		for (const address of [query.toString(), query.toString().replaceAll('https', 'javascript')]) {
			const path = `${pathOf(endpoint, {...alice.names, token: 'x'})}?${address}`;
			const headers = new Headers({'x-forwarded-host': 'evil.example'});
			if (endpoint.auth !== 'none') headers.set('authorization', `Bearer ${alice.token}`);
			const reply = await fetch(app.url + path, {redirect: 'manual', headers});
			const location = reply.headers.get('location');
			// Pages send people to sign in first, and say where they came from: to a path of ours.
			if (location !== null) t.is(new URL(location, app.url).origin, app.url, `${endpoint.id} ${location}`);
			const text = await reply.text();
			const isPage = reply.headers.get('content-type')?.startsWith('text/html') === true;
			t.notRegex(text, isPage ? /(?:href|action|src|content)="[^"]*evil/ : /evil\.example/, endpoint.id);
			const others = [...reply.headers].filter(([name]) => name !== 'location');
			t.false(
				others.some(([, value]) => value.includes('evil.example')),
				endpoint.id,
			);
		}
	}
});
