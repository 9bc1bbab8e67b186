/** A conversation full of words that are nowhere else, and then a look at everything that the server has written down. */
import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import type {JsonObject} from '../../../crypto/index.ts';
import {toFederationEvent} from '../../../federation/rooms/index.ts';
import {type App, passwordOf, until} from '../../harness/index.ts';
import {hear, startShared} from '../api/server-server/world.ts';

const V3 = '/_matrix/client/v3';
const address = '203.0.113.77';
const agent = 'canary-agent/1.0';

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

/** Every file below a folder, as bytes. */
function readAll(directory: string): Buffer[] {
	return readdirSync(directory, {recursive: true, encoding: 'utf8'})
		.map((name) => join(directory, name))
		.filter((path) => statSync(path).isFile())
		.map((path) => readFileSync(path));
}

test('E4: what people say, and where they say it from, is in no log; E6: and no secret of theirs is anywhere', async (t) => {
	const host = await startShared(t);
	const {app, alice, peer, room, roomId, bob} = host;
	const secrets = {password: word('password'), other: word('password'), wrong: word('wrong'), token: word('token')};
	const said = {
		message: word('message'),
		remote: word('remote'),
		broken: word('broken'),
		forged: word('forged'),
		name: word('name'),
		topic: word('topic'),
		reason: word('reason'),
		display: word('display'),
		device: word('device'),
		file: word('file'),
		account: word('account'),
		toDevice: word('todevice'),
		answer: word('answer'),
		path: word('path'),
	};
	const tokens = [alice.access_token];

	// Somebody comes, fails a few times, and is let in.
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
	t.is((await login(secrets.wrong)).status, 403);
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
	t.is((await ask(app, 'POST', `${V3}/account/password`, token, change)).status, 200);

	// They talk: here, to a device, and with somebody elsewhere; some of it goes wrong.
	const at = `${V3}/rooms/${encodeURIComponent(roomId)}`;
	t.is((await ask(app, 'POST', `${at}/join`, token, {reason: said.reason})).status, 200);
	t.is(
		(await ask(app, 'PUT', `${at}/send/m.room.message/1`, token, {msgtype: 'm.text', body: said.message})).status,
		200,
	);
	await ask(app, 'PUT', `${at}/send/m.room.message/2`, token, {body: said.message.repeat(5_000)});
	await ask(app, 'PUT', `${at}/send/m.room.message/3`, token, `{"body":"${said.message}","n":1.5}`);
	await ask(app, 'PUT', `${at}/state/m.room.name/`, token, {name: said.name});
	await ask(app, 'PUT', `${at}/state/m.room.topic/`, alice.access_token, {topic: said.topic});
	await ask(app, 'PUT', `${V3}/profile/${carol['user_id']}/displayname`, token, {displayname: said.display});
	await ask(app, 'PUT', `${V3}/user/${carol['user_id']}/account_data/x`, token, {x: said.account});
	await ask(app, 'POST', `/_matrix/media/v3/upload?filename=${said.file}`, token, said.file);
	await ask(app, 'PUT', `${V3}/sendToDevice/m.x/1`, token, {messages: {[alice.user_id]: {'*': {x: said.toDevice}}}});
	await ask(app, 'PUT', `${V3}/sendToDevice/m.x/2`, token, {messages: {[bob]: {PHONE: {x: said.toDevice}}}});
	await ask(app, 'GET', `${V3}/sync`, token);
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
	peer.answer = () => undefined;
	await peer.send('t2', [toFederationEvent(peer.message(room, bob, said.remote))]);
	await hear(host, roomId, said.remote);
	await ask(app, 'POST', `${V3}/logout`, token, {});

	const log = app.readLog();
	t.true(log.length > 500);
	for (const [what, text] of Object.entries({...said, ...secrets, address, agent}))
		t.false(log.includes(text), `the log: ${what}`);
	for (const one of tokens) t.false(log.includes(one), 'the log: a token');
	const files = [...readAll(app.directory)];
	t.true(
		files.some((bytes) => bytes.includes(said.message)),
		'the look sees what is there',
	);
	const nowhere = {...secrets, alice: passwordOf('alice'), address, agent};
	for (const [what, text] of Object.entries(nowhere))
		t.false(
			files.some((bytes) => bytes.includes(text)),
			`a file: ${what}`,
		);
	for (const one of tokens)
		t.false(
			files.some((bytes) => bytes.includes(one)),
			'a file: a token',
		);
});
