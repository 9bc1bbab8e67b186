/** What a process does follows from its roles. */
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import type {JsonObject, UserId} from '../../crypto/index.ts';
import {configCheck} from '../../server/cli/config-check.ts';
import {
	call,
	findPostgres,
	memberContent,
	passwordOf,
	PostgresServer,
	register,
	request,
	type SignedPeer,
	startApp,
	until,
} from '../harness/index.ts';
import {startShared} from './api/server-server/world.ts';

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);
const onPostgres = 'skipped' in found ? test.skip : test;

/** What `config check` says of a configuration: its output, or the refusal. */
async function check(t: ExecutionContext, config: object): Promise<string> {
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-roles-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	const file = join(directory, 'homeserver.yaml');
	writeFileSync(file, JSON.stringify(config));
	let output = '';
	const print = (text: string) => void (output += `${text}\n`);
	const terminal = {
		print,
		printError: print,
		readSecret: () => Promise.resolve(''),
		isInteractive: false,
		environment: {},
	};
	await configCheck
		.run({positionals: [], values: {config: file}}, terminal)
		.catch((error: Error) => print(error.message));
	return output.replace(`${file}: `, '');
}

const database = 'postgres://me@db/x';
const listen = (...serves: string[]) => [{port: 8008, serves}];

test('roles that make no sense are refused in words', async (t) => {
	const refused: readonly (readonly [object, RegExp])[] = [
		[{roles: ['everything']}, /^roles\[0\]: expected one of [^\n]+"background"\n$/u],
		[{roles: []}, /^roles: expected [^\n]+\n$/u],
		[{roles: ['all', 'client']}, /^roles: expected all alone, or roles without all\n$/u],
		[{roles: ['client'], listeners: listen('client')}, /^roles: expected all, for one process has an SQLite database/u],
		[{database, roles: ['client']}, /^listeners: missing, expected where a process with these roles listens/u],
		[{database, roles: ['client', 'client'], listeners: listen('client')}, /^roles: client is named twice\n$/u],
		[
			{database, roles: ['appservice'], listeners: listen('metrics')},
			/^roles: appservice has nothing to do in this version\n$/u,
		],
		[
			{database, roles: ['background'], listeners: listen('metrics', 'client')},
			/^listeners\[0\]\.serves: client is for the roles client, sync, media; this process has background\n$/u,
		],
		[
			{database, roles: ['client', 'federation-in'], listeners: listen('client')},
			/^roles: federation-in needs a listener that serves federation or well-known\n$/u,
		],
		[
			{database, roles: ['federation-out'], listeners: listen('metrics'), federation: {mode: 'off'}},
			/^roles: federation-out has nothing to do while federation\.mode is off\n$/u,
		],
	];
	for (const [config, words] of refused) t.regex(await check(t, config), words, JSON.stringify(config));
});

test('roles that make sense are said in words', async (t) => {
	t.false((await check(t, {})).includes('role '));
	const front = await check(t, {database, roles: ['client', 'sync', 'media'], listeners: listen('client', 'admin')});
	t.regex(front, /role +client: answers clients[^]*role +sync: answers \/sync[^]*role +media: /u);
	t.regex(await check(t, {database, roles: ['background'], listeners: listen('metrics')}), /role +background: does /u);
});

test('a server whose roles make no sense does not start', async (t) => {
	const error = await t.throwsAsync(startApp(t, {config: {roles: ['background']}}), {name: 'ConfigError'});
	t.regex(error?.message ?? '', /^roles: expected all, for one process has an SQLite database to itself/u);
});

/** What the peer was told of a room: the bodies of messages. */
function heardBy(peer: SignedPeer): unknown[] {
	return peer.requests
		.filter(({method, url}) => method === 'PUT' && url.startsWith('/_matrix/federation/v1/send/'))
		.flatMap(({body}) => (JSON.parse(body.toString()) as {pdus: JsonObject[]}).pdus)
		.filter(({type}) => type === 'm.room.message')
		.map(({content}) => (content as JsonObject)['body']);
}

