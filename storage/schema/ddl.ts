import {getTableColumns, getTableName, type Table} from 'drizzle-orm';
import type {AnySQLiteColumn} from 'drizzle-orm/sqlite-core';
import type {Dialect} from '../dialect.ts';
import {columnName, kindOf, shapeOf} from './columns.ts';

const quoted = (name: string) => `"${name}"`;
const columns = (properties: readonly string[]) => properties.map((key) => quoted(columnName(key))).join(', ');

/** Gives the statements that make a table and its indexes. Migrations are frozen text made with this; see `migrations/`. */
export function createTable(of: Table, dialect: Dialect): string[] {
	const name = getTableName(of);
	const shape = shapeOf(name);
	const definitions = Object.values(getTableColumns(of)).map((column) => {
		const type = dialect.columnTypes[kindOf(column as AnySQLiteColumn)];
		return `${quoted(column.name)} ${type}${column.notNull ? ' not null' : ''}`;
	});
	definitions.push(`primary key (${columns(shape.key)})`);
	const statements = [`create table ${quoted(name)} (\n\t${definitions.join(',\n\t')}\n)${dialect.tableOptions(of)}`];
	for (const key of shape.unique ?? []) {
		const index = `${name}_${key.map(columnName).join('_')}_key`;
		statements.push(`create unique index ${quoted(index)} on ${quoted(name)} (${columns(key)})`);
	}
	for (const {on, where, whereNull} of shape.index ?? []) {
		const index = `${name}_${on.map(columnName).join('_')}_idx`;
		const holds = where === undefined ? '' : ` where ${quoted(columnName(where))} is not null`;
		const condition = whereNull === undefined ? holds : ` where ${quoted(columnName(whereNull))} is null`;
		statements.push(`create index ${quoted(index)} on ${quoted(name)} (${columns(on)})${condition}`);
	}
	return statements;
}
