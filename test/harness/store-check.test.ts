/** The check of a database must itself be believed: it finds nothing in a whole one, and each kind of damage. */
import {copyFileSync, mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import test, {type ExecutionContext} from 'ava';
import Database from 'better-sqlite3';
import {type App, call, findPostgres, PostgresServer, register, startApp} from './index.ts';
import {listFaults, readPostgres, readSqlite} from './store-check/index.ts';

const CLIENT = '/_matrix/client/v3';

/** Rooms in which something of every kind has happened. */
async function live(app: App): Promise<void> {
	const alice = await register(app, 'alice');
	const bob = await register(app, 'bob');
	const carol = await register(app, 'carol');
	for (const version of ['6', '10', '12']) {
		const room = await call<{room_id: string}>(app, 'POST', `${CLIENT}/createRoom`, {
			token: alice.access_token,
			body: {preset: 'public_chat', room_version: version, name: 'Desk', invite: [carol.user_id]},
		});
		const path = `${CLIENT}/rooms/${encodeURIComponent(room.room_id)}`;
		const post = (token: string, verb: string, body: object) => call(app, 'POST', `${path}/${verb}`, {token, body});
		const put = (token: string, rest: string, body: object) =>
			call<{event_id: string}>(app, 'PUT', `${path}/${rest}`, {token, body});
		await post(bob.access_token, 'join', {});
		const message = {msgtype: 'm.text', body: 'hello'};
		const {event_id: said} = await put(bob.access_token, 'send/m.room.message/1', message);
		await put(alice.access_token, 'send/m.room.message/2', message);
		await put(alice.access_token, 'state/m.room.topic', {topic: 'Budget'});
		await put(alice.access_token, `redact/${encodeURIComponent(said)}/3`, {});
		await post(carol.access_token, 'leave', {});
		await post(alice.access_token, 'kick', {user_id: bob.user_id});
		await put(alice.access_token, 'send/m.room.message/4', message);
	}
}

/** Gives the file of a server that has lived and was stopped. */
async function makeFile(t: ExecutionContext): Promise<string> {
	const app = await startApp(t);
	await live(app);
	await app.application.stop();
	const directory = mkdtempSync(join(tmpdir(), 'broadsheet-check-'));
	t.teardown(() => rmSync(directory, {recursive: true}));
	const file = join(directory, 'whole.db');
	copyFileSync(join(app.directory, 'data/broadsheet.db'), file);
	return file;
}

async function listFaultsOf(file: string): Promise<readonly string[]> {
	await using reader = readSqlite(file);
	return await listFaults(reader);
}

const ofType = (type: string): string => `(select id from strings where text = '${type}')`;
const message = `(select min(nid) from events where type = ${ofType('m.room.message')})`;
const topic = `(select min(nid) from events where type = ${ofType('m.room.topic')})`;
const someRoom = `(select min(room_id) from rooms)`;

/** What is done to a whole database, and what must be said of it. */
const damages: readonly (readonly [what: string, sql: string, fault: RegExp])[] = [
	['text of another event', `update events set json = replace(json, 'hello', 'hallo')`, /content is not the one/u],
	['another sender', `update events set json = replace(json, '"depth":5', '"depth":6')`, /its id is not the one/u],
	['half a text', `update events set json = substr(json, 1, 90) where nid = ${message}`, /cannot be read/u],
	['a wrong column', `update events set depth = depth + 1 where nid = ${message}`, /its depth is not/u],
	['a wrong name', `update events set type = ${ofType('m.room.topic')} where nid = ${message}`, /its type is not/u],
	['a lost event', `delete from events where nid = ${message}`, /an event before it is neither/u],
	['a lost redaction', `update events set redacted_by = 1 where nid = ${message}`, /its redaction is not there/u],
	['a lost state event', `delete from events where nid = ${topic}`, /of its state is not there/u],
	['a rejected state event', `update events set rejected = 'x' where nid = ${topic}`, /of its state was rejected/u],
	['a lost node', `delete from trie_nodes where node = (select max(node) from trie_nodes)`, /trie node \d+ is not/u],
	['a damaged node', `update trie_nodes set body = x'ff'`, /a trie node ends/u],
	['another salt', `update meta set value = '1' where name = 'trie_salt'`, /cannot be found by its key/u],
	['a lost row of state', `delete from current_state where event_nid = ${topic}`, /current_state has not event/u],
	[
		'a stale row of state',
		`insert into current_state values (${someRoom}, ${ofType('m.room.topic')}, ${ofType('m.room.topic')}, ${topic})`,
		/current_state has event/u,
	],
	['a lost extremity', `update rooms set extremities = '["$lost"]'`, /an extremity of its head is not there/u],
	[
		'an old extremity',
		`update rooms set extremities = json_array((select event_id from events where nid = ${message}))`,
		/comes after an extremity/u,
	],
	[
		'an old head',
		`update rooms set head_root = (select min(root) from room_heads h where h.room_id = rooms.room_id)`,
		/its state is not the last/u,
	],
	['a head elsewhere', `update rooms set head_pos = head_pos - 1`, /its head stands at another position/u],
	['a wrong membership', `update memberships set membership = 'join'`, /membership of user \d+ is not/u],
	['a lost membership', `delete from memberships where membership = 'leave'`, /has no membership/u],
	[
		'a server that is owed nothing it should know',
		`insert into room_servers values (${someRoom}, ${ofType('m.room.topic')}, 1, null)`,
		/a server without a member/u,
	],
	['a gap in the stream', `delete from stream where pos = 5`, /nothing between the positions 4 and 6/u],
	['a head behind its stream', `update stream_head set pos = pos - 1`, /lies beyond the head of the stream/u],
	['a head ahead of its stream', `update stream_head set pos = pos + 1`, /its last position is not that of its head/u],
	['an unannounced event', `update stream set ref = 1 where kind = 'event'`, /was not announced at its place/u],
	['ids to be given again', `update sequence set next = 2`, /an id that the sequence has not given/u],
	[
		'a lost event of a transaction',
		`update client_transactions set answer = '{"event_id":"$lost"}'`,
		/transaction of .*: its event \$lost/u,
	],
	[
		'a lost transaction',
		`update client_transaction_events set event_id = '$lost' where event_id = (select max(event_id) from client_transaction_events)`,
		/transaction: its event/u,
	],
];

test('a server’s SQLite file is without fault, and every kind of damage to it is found', async (t) => {
	const whole = await makeFile(t);
	t.deepEqual(await listFaultsOf(whole), []);
	const damaged = `${whole}.damaged`;
	for (const [what, sql, fault] of damages) {
		copyFileSync(whole, damaged);
		const database = new Database(damaged);
		const {changes} = database.prepare(sql).run();
		database.close();
		t.true(changes > 0, `${what}: nothing was damaged`);
		t.regex((await listFaultsOf(damaged)).join('\n'), fault, what);
	}
});

const found = findPostgres();
if ('skipped' in found) console.log(`skipped: ${found.skipped}`);
const onPostgres = 'skipped' in found ? test.skip : test;

onPostgres('a server’s PostgreSQL database is without fault beside the server, and its pages are whole', async (t) => {
	if ('skipped' in found) throw new Error(found.skipped);
	const server = await PostgresServer.start(found.programs);
	t.teardown(() => server[Symbol.asyncDispose]());
	const url = await server.createDatabase('checked');
	const app = await startApp(t, {config: {database: url}});
	await live(app);
	await using reader = await readPostgres(url);
	t.deepEqual(await listFaults(reader), []);
	t.is(server.checkPages('checked'), 'ok');
});
