/** What the tools of administrators ask of Synapse, request by request, in the forms in which they send it. */
import test, {type ExecutionContext} from 'ava';
import {type App, call, register, type Session, startApp, until} from '../../../harness/index.ts';
import {addAdministrator, ask} from './administrator.ts';

const ALICE = '@alice:news.example';
const enc = encodeURIComponent;

/** One request, and keys that the tool reads of the answer. */
type Step = readonly [
	method: string,
	path: string,
	body: unknown,
	reads: Readonly<Record<string, 'string' | 'number' | 'boolean' | 'object' | 'null' | 'undefined'>>,
];

async function replay(t: ExecutionContext, app: App, caller: Session, steps: readonly Step[]): Promise<void> {
	for (const [method, path, body, reads] of steps) {
		const answer = await ask(app, caller, [method, path, body]);
		const name = `${method} ${path}`;
		t.true(answer.status === 200 || answer.status === 201, `${name}: ${answer.status} ${answer.text}`);
		const types = Object.fromEntries(
			Object.keys(reads).map((key) => {
				const value = answer.body[key];
				return [key, value === null ? 'null' : typeof value];
			}),
		);
		t.deepEqual(types, reads, name);
	}
}

async function makeRoom(app: App, {access_token: token}: Session, body: object): Promise<string> {
	return (await call<{room_id: string}>(app, 'POST', '/_matrix/client/v3/createRoom', {token, body})).room_id;
}

/** A record as Ketesa sends it back: all that it was given, with what its form adds; nothing that is null. */
function ketesaRecord(record: Readonly<Record<string, unknown>>, changes: object): object {
	const form = {
		...record,
		id: record['name'],
		avatar_src: undefined,
		creation_ts_ms: 1_700_000_000_000,
		...changes,
	};
	return JSON.parse(
		JSON.stringify(form, (key, value: unknown) => (value === null && key !== 'user_type' ? undefined : value)),
	) as object;
}

test('Ketesa lists, makes, changes and ends accounts', async (t) => {
	const app = await startApp(t, {config: {registration: 'closed'}});
	const root = await addAdministrator(app);
	const list =
		'/v3/users?from=0&limit=10&user_id=&guests=true&deactivated=false&locked=true&order_by=name&dir=f&suspended=false';
	await replay(t, app, root, [
		['GET', '/v1/server_version', undefined, {server_version: 'string'}],
		['GET', list.replace('user_id=&', ''), undefined, {users: 'object', total: 'number', next_token: 'undefined'}],
		['GET', '/v1/username_available?username=alice', undefined, {available: 'boolean'}],
		[
			'PUT',
			`/v2/users/${enc(ALICE)}`,
			{id: 'alice', user_type: null, admin: false, password: 'long enough', displayname: 'Alice', is_guest: false},
			{name: 'string', admin: 'boolean', deactivated: 'boolean', erased: 'boolean', creation_ts: 'number'},
		],
	]);
	const read = async () => (await ask(app, root, ['GET', `/v2/users/${enc(ALICE)}`])).body;
	const user = `/v2/users/${enc(ALICE)}`;
	await replay(t, app, root, [
		['PUT', user, ketesaRecord(await read(), {displayname: 'Änne'}), {displayname: 'string'}],
		['PUT', user, ketesaRecord(await read(), {locked: true}), {locked: 'boolean'}],
		['PUT', user, ketesaRecord(await read(), {locked: false}), {locked: 'boolean'}],
		['PUT', `/v1/suspend/${enc(ALICE)}`, {suspend: true}, {}],
		['PUT', `/v1/suspend/${enc(ALICE)}`, {suspend: false}, {}],
		['POST', `/v1/reset_password/${enc(ALICE)}`, {new_password: 'another one', logout_devices: true}, {}],
		['GET', `/v2/users/${enc(ALICE)}/devices?from=0&limit=50&order_by=device_id&dir=f`, undefined, {total: 'number'}],
		['GET', `/v1/whois/${enc(ALICE)}`, undefined, {user_id: 'string', devices: 'object'}],
		['GET', `/v1/users/${enc(ALICE)}/media?from=0&limit=50&order_by=created_ts&dir=b`, undefined, {media: 'object'}],
		['GET', `/v1/users/${enc(ALICE)}/joined_rooms?from=0&limit=50&order_by=id&dir=f`, undefined, {total: 'number'}],
		[
			'GET',
			`/v1/users/${enc(ALICE)}/memberships?from=0&limit=50&order_by=id&dir=f`,
			undefined,
			{memberships: 'object'},
		],
		['GET', `/v1/users/${enc(ALICE)}/pushers?from=0&limit=50&order_by=kind&dir=f`, undefined, {pushers: 'object'}],
		['POST', `/v1/deactivate/${enc(ALICE)}`, {erase: true}, {id_server_unbind_result: 'string'}],
		['PUT', user, ketesaRecord(await read(), {deactivated: true}), {deactivated: 'boolean'}],
	]);
	t.like(await read(), {deactivated: true, erased: true});
});

