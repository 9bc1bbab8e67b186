/** Row G1 of the list of threats: what a failing disk or a hasty administrator leaves in the database. */
import {cpSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import Sqlite from 'better-sqlite3';
import test from 'ava';
import {getTableColumns, getTableName} from 'drizzle-orm';
import {kindOf, tables} from '../../storage/schema/index.ts';
import {type App, call, createTestDevice, register, request, type Session, startApp} from '../harness/index.ts';

const V3 = '/_matrix/client/v3';

/** Every column that holds JSON. */
const columns = Object.values(tables).flatMap((table) =>
	Object.values(getTableColumns(table))
		.filter((column) => kindOf(column) === 'json' || column.name === 'json')
		.map((column) => ({table: getTableName(table), column: column.name})),
);

interface Ask {
	readonly method: string;
	readonly path: string;
	readonly body?: object;
}

/** Makes a row in most tables, all of them alice's or of a room that she and bob are in; gives how to look at them. */
async function fill(app: App, alice: Session, bob: Session): Promise<Ask[]> {
	const as = (who: Session, method: string, path: string, body?: object) =>
		call<Record<string, string>>(app, method, path, {token: who.access_token, ...(body && {body})});
	const wish = {preset: 'public_chat', room_alias_name: 'desk', room_version: '11'};
	const roomId = (await as(alice, 'POST', `${V3}/createRoom`, wish))['room_id']!;
	const at = `${V3}/rooms/${encodeURIComponent(roomId)}`;
	await as(bob, 'POST', `${at}/join`, {});
	const message = {body: 'hi', msgtype: 'm.text'};
	const eventId = encodeURIComponent((await as(alice, 'PUT', `${at}/send/m.room.message/1`, message))['event_id']!);
	await as(bob, 'POST', `${at}/receipt/m.read/${eventId}`, {});
	const user = `${V3}/user/${encodeURIComponent(alice.user_id)}`;
	const profile = `${V3}/profile/${encodeURIComponent(alice.user_id)}`;
	await as(alice, 'PUT', `${user}/account_data/x`, {a: 1});
	await as(alice, 'PUT', `${user}/rooms/${encodeURIComponent(roomId)}/tags/u.x`, {});
	const filterId = (await as(alice, 'POST', `${user}/filter`, {}))['filter_id']!;
	await as(alice, 'PUT', `${profile}/displayname`, {displayname: 'Alice'});
	const device = createTestDevice(alice);
	await as(alice, 'POST', `${V3}/keys/upload`, {
		device_keys: device.deviceKeys,
		one_time_keys: device.oneTimeKeys('A'),
		fallback_keys: device.fallbackKeys('B'),
	});
	await as(bob, 'PUT', `${V3}/sendToDevice/m.x/1`, {messages: {[alice.user_id]: {'*': {a: 1}}}});
	await as(alice, 'PUT', `${V3}/pushrules/global/override/x`, {actions: ['notify'], conditions: []});
	const algorithm = 'm.megolm_backup.v1.curve25519-aes-sha2';
	await as(alice, 'POST', `${V3}/room_keys/version`, {algorithm, auth_data: {}});
	const get = (path: string): Ask => ({method: 'GET', path});
	const claims = {[alice.user_id]: {[alice.device_id]: 'signed_curve25519'}};
	return [
		...['', '?full_state=true'].map((query) => get(`${V3}/sync${query}`)),
		...['messages?dir=b', 'state', 'members', 'joined_members', 'aliases'].map((what) => get(`${at}/${what}`)),
		...['event', 'context'].map((what) => get(`${at}/${what}/${eventId}`)),
		...['account_data/x', `rooms/${encodeURIComponent(roomId)}/tags`, `filter/${filterId}`].map((it) =>
			get(`${user}/${it}`),
		),
		...['publicRooms', 'pushrules/', 'devices', 'notifications', 'room_keys/version', 'account/whoami'].map((it) =>
			get(`${V3}/${it}`),
		),
		get(`${V3}/directory/room/${encodeURIComponent('#desk:news.example')}`),
		get(profile),
		{method: 'POST', path: `${V3}/keys/query`, body: {device_keys: {[alice.user_id]: []}}},
		{method: 'POST', path: `${V3}/keys/claim`, body: {one_time_keys: claims}},
		{method: 'POST', path: `${V3}/keys/upload`, body: {}},
		{method: 'POST', path: `${V3}/createRoom`, body: {}},
	];
}

/** Breaks the first row of a column, as half a write would; gives whether there was one. */
function damage(file: string, {table, column}: (typeof columns)[number]): boolean {
	const database = new Sqlite(file);
	const first = `select min(rowid) from ${table} where ${column} is not null`;
	const {changes} = database.prepare(`update ${table} set ${column} = '{"broken":' where rowid = (${first})`).run();
	database.close();
	return changes === 1;
}

test('G1: whatever row of the database cannot be read, what needs it fails alone, and health says so', async (t) => {
	const app = await startApp(t);
	const [alice, bob, carol] = [
		await register(app, 'alice'),
		await register(app, 'bobby'),
		await register(app, 'carol'),
	];
	const asks = await fill(app, alice, bob);
	await app.application.stop();
	const [data, copy] = [join(app.directory, 'data'), join(app.directory, 'copy')];
	cpSync(data, copy, {recursive: true});
	const damaged: string[] = [];
	const noticed: string[] = [];
	for (const place of columns) {
		const what = `${place.table}.${place.column}`;
		rmSync(data, {recursive: true});
		cpSync(copy, data, {recursive: true});
		if (!damage(join(data, 'broadsheet.db'), place)) continue;
		damaged.push(what);
		const again = await app.restart();
		for (const {method, path, body} of asks) {
			for (const who of [alice, bob, carol]) {
				const {status} = await request(again, method, path, {token: who.access_token, ...(body && {body})});
				t.true(status < 500 || status === 503, `${what}: ${method} ${path}: ${status}`);
				if (path.startsWith(`${V3}/sync`)) t.is(status, 200, `${what}: ${path}`);
				// Who has nothing to do with it is served as before.
				const isHers = who === carol && !path.includes('/rooms/') && !path.includes('/directory/');
				if (isHers) t.true(status < 500, `${what}: ${path} of carol`);
			}
		}
		const health = await request(again, 'GET', '/health');
		t.is(health.status, 200);
		if (health.body['status'] === 'degraded') noticed.push(what);
		await again.application.stop();
	}
	t.true(damaged.length >= 12, damaged.join(', '));
	// What nobody asked for nobody noticed: answers of old requests, and changes that a stream has passed.
	// Of the stream, the search index may still have to read the change.
	const unseen = damaged.filter((what) => !noticed.includes(what) && what !== 'stream.extra');
	t.deepEqual(unseen, ['client_transactions.answer']);
	t.false(app.readLog().includes('A request failed unexpectedly'));
});
