import {getTableColumns, getTableName, type Param, type SQL, sql, type Table} from 'drizzle-orm';
import {type AnySQLiteColumn, SQLiteAsyncDialect} from 'drizzle-orm/sqlite-core';
import type {Word, WordQuery} from './interfaces/search.ts';
import {columnName, type Kind, kindOf, shapeOf} from './schema/columns.ts';
import {postgresWords, sqliteWords, type WordSearch} from './words.ts';

/**
 * Where the two databases' SQL differs; everything else is written once. Drizzle's SQLite builder makes SQL that
 * PostgreSQL takes as it is but for the way parameters are numbered.
 */
export interface Dialect {
	readonly name: 'sqlite' | 'postgres';
	readonly columnTypes: Readonly<Record<Kind, string>>;
	/** What stands after a table's columns. */
	tableOptions(of: Table): string;
	/** Turns a finished expression into text and its parameters, in order. */
	render(query: SQL): {readonly sql: string; readonly params: readonly unknown[]};
	/** A condition that holds for the members of a list that is one parameter, so that no bind limit applies. */
	isIn(column: AnySQLiteColumn | SQL, list: Param, kind: Kind): SQL;
	/** The members of one JSON list, as rows of one column `value` of JSON. */
	membersOf(list: Param): SQL;
	/** What keeps the rows that a read finds from others until the end of the transaction; empty where there is one writer. */
	readonly forUpdate: SQL;
	/** Encodes a list parameter. */
	encodeList(values: readonly unknown[]): unknown;
	/** The greater and the lesser of two values. */
	maxOf(a: SQL, b: SQL): SQL;
	minOf(a: SQL, b: SQL): SQL;
	/** Writes words down as the full-text index reads them. */
	encodeWords(words: readonly Word[]): string;
	/** Writes down what is looked for in the full-text index. */
	encodeWordQuery(query: WordQuery): string;
	/** A condition for entries of the index that hold what is looked for: the latest ones below an id, a bounded number. */
	holdsWords(search: WordSearch): SQL;
}

/** PostgreSQL numbers its parameters. */
class NumberedDialect extends SQLiteAsyncDialect {
	override escapeParam(index: number): string {
		return `$${index + 1}`;
	}
}

/**
 * SQLite plans a statement anew whenever a parameter is bound that its plan looked at, and it looks at a limit that is a
 * parameter and nothing else (3.49 and later): each run of a page's read took longer to plan than to read.
 */
const bareLimit = /\blimit \?/gu;

const sqliteRenderer = new SQLiteAsyncDialect();
const postgresRenderer = new NumberedDialect();

export const sqliteDialect: Dialect = {
	name: 'sqlite',
	columnTypes: {blob: 'blob', flag: 'integer', integer: 'integer', json: 'text', name: 'integer', text: 'text'},
	tableOptions(of) {
		const key = shapeOf(getTableName(of)).key.map(columnName);
		const columns = Object.values(getTableColumns(of)) as AnySQLiteColumn[];
		const isRowid = key.length === 1 && columns.some((it) => it.name === key[0] && kindOf(it) !== 'text');
		// Rows that may be large are better kept out of the key's own tree.
		const isLarge = columns.some((it) => kindOf(it) === 'json');
		return isRowid || isLarge ? ' strict' : ' strict, without rowid';
	},
	render(query) {
		const {sql: text, params} = sqliteRenderer.sqlToQuery(query);
		return {sql: text.replaceAll(bareLimit, 'limit ? + 0'), params};
	},
	isIn: (column, list) => sql`${column} in (select value from json_each(${list}))`,
	membersOf: (list) => sql`json_each(${list})`,
	forUpdate: sql``,
	encodeList: (values) => JSON.stringify(values),
	maxOf: (a, b) => sql`max(${a}, ${b})`,
	minOf: (a, b) => sql`min(${a}, ${b})`,
	...sqliteWords,
};

const arrayType = (kind: Kind) => sql.raw(kind === 'text' || kind === 'json' ? 'text[]' : 'bigint[]');

export const postgresDialect: Dialect = {
	name: 'postgres',
	columnTypes: {
		blob: 'bytea',
		flag: 'smallint',
		integer: 'bigint',
		json: 'text collate "C"',
		name: 'bigint',
		text: 'text collate "C"',
	},
	tableOptions: () => '',
	render: (query) => postgresRenderer.sqlToQuery(query),
	isIn: (column, list, kind) => sql`${column} = any(${list}::${arrayType(kind)})`,
	// Not jsonb, which would read every string of it and refuse those with an escaped NUL.
	membersOf: (list) => sql`json_array_elements(${list}::json) as listed(value)`,
	forUpdate: sql` for update`,
	encodeList: (values) => values,
	maxOf: (a, b) => sql`greatest(${a}, ${b})`,
	minOf: (a, b) => sql`least(${a}, ${b})`,
	...postgresWords,
};
