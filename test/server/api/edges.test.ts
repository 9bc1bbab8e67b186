/** What every answer has and none has, whichever endpoint it is of. */
import {readFileSync} from 'node:fs';
import test from 'ava';
import {routeTables} from '../../../server/api/index.ts';
import {bodyBytesMaxDefault} from '../../../server/http/route.ts';
import {register, startApp} from '../../harness/index.ts';
import {endpointsOf, uriOf} from './hostile/every-endpoint.ts';

const {version} = JSON.parse(readFileSync('package.json', 'utf8')) as {version: string};

/** Routes whose answers are pages or files, with a policy of their own. */
const POLICY = "default-src 'none'; frame-ancestors 'none'";

test('every answer to a stranger forbids browsers what it can, and names neither program nor version', async (t) => {
	const app = await startApp(t);
	const names = {userId: '@nobody:news.example', roomId: '!nowhere:news.example', eventId: '$none'};
	const uris = (['client', 'federation', 'admin'] as const).flatMap((group) =>
		endpointsOf(group).map((endpoint) => [endpoint.method, uriOf(endpoint, names)] as const),
	);
	const more = [
		['GET', '/health'],
		['GET', '/'],
		['OPTIONS', '/_matrix/client/v3/login'],
		['PATCH', '/_matrix/client/v3/login'],
	] as const;
	t.true(uris.length > 200);
	for (const [method, uri] of [...uris, ...more]) {
		const reply = await fetch(app.url + uri, {method, redirect: 'manual'});
		const text = await reply.text();
		const what = `${method} ${uri}`;
		t.is(reply.headers.get('x-content-type-options'), 'nosniff', what);
		t.is(reply.headers.get('referrer-policy'), 'no-referrer', what);
		const policy = reply.headers.get('content-security-policy') ?? '';
		t.true(policy.startsWith("default-src 'none'") && policy.includes("frame-ancestors 'none'"), `${what}: ${policy}`);
		t.false(policy.includes('unsafe'), what);
		if (reply.headers.get('content-type') === 'application/json') t.is(policy, POLICY, what);
		// Pages know a browser by a cookie, which is no script's; what clients and tools call sets none.
		const isPage = !/^\/_(?:matrix(?!\/static\/)|synapse)\//u.test(uri);
		for (const cookie of reply.headers.getSetCookie()) {
			t.true(isPage && cookie.includes('; HttpOnly; SameSite=Lax'), `${what}: ${cookie}`);
			t.notRegex(cookie, /broadsheet/iu, what);
		}
		for (const header of ['server', 'x-powered-by', 'via', 'date-version'])
			t.is(reply.headers.get(header), null, `${what}: ${header}`);
		t.false(text.includes(version) && !uri.includes('versions'), `${what}: ${text}`);
		t.true(reply.status < 500 || reply.status === 501, `${what}: ${reply.status}`);
	}
});

test('a file of somebody may be shown by other origins and does nothing there', async (t) => {
	const app = await startApp(t);
	const {access_token: token} = await register(app, 'alice');
	const upload = await fetch(`${app.url}/_matrix/media/v3/upload`, {
		method: 'POST',
		headers: {authorization: `Bearer ${token}`, 'content-type': 'text/html'},
		body: '<script>alert(1)</script>',
	});
	const {content_uri: uri} = (await upload.json()) as {content_uri: string};
	const path = `/_matrix/client/v1/media/download/${uri.slice('mxc://'.length)}`;
	const {headers} = await fetch(app.url + path, {headers: {authorization: `Bearer ${token}`}});
	t.is(headers.get('cross-origin-resource-policy'), 'cross-origin');
	t.regex(headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'; script-src 'none'/u);
	t.regex(headers.get('content-disposition') ?? '', /^attachment/u);
	t.is(headers.get('x-content-type-options'), 'nosniff');
});

const MEBIBYTE = 1024 * 1024;

/** Routes whose bodies may be larger than an event and what stands around it. */
const larger: Readonly<Record<string, number>> = {
	// Keys of many devices at once, and their signatures.
	claimKeys: 1,
	putDehydratedDevice: 1,
	putRoomKeys: 4,
	putRoomKeysByRoomId: 4,
	queryKeys: 1,
	sendToDevice: 2,
	uploadCrossSigningSignatures: 1,
	uploadKeys: 1,
	// A room's first state.
	createRoom: 0.5,
	// What servers say to each other: events as they are, with what belongs to them.
	claimUserEncryptionKeys: 1,
	exchangeThirdPartyInvite: 0.125,
	onBindThirdPartyIdentifier: 0.125,
	queryUserEncryptionKeys: 1,
	sendInviteV1: 0.5,
	sendInviteV2: 0.5,
	sendJoinV2: 0.125,
	sendKnock: 0.125,
	sendLeaveV2: 0.125,
	sendTransaction: 10,
};

test('bodies are as large as an event at most, but for those that say why they are larger', (t) => {
	const found = routeTables
		.flatMap((table) => table.routes)
		.filter(({body, bodyBytesMax}) => body !== undefined && bodyBytesMax > bodyBytesMaxDefault)
		.map(({id, bodyBytesMax}) => [id, bodyBytesMax / MEBIBYTE]);
	t.deepEqual(Object.fromEntries(found), larger);
});

test('what signs somebody in, or tries to, is the work that is refused first', (t) => {
	const ids = routeTables.flatMap(({routes}) => routes.filter(({work}) => work === 'sign-in').map(({id}) => id));
	for (const id of ['login', 'register', 'checkUsernameAvailability', 'registrationTokenValidity', 'postAuthFallback'])
		t.true(ids.includes(id), id);
});