test('Ketesa looks after rooms, files, tokens and complaints', async (t) => {
	const app = await startApp(t);
	const root = await addAdministrator(app);
	const alice = await register(app, 'alice');
	const room = await makeRoom(app, alice, {name: 'Room', preset: 'public_chat'});
	await replay(t, app, root, [
		['GET', '/v1/rooms?from=0&limit=10&order_by=name&dir=f', undefined, {rooms: 'object', total_rooms: 'number'}],
		['GET', `/v1/rooms?from=0&limit=10&search_term=Roo&order_by=joined_members&dir=b`, undefined, {rooms: 'object'}],
		['GET', `/v1/rooms/${enc(room)}`, undefined, {room_id: 'string', joined_members: 'number', version: 'string'}],
		['GET', `/v1/rooms/${room}/members?from=0&limit=10&order_by=id&dir=f`, undefined, {members: 'object'}],
		['GET', `/v1/rooms/${room}/state?from=0&limit=10&order_by=type&dir=f`, undefined, {state: 'object'}],
		['GET', `/v1/rooms/${room}/forward_extremities?from=0&limit=10&order_by=depth&dir=f`, undefined, {count: 'number'}],
		['GET', `/v1/rooms/${enc(room)}/block`, undefined, {block: 'boolean'}],
		['PUT', `/v1/rooms/${enc(room)}/block`, {block: true}, {block: 'boolean'}],
		['PUT', `/v1/rooms/${enc(room)}/block`, {block: false}, {block: 'boolean'}],
		['POST', `/v1/join/${enc(room)}`, {user_id: root.user_id}, {room_id: 'string'}],
		['POST', `/v1/rooms/${enc(room)}/make_room_admin`, {user_id: root.user_id}, {}],
		['GET', '/v1/statistics/users/media?from=0&limit=10&order_by=media_length&dir=b', undefined, {users: 'object'}],
		['POST', '/v1/purge_media_cache?before_ts=1700000000000', undefined, {deleted: 'number'}],
		['GET', '/v1/registration_tokens?from=0&limit=10&valid=true&order_by=token&dir=f', undefined, {}],
		['POST', '/v1/registration_tokens/new', {uses_allowed: 5, length: 16}, {token: 'string', expiry_time: 'null'}],
		['GET', '/v1/event_reports?from=0&limit=10&order_by=received_ts&dir=b', undefined, {total: 'number'}],
		['GET', '/v1/user_reports?from=0&limit=10&order_by=received_ts&dir=b', undefined, {total: 'number'}],
		['POST', `/v1/user/${enc(ALICE)}/redact`, {rooms: []}, {redact_id: 'string'}],
		['DELETE', `/v2/rooms/${room}`, {block: false}, {delete_id: 'string'}],
	]);
	const path = `/v2/rooms/${enc(room)}/delete_status`;
	type Results = {results: {status: string}[]};
	await until(
		async () => (await ask<Results>(app, root, ['GET', path])).body.results[0]?.status === 'complete',
		'the room to go',
		60_000,
	);
});

test('Draupnir asks what it asks of Synapse, and reads the answers', async (t) => {
	const app = await startApp(t);
	const bot = await addAdministrator(app, 'draupnir');
	const alice = await register(app, 'alice');
	const room = await makeRoom(app, alice, {name: 'Room', preset: 'public_chat'});
	const second = await makeRoom(app, alice, {preset: 'public_chat'});
	const user = {
		name: 'string',
		is_guest: 'boolean',
		admin: 'boolean',
		user_type: 'null',
		deactivated: 'boolean',
		erased: 'boolean',
		shadow_banned: 'boolean',
		creation_ts: 'number',
		last_seen_ts: 'number',
		locked: 'boolean',
		suspended: 'boolean',
	} as const;
	await replay(t, app, bot, [
		['GET', `/v1/users/${enc(bot.user_id)}/admin`, undefined, {admin: 'boolean'}],
		['GET', '/v1/event_reports?from=1&dir=f&limit=10', undefined, {event_reports: 'object', next_token: 'undefined'}],
		['GET', '/v1/rooms?limit=250&from=0&order_by=joined_members&dir=f', undefined, {rooms: 'object', offset: 'number'}],
		['GET', `/v1/rooms/${enc(room)}`, undefined, {room_id: 'string', creator: 'string', public: 'boolean'}],
		['GET', `/v1/rooms/${enc(room)}/block`, undefined, {block: 'boolean'}],
		['POST', `/v1/rooms/${enc(room)}/make_room_admin`, {user_id: bot.user_id}, {}],
		['GET', `/v2/users/${enc(ALICE)}`, undefined, user],
		['PUT', `/v1/suspend/${enc(ALICE)}`, {suspend: true}, {}],
		['PUT', `/v1/suspend/${enc(ALICE)}`, {suspend: false}, {}],
		['POST', `/v1/user/${enc(ALICE)}/redact`, {rooms: []}, {redact_id: 'string'}],
		['DELETE', `/v1/rooms/${enc(room)}`, {new_room_user_id: bot.user_id, block: true}, {new_room_id: 'string'}],
		['DELETE', `/v2/rooms/${enc(second)}`, {block: true, purge: true}, {delete_id: 'string'}],
		['POST', `/v1/deactivate/${enc(ALICE)}`, {erase: false}, {}],
	]);
	t.is((await ask(app, bot, ['GET', `/v2/users/${enc('@gone:news.example')}`])).status, 404);
	// What this server does not do is not known to it, which the tool takes for a refusal.
	const unknown = await ask(app, bot, ['POST', `/v1/users/${enc(ALICE)}/shadow_ban`, {}]);
	t.deepEqual([unknown.status, unknown.body['errcode']], [404, 'M_UNRECOGNIZED']);
});
