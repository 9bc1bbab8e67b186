import test from 'ava';
import Sqlite from 'better-sqlite3';
import {sql} from 'drizzle-orm';
import {build} from '../../storage/catalog.ts';
import {postgresDialect, sqliteDialect} from '../../storage/dialect.ts';
import {tables} from '../../storage/schema/index.ts';
import {migrations} from '../../storage/sqlite/migrations/index.ts';

const page = (limit: number) => build.select().from(tables.meta).limit(limit).getSQL();

test('SQLite sees no limit that is a bare parameter, for which it would plan each run anew', (t) => {
	for (const query of [page(7), sql`select name from meta\nlimit ${7}`]) {
		const {sql: text, params} = sqliteDialect.render(query);
		t.regex(text, /limit \? \+ 0$/u);
		t.deepEqual(params, [7]);
	}
	t.regex(postgresDialect.render(page(7)).sql, /limit \$1$/u);
});

test('a limit that is a parameter limits', (t) => {
	const db = new Sqlite(':memory:');
	for (const {sql: text} of migrations) db.exec(text);
	for (const name of ['a', 'b', 'c']) db.prepare('insert into meta (name, value) values (?, ?)').run(name, '');
	const {sql: text, params} = sqliteDialect.render(page(2));
	t.is(db.prepare(text).all(params).length, 2);
	db.close();
});
