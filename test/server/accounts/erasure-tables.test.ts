/** Every table that has somebody in it, also one that is added later, is emptied of who is erased or says here why not. */
import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import test from 'ava';
import Sqlite from 'better-sqlite3';
import {getTableColumns, getTableName} from 'drizzle-orm';
import type {UserId} from '../../../crypto/index.ts';
import {kindOf, tables} from '../../../storage/schema/index.ts';
import {type App, until} from '../../harness/index.ts';
import {newsroom, room} from '../api/client-server/newsroom.ts';

const HOUR_MS = 3_600_000;

/** What stays of somebody, by table and column, and why. */
const tombstones: Readonly<Record<string, string>> = {
	'accounts.user_id': 'that the name was given, so that nobody gets it again',
	'aliases.creator': 'the name of a room is the room’s',
	'appservice_accounts.user_id': 'that the name that stays is an application service’s',
	'erasures.user_id': 'who is shown what they wrote, and who is not',
	'events.sender': 'what was said in rooms; who came later is shown it as if it were redacted',
	'memberships.sender': 'that they have left a room, by the event that says so',
	'memberships.user_id': 'that they have left a room, until the room goes',
	'profiles.user_id': 'that there was a field, without it, until no client can ask for it any more',
	'account_data.user_id': 'that there was an entry, without it, until no client can ask for it any more',
	'remote_device_lists.user_id': 'people of other servers, whom this one cannot erase',
	'reports.reporter': 'a complaint is for administrators to decide, who then remove it',
	'rooms.creator': 'who made a room is the room’s',
	'to_device.sender': 'a message that waits for somebody else is theirs',
	'upstream_flows.links_user_id': 'a browser on its way to another service, for some minutes',
};

/** Lists the properties of tables that are declared as user ids, as the schema writes them. */
function readUserProperties(): Set<string> {
	const folder = 'storage/schema';
	const found = readdirSync(folder).flatMap((file) =>
		[...readFileSync(join(folder, file), 'utf8').matchAll(/(\w+): (?:text|name)(?:OrNull)?<UserId[^>]*>\(\)/gu)].map(
			([, property]) => property!,
		),
	);
	return new Set(found);
}

/** Lists the columns that hold user ids. */
function listUserColumns() {
	const properties = readUserProperties();
	return Object.values(tables).flatMap((table) =>
		Object.entries(getTableColumns(table))
			.filter(([property, column]) => properties.has(property) && ['name', 'text'].includes(kindOf(column)))
			.map(([property, column]) => ({table, property, column: column.name})),
	);
}

const open = (app: App) => new Sqlite(join(app.directory, 'data/broadsheet.db'));

/** Gives the number that stands for a name in columns of names; one that is new if need be. */
function numberOf(db: Sqlite.Database, text: string): number {
	db.prepare('insert or ignore into strings (text) values (?)').run(text);
	return db.prepare('select id from strings where text = ?').pluck().get(text) as number;
}

/** The last number that a row was filled with: past every time and every number of a test, for keys and for what expires. */
let filled = 4_000_000_000_000;

/** Writes a row about somebody into a table, whatever else such a row is. */
function fill(
	db: Sqlite.Database,
	{table, property}: ReturnType<typeof listUserColumns>[number],
	userId: string,
): void {
	const columns = Object.entries(getTableColumns(table));
	const values = columns.map(([name, column]) => {
		const text = name === property ? userId : `filled ${property} ${name}`;
		const kinds = {
			blob: () => Buffer.of(1),
			flag: () => 0,
			integer: () => (filled += 1),
			json: () => '{}',
			name: () => numberOf(db, text),
			text: () => text,
		};
		return kinds[kindOf(column)]();
	});
	const names = columns.map(([, column]) => `"${column.name}"`);
	const places = names.map(() => '?');
	db.prepare(`insert into "${getTableName(table)}" (${names.join()}) values (${places.join()})`).run(...values);
}

function count(db: Sqlite.Database, {table, column, property}: ReturnType<typeof listUserColumns>[number], id: string) {
	const isName = kindOf(getTableColumns(table)[property as never]) === 'name';
	const value = isName ? numberOf(db, id) : id;
	return db
		.prepare(`select count(*) from "${getTableName(table)}" where "${column}" = ?`)
		.pluck()
		.get(value) as number;
}

test('whatever table has somebody in it, they are gone from it when they are erased', async (t) => {
	const {app, bob, alice} = await newsroom(t);
	const roomId = await alice.create({preset: 'public_chat'});
	await bob.join(roomId);
	// Of these the rows that belong to it are looked for, and so they are real ones.
	const said = await alice.say(roomId, 'what alice said');
	await bob.do('POST', `${room(roomId)}/receipt/m.read/${encodeURIComponent(said)}`, {});
	await bob.do('POST', '/room_keys/version', {algorithm: 'org.example', auth_data: {}});
	const columns = listUserColumns();
	t.true(columns.length > 50, 'the schema was read');
	const db = open(app);
	t.teardown(() => db.close());
	for (const column of columns) {
		if (count(db, column, bob.id) === 0) fill(db, column, bob.id);
		t.true(count(db, column, bob.id) > 0, `${getTableName(column.table)}.${column.column}`);
	}
	// They have a second factor by now, which nobody can show: it is an administrator who ends the account.
	await app.application.services.accounts.deactivate(bob.id as UserId, {erase: true});
	// Accounts of source links are looked through every hour.
	app.advance(HOUR_MS);
	const left = () =>
		columns
			.filter((column) => count(db, column, bob.id) > 0)
			.map(({table, column}) => `${getTableName(table)}.${column}`)
			.filter((name) => !(name in tombstones));
	// What is left after all is said by name.
	await until(() => left().length === 0, 'what jobs remove to be gone').catch(() => undefined);
	t.deepEqual(left(), []);
	const names = columns.map(({table, column}) => `${getTableName(table)}.${column}`);
	t.deepEqual(
		Object.keys(tombstones).filter((name) => !names.includes(name)),
		[],
		'no reason is given for what is not there',
	);
});
