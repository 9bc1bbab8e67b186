/** What everything that belongs to signing in takes up: each library used once, then many sign-ins at once, then quiet. */
import {createHash, randomBytes} from 'node:crypto';
import {readFileSync} from 'node:fs';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {setTimeout as sleep} from 'node:timers/promises';
import {Authenticator} from '../../test/harness/authenticator.ts';
import {
	type MailServer,
	passwordOf,
	registerBySecret,
	type ServerProcess,
	signInOnPage,
	startMailServer,
	startServer,
	type Visit,
	Visitor,
} from '../../test/harness/index.ts';
import {type Figures, forEachOf, Stopwatch} from '../measure.ts';
import {readUsage} from '../process-meter.ts';
import type {Bench, Scenario} from '../scenario.ts';

/** Where browsers find the server: passkeys are made for names alone. */
const ORIGIN = 'https://matrix.bench.example';
const PEOPLE = 10;
const SIGN_INS = 300;
const AT_ONCE = 8;
/** A quiet server has given back by then what it gives back: it does so at most once in half a minute. */
const QUIET_MS = 45_000;
const MEBIBYTE = 1_048_576;
/** As much as the process may take up when it is quiet again. */
const RSS_BYTES_MAX = 150 * MEBIBYTE;
const REDIRECT_URI = 'https://app.example/callback';
const METADATA = {
	client_name: 'A client',
	client_uri: 'https://app.example/',
	redirect_uris: [REDIRECT_URI],
	response_types: ['code'],
	grant_types: ['authorization_code', 'refresh_token'],
	token_endpoint_auth_method: 'none',
	application_type: 'web',
};

/** An operation is a library used, then a whole sign-in of a client, then one page. */
export const memory: Scenario = {
	id: 'memory',
	about: `memory after ${SIGN_INS} sign-ins by OAuth with all of signing in loaded, when quiet again: at most ${RSS_BYTES_MAX / MEBIBYTE} MiB`,
	needsServer: false,
	async run(bench) {
		const ends: (() => unknown)[] = [];
		try {
			return await measure(bench, (end) => void ends.push(end));
		} finally {
			for (const end of ends.toReversed()) await end();
		}
	},
};

/** Gives what `npm start` sets in the environment. */
function readStartEnvironment(): Record<string, string> {
	const {scripts} = JSON.parse(readFileSync('package.json', 'utf8')) as {scripts: {start: string}};
	return Object.fromEntries(
		[...scripts.start.matchAll(/\b([A-Z_]+)=(\d+)/gu)].map(([, name = '', value = '']) => [name, value]),
	);
}

async function measure({secondsMax}: Bench, teardown: (end: () => unknown) => void): Promise<Figures[]> {
	const mail = await startMailServer({teardown});
	const issuer = await startProvider(teardown);
	await using server = await startServer({
		environment: readStartEnvironment(),
		config: {
			public_url: ORIGIN,
			smtp: mail.smtp,
			server_notices: {enabled: true},
			identity_providers: [
				{id: 'house', kind: 'oidc', name: 'The House', issuer, client_id: 'broadsheet'},
				// Nobody listens there: the library is loaded, and finds that out.
				{id: 'list', kind: 'ldap', name: 'The List', url: 'ldap://127.0.0.1:9', user_dn: 'uid={username}'},
			],
		},
	});
	const {pid} = server;
	if (pid === undefined) throw new Error('expected a process');
	// The first has a passkey before long, and is asked for it then.
	const [first = '', ...others] = Array.from({length: PEOPLE}, (_, index) => `person${index}`);
	for (const name of [first, ...others]) await registerBySecret(server, name);
	const loading = new Stopwatch('signing in, each library once', libraries.length, [pid]);
	for (const use of libraries) await time(loading, () => use(server, first, mail));
	const figures = [loading.read()];
	const burst = new Stopwatch(`signing in by OAuth, ${AT_ONCE} at once`, SIGN_INS, [pid]);
	await forEachOf(SIGN_INS, AT_ONCE, async (index) => {
		// A slow machine has fewer of them: what is left in memory comes from the first hundred.
		if (burst.elapsedMs > secondsMax * 5_000) return;
		await time(burst, () => signClientIn(server, others[index % others.length] ?? '', index));
	});
	figures.push(burst.read());
	await sleep(QUIET_MS);
	const quiet = new Stopwatch(`signing in, quiet for ${QUIET_MS / 1_000} s`, 1, [pid]);
	await time(quiet, async () => {
		const {rssBytes} = readUsage(pid);
		if (rssBytes > RSS_BYTES_MAX) quiet.fail(`more than ${RSS_BYTES_MAX / MEBIBYTE} MiB`);
		expectStatus(200, await new Visitor(server).open('/account/sign-in'));
	});
	figures.push(quiet.read());
	return figures;
}

