/** A conversation full of words that are nowhere else: every way in which somebody tells a server something. */
import {connect} from 'node:net';
import type {JsonObject} from '../../../crypto/index.ts';
import {toFederationEvent} from '../../../federation/rooms/index.ts';
import {type App, until} from '../../harness/index.ts';
import type {PeerAnswer, PeerRequest} from '../../harness/peer.ts';
import {hear, type startShared} from '../api/server-server/world.ts';

const V3 = '/_matrix/client/v3';
/** Where clients say they are, and what with. */
export const address = '203.0.113.77';
export const agent = 'canary-agent/1.0';

let words = 0;

/** Makes a word that is nowhere else. */
const word = (what: string): string => `canary-${what}-${(words += 1)}-zyzzyva`;

interface Reply {
	readonly status: number;
	readonly body: Record<string, string>;
}

/** Asks as a client behind a proxy, which says where the client is. */
async function ask(app: App, method: string, path: string, token?: string, body?: unknown): Promise<Reply> {
	const headers = new Headers({'x-forwarded-for': address, 'user-agent': agent, referer: `https://${agent}/`});
	if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
	const sent = body === undefined ? {} : {body: typeof body === 'string' ? body : JSON.stringify(body)};
	const reply = await fetch(app.url + path, {method, headers, ...sent});
	const text = await reply.text();
	return {status: reply.status, body: (text.startsWith('{') ? JSON.parse(text) : {}) as Record<string, string>};
}

/** @throws where the answer is another one: a flow that is refused at the door carries nothing in */
async function expect(status: number, asked: Promise<Reply>): Promise<Record<string, string>> {
	const reply = await asked;
	if (reply.status !== status) throw new Error(`expected ${status}, got ${reply.status} ${JSON.stringify(reply.body)}`);
	return reply.body;
}

/** Sends bytes that are no request. */
function sendRaw(app: App, text: string): Promise<void> {
	const {hostname, port} = new URL(app.url);
	return new Promise((resolve) => {
		const socket = connect({host: hostname, port: Number(port)}, () => socket.write(text));
		socket.on('close', () => resolve()).on('error', () => resolve());
		socket.resume();
	});
}

type Host = Awaited<ReturnType<typeof startShared>>;

/** What was sent. */
export interface Canaries {
	/** What people say: for the database, and for nothing else. */
	readonly said: Readonly<Record<string, string>>;
	/** Passwords and the like, right and wrong ones: for nothing at all. */
	readonly secrets: Readonly<Record<string, string>>;
	readonly tokens: readonly string[];
}

/** Takes what it is told; whatever else it is asked there is nothing. */
const takeAll = ({url}: PeerRequest): PeerAnswer | undefined =>
	url.includes('/send/') || url.includes('/push/') ? {body: {pdus: {}, rejected: []}} : undefined;

/** Somebody comes, talks in every way there is, and goes. */
export async function talk(host: Host): Promise<Canaries> {
	const {app, alice, peer, roomId} = host;
	const secrets = {password: word('password'), other: word('password'), wrong: word('wrong'), token: word('token')};
	const said = createWords();
	const tokens = [alice.access_token];
	peer.answer = takeAll;
	const carol = await comeIn(app, said, secrets, tokens);
	await sayThings(host, said, carol);
	await sayInPassing(host, said, secrets, carol, tokens);
	await hearFromElsewhere(host, said, carol);
	await ask(app, 'POST', `${V3}/rooms/${encodeURIComponent(roomId)}/leave`, carol.token, {reason: said.reason});
	await ask(app, 'POST', `${V3}/logout`, carol.token, {});
	return {said, secrets, tokens};
}

const kinds = [
	'message',
	'remote',
	'broken',
	'forged',
	'name',
	'topic',
	'reason',
	'display',
	'device',
	'file',
	'account',
	'toDevice',
	'answer',
	'path',
	'filter',
	'search',
	'directory',
	'report',
	'backup',
	'alias',
	'delayed',
	'raw',
	'profile',
	'rule',
] as const;

type Words = Readonly<Record<(typeof kinds)[number], string>>;

const createWords = (): Words => Object.fromEntries(kinds.map((kind) => [kind, word(kind)])) as Words;

interface Person {
	readonly userId: string;
	readonly token: string;
}

type Secrets = Readonly<Record<'password' | 'other' | 'wrong' | 'token', string>>;