onPostgres('of two processes each does what its roles say, and nothing else', async (t) => {
	if ('skipped' in found) return;
	await using server = await PostgresServer.start(found.programs);
	const url = await server.createDatabase('roles');
	const data = mkdtempSync(join(tmpdir(), 'broadsheet-roles-'));
	t.teardown(() => rmSync(data, {recursive: true, force: true}));
	// One process for all, until the rooms are there.
	const whole = await startShared(t, {}, () => ({database: url, data}));
	const {alice, peer, roomId} = whole;
	peer.answer = ({url: asked}) => (asked.startsWith('/_matrix/federation/v1/send/') ? {body: {pdus: {}}} : undefined);
	const carol = await register(whole.app, 'carol');
	await call(whole.app, 'POST', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/join`, {
		token: carol.access_token,
		body: {},
	});
	const document = JSON.parse(readFileSync(join(whole.app.directory, 'homeserver.yaml'), 'utf8')) as object;
	await whole.app.application.stop();
	const startWith = (roles: string[], serves: string[]) =>
		startApp(t, {config: {...document, roles, listeners: [{address: '127.0.0.1', port: 0, serves}]}});

	const front = await startWith(['client', 'sync'], ['client', 'metrics']);
	const told = heardBy(peer).length;
	const say = (body: string) =>
		call(front, 'PUT', `/_matrix/client/v3/rooms/${encodeURIComponent(roomId)}/send/m.room.message/${body}`, {
			token: alice.access_token,
			body: {msgtype: 'm.text', body},
		});
	await say('first');
	await call(front, 'POST', '/_matrix/client/v3/account/deactivate', {
		token: carol.access_token,
		body: {auth: {type: 'm.login.password', user: 'carol', password: passwordOf('carol')}},
	});
	const {storage} = front.application;
	const job = () => storage.jobs.find('leave-rooms', carol.user_id);
	const metrics = await request(front, 'GET', '/metrics');
	t.regex(metrics.text, /^broadsheet_federation_destinations_active 0$/mu);
	t.regex(metrics.text, /^broadsheet_jobs_running 0$/mu);
	t.like(await job(), {attempts: 0, leasedUntilTs: null, payload: {}});
	t.is((await request(front, 'GET', '/_matrix/client/v3/sync', {token: alice.access_token})).status, 200);
	const upload = await request(front, 'POST', '/_matrix/media/v3/upload', {token: alice.access_token, body: {}});
	t.deepEqual([upload.status, upload.body['errcode']], [404, 'M_UNRECOGNIZED']);

	const back = await startWith(['federation-out', 'background'], ['metrics']);
	t.is((await request(back, 'GET', '/_matrix/client/versions')).status, 404);
	t.is((await request(back, 'GET', '/health')).status, 200);
	await until(() => heardBy(peer).length > told, 'the partner to be told');
	await until(
		async () => ((await memberContent(front, roomId, carol.user_id)) as {membership: string}).membership === 'leave',
		'the room to be left',
	);
	await say('second');
	await until(() => heardBy(peer).length === told + 2, 'the partner to be told of the second');
	t.deepEqual(heardBy(peer).slice(told), ['first', 'second']);
	t.deepEqual(
		(await storage.memberships.listLocalJoined(roomId)).map((userId: UserId) => userId),
		[alice.user_id as UserId],
	);
	await back.application.stop();
	// Who answers clients goes on; what others are owed waits.
	await say('third');
	t.is((await request(front, 'GET', '/_matrix/client/v3/sync', {token: alice.access_token})).status, 200);
	const again = await startWith(['federation-out', 'background'], ['metrics']);
	await until(() => heardBy(peer).length === told + 3, 'the partner to be told of the third');
	t.is((await request(again, 'GET', '/health')).status, 200);
});