async function time(watch: Stopwatch, operate: () => Promise<unknown>): Promise<void> {
	const begun = performance.now();
	await operate();
	watch.add(performance.now() - begun);
}

/** What is asked of a provider before a browser is sent there. */
async function startProvider(teardown: (end: () => unknown) => void): Promise<string> {
	const server = createServer((_request, response) => {
		response.setHeader('content-type', 'application/json');
		response.end(JSON.stringify({issuer, authorization_endpoint: `${issuer}/authorize`, jwks_uri: `${issuer}/keys`}));
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	teardown(() => {
		server.closeAllConnections();
		server.close();
	});
	const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return issuer;
}

/** Every library that is loaded with the first who needs it, by what people do. */
const libraries: readonly ((server: ServerProcess, name: string, mail: MailServer) => Promise<void>)[] = [
	(server, name) => signClientIn(server, name, SIGN_INS),
	async (server) => expectStatus(303, await new Visitor(server).open('/account/sign-in/with/house')),
	async (server) => {
		const visitor = new Visitor(server);
		await visitor.open('/account/sign-in');
		expectStatus(403, await visitor.submit('/account/sign-in', {username: 'nobody', password: 'not one'}));
	},
	async (server, name, mail) => {
		const visitor = await signInOnPage(server, name, passwordOf(name));
		await visitor.open('/account/email');
		await visitor.submit('/account/email', {email: `${name}@news.example`, act: 'set'});
		await mail.take(`${name}@news.example`);
	},
	async (server, name) => {
		const visitor = await signInOnPage(server, name, passwordOf(name));
		expectStatus(200, await visitor.open('/account/totp'));
		const authenticator = new Authenticator(ORIGIN);
		const passkey = authenticator.create(optionsOf(await visitor.open('/account/passkeys/add')));
		expectStatus(200, await visitor.submit('/account/passkeys/add', {passkey, name: 'Phone'}));
		const elsewhere = new Visitor(server);
		const proof = authenticator.get(optionsOf(await elsewhere.open('/account/sign-in/passkey')));
		expectStatus(303, await elsewhere.submit('/account/sign-in/passkey', {passkey: proof}));
	},
];

function expectStatus(expected: number, {status, text, to}: Visit): void {
	if (status !== expected) throw new Error(`expected ${expected}, got ${status} ${to} ${text.slice(0, 200)}`);
}

/** What a page gives the browser to ask an authenticator with. */
function optionsOf({text}: Visit): Parameters<Authenticator['create']>[0] & Parameters<Authenticator['get']>[0] {
	const [, options = 'null'] = /data-options="([^"]*)"/u.exec(text) ?? [];
	return JSON.parse(options.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&'));
}

/** All of a client's sign-in: it registers, its person gives a password and consents, and it has its token answered for. */
async function signClientIn(server: ServerProcess, name: string, index: number): Promise<void> {
	const registered = await fetch(`${server.url}/oauth2/clients/register`, {
		method: 'POST',
		headers: {'content-type': 'application/json'},
		body: JSON.stringify(METADATA),
	});
	const {client_id: clientId} = (await registered.json()) as {client_id: string};
	const verifier = randomBytes(32).toString('base64url');
	const search = new URLSearchParams({
		response_type: 'code',
		client_id: clientId,
		redirect_uri: REDIRECT_URI,
		scope: `urn:matrix:client:api:* urn:matrix:client:device:BENCH${index}`,
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
	});
	const visitor = await signInOnPage(server, name, passwordOf(name));
	const path = `/oauth2/authorize?${search.toString()}`;
	expectStatus(200, await visitor.open(path));
	const {to} = await visitor.submit(path, {decision: 'allow'});
	const code = new URL(to).searchParams.get('code') ?? '';
	const form = {grant_type: 'authorization_code', client_id: clientId, code, redirect_uri: REDIRECT_URI};
	const body = new URLSearchParams({...form, code_verifier: verifier});
	const exchanged = await fetch(`${server.url}/oauth2/token`, {method: 'POST', body});
	const {access_token: token} = (await exchanged.json()) as {access_token: string};
	const headers = {authorization: `Bearer ${token}`};
	const answer = await fetch(`${server.url}/_matrix/client/v3/account/whoami`, {headers});
	if (answer.status !== 200) throw new Error(`whoami: expected 200, got ${answer.status}`);
	await answer.arrayBuffer();
}