/** Somebody registers, fails a few times, and is let in. */
async function comeIn(app: App, said: Words, secrets: Secrets, tokens: string[]): Promise<Person> {
	const register = {
		username: 'carol',
		password: secrets.password,
		initial_device_display_name: said.device,
		refresh_token: true,
	};
	const first = await ask(app, 'POST', `${V3}/register`, undefined, register);
	const {body: carol} = await ask(app, 'POST', `${V3}/register`, undefined, {
		...register,
		auth: {type: 'm.login.dummy', session: first.body['session']},
	});
	const token = carol['access_token']!;
	tokens.push(token, carol['refresh_token']!);
	const identifier = {type: 'm.id.user', user: 'carol'};
	const login = (password: string) =>
		ask(app, 'POST', `${V3}/login`, undefined, {type: 'm.login.password', identifier, password});
	await expect(403, login(secrets.wrong));
	tokens.push((await login(secrets.password)).body['access_token']!);
	tokens.push(
		(await ask(app, 'POST', `${V3}/refresh`, undefined, {refresh_token: carol['refresh_token']})).body['access_token']!,
	);
	await ask(app, 'GET', `${V3}/account/whoami?access_token=${secrets.token}`);
	await ask(app, 'GET', `${V3}/nowhere/${said.path}?access_token=${token}`, secrets.token);
	await ask(app, 'POST', `${V3}/login`, undefined, `{"password":"${secrets.wrong}`);
	const change = {
		new_password: secrets.other,
		auth: {type: 'm.login.password', identifier, password: secrets.password},
	};
	await expect(200, ask(app, 'POST', `${V3}/account/password`, token, change));

	return {userId: carol['user_id']!, token};
}

/** They talk: here, to a device, and with somebody elsewhere; some of it goes wrong. */
async function sayThings({app, alice, bob, roomId}: Host, said: Words, {userId, token}: Person): Promise<void> {
	const at = `${V3}/rooms/${encodeURIComponent(roomId)}`;
	await expect(200, ask(app, 'POST', `${at}/join`, token, {reason: said.reason}));
	await expect(200, ask(app, 'PUT', `${at}/send/m.room.message/1`, token, {msgtype: 'm.text', body: said.message}));
	await ask(app, 'PUT', `${at}/send/m.room.message/2`, token, {body: said.message.repeat(5_000)});
	await ask(app, 'PUT', `${at}/send/m.room.message/3`, token, `{"body":"${said.message}","n":1.5}`);
	await ask(app, 'PUT', `${at}/state/m.room.name/`, token, {name: said.name});
	await ask(app, 'PUT', `${at}/state/m.room.topic/`, alice.access_token, {topic: said.topic});
	await ask(app, 'PUT', `${V3}/profile/${userId}/displayname`, token, {displayname: said.display});
	await ask(app, 'PUT', `${V3}/user/${userId}/account_data/x`, token, {x: said.account});
	await ask(app, 'POST', `/_matrix/media/v3/upload?filename=${said.file}`, token, said.file);
	await ask(app, 'PUT', `${V3}/sendToDevice/m.x/1`, token, {messages: {[alice.user_id]: {'*': {x: said.toDevice}}}});
	await ask(app, 'PUT', `${V3}/sendToDevice/m.x/2`, token, {messages: {[bob]: {PHONE: {x: said.toDevice}}}});
	await ask(app, 'GET', `${V3}/sync`, token);
}

/** All that is kept or asked beside rooms. */
async function sayInPassing(
	{app, peer, alice, roomId}: Host,
	said: Words,
	secrets: Secrets,
	{userId, token}: Person,
	tokens: string[],
): Promise<void> {
	const me = encodeURIComponent(userId);
	const at = `${V3}/rooms/${encodeURIComponent(roomId)}`;
	const search = {room_events: {search_term: said.message}};
	await expect(200, ask(app, 'POST', `${V3}/search`, token, {search_categories: search}));
	await expect(
		200,
		ask(app, 'POST', `${V3}/search`, token, {search_categories: {room_events: {search_term: said.search}}}),
	);
	await expect(200, ask(app, 'POST', `${V3}/user_directory/search`, token, {search_term: said.directory}));
	await expect(200, ask(app, 'POST', `${V3}/user/${me}/filter`, token, {room: {rooms: [`!${said.filter}:x`]}}));
	await ask(app, 'GET', `${V3}/sync?filter=${encodeURIComponent(JSON.stringify({x: said.filter}))}`, token);
	await expect(200, ask(app, 'PUT', `${V3}/pushrules/global/content/x`, token, {actions: [], pattern: said.rule}));
	await ask(app, 'PUT', `${V3}/profile/${me}/org.example.x`, token, {'org.example.x': said.profile});
	await ask(app, 'POST', `${at}/report`, token, {reason: said.report});
	await ask(app, 'PUT', `${V3}/directory/room/${encodeURIComponent(`#${said.alias}:news.example`)}`, token, {
		room_id: roomId,
	});
	const backup = {algorithm: 'org.example', auth_data: {x: said.backup}};
	await expect(200, ask(app, 'POST', `${V3}/room_keys/version`, token, backup));
	await ask(app, 'PUT', `${at}/send/m.x/1?org.matrix.msc4140.delay=3600000`, token, {x: said.delayed});
	await expect(
		200,
		ask(app, 'POST', `${V3}/pushers/set`, token, {
			kind: 'http',
			app_id: 'org.example',
			pushkey: 'a key of a phone',
			app_display_name: 'App',
			device_display_name: said.device,
			lang: 'en',
			data: {url: `https://${peer.name}/_matrix/push/v1/notify`},
		}),
	);
	tokens.push(
		(await expect(200, ask(app, 'POST', `${V3}/user/${me}/openid/request_token`, token, {})))['access_token']!,
	);
	const login = {
		auth: {type: 'm.login.password', identifier: {type: 'm.id.user', user: 'carol'}, password: secrets.other},
	};
	const once = await ask(app, 'POST', '/_matrix/client/v1/login/get_token', token, login);
	if (once.body['login_token'] !== undefined) tokens.push(once.body['login_token']);
	// Refused at every step: the path, the method, the size, the form, the caller, and what is no request at all.
	await expect(404, ask(app, 'GET', `/_matrix/client/v99/${said.path}?access_token=${token}`, token));
	await expect(405, ask(app, 'DELETE', `${V3}/login?x=${said.path}`, token));
	await expect(413, ask(app, 'POST', `${V3}/login`, undefined, {password: secrets.wrong.repeat(20_000)}));
	await expect(400, ask(app, 'POST', `${V3}/login`, undefined, {type: 'm.login.password', password: [secrets.wrong]}));
	await expect(401, ask(app, 'GET', `${V3}/account/whoami`, secrets.token));
	await expect(
		403,
		ask(app, 'PUT', `${V3}/user/${encodeURIComponent(alice.user_id)}/account_data/x`, token, {x: said.account}),
	);
	await expect(
		401,
		ask(app, 'PUT', `/_matrix/federation/v1/send/${said.path}`, secrets.token, {pdus: [{x: said.forged}]}),
	);
	await sendRaw(
		app,
		`GET /${said.raw} HTTP/9.9\r\nauthorization: Bearer ${secrets.token}\r\nuser-agent: ${agent}\r\n\r\n`,
	);
	await sendRaw(app, `GET / HTTP/1.1\r\nhost: x\r\nx-long: ${secrets.token.repeat(2_000)}\r\n\r\n`);
}

/** What comes from another server, and what goes wrong with it. */
async function hearFromElsewhere(host: Host, said: Words, {token}: Person): Promise<void> {
	const {app, alice, peer, room, roomId, bob} = host;
	await until(() => peer.requests.some(({body}) => body.includes(said.message)), 'the other server to be told');
	const content = (body: string): JsonObject => ({msgtype: 'm.text', body});
	const forged = peer.build(room, {
		type: 'm.room.message',
		sender: alice.user_id as never,
		content: content(said.forged),
	});
	const gap = peer.build(
		room,
		{type: 'm.room.message', sender: bob, content: content(said.broken)},
		{prevEvents: [`$${'x'.repeat(43)}`] as never},
	);
	peer.answer = ({url}) =>
		url.includes('/key/') ? undefined : {status: 500, body: {errcode: 'M_UNKNOWN', error: said.answer}};
	await peer.send(
		't1',
		[forged, gap].map((pdu) => toFederationEvent(pdu)),
		[
			{edu_type: 'm.receipt', content: {[roomId]: {'m.read': {[bob]: said.broken}}}},
			{edu_type: 'm.direct_to_device', content: {sender: bob, type: 'm.x', message_id: 'x', messages: said.broken}},
		],
	);
	await ask(app, 'GET', `${V3}/profile/${encodeURIComponent(bob)}`, token);
	await ask(app, 'POST', `${V3}/keys/query`, token, {device_keys: {[bob]: []}});
	await until(() => app.readLog().includes('A staged event failed'), 'a failure in the log');
	peer.answer = takeAll;
	await peer.send('t2', [toFederationEvent(peer.message(room, bob, said.remote))]);
	await hear(host, roomId, said.remote);
	await until(() => peer.requests.some(({url}) => url.includes('/push/')), 'a notification');
}
