import {type AnySQLiteColumn, customType, type SQLiteColumnBuilderBase, sqliteTable} from 'drizzle-orm/sqlite-core';

/**
 * What a column holds, the same on both databases; the statement layer encodes and decodes by it.
 * `name` is text that is stored as an integer of the table `strings`; `flag` a boolean stored as 0 or 1.
 */
export type Kind = 'blob' | 'flag' | 'integer' | 'json' | 'name' | 'text';

// oxlint-disable typescript/no-unnecessary-type-parameters -- the parameter is what the column is for
function column<T>(kind: Kind) {
	return customType<{data: T; driverData: unknown}>({dataType: () => kind})();
}

export const blob = () => column<Uint8Array>('blob').notNull();
export const flag = () => column<boolean>('flag').notNull();
export const integer = <T extends number = number>() => column<T>('integer').notNull();
export const integerOrNull = <T extends number = number>() => column<T>('integer');
export const json = <T>() => column<T>('json').notNull();
export const jsonOrNull = <T>() => column<T>('json');
export const name = <T extends string = string>() => column<T>('name').notNull();
export const nameOrNull = <T extends string = string>() => column<T>('name');
export const text = <T extends string = string>() => column<T>('text').notNull();
export const textOrNull = <T extends string = string>() => column<T>('text');

// oxlint-enable typescript/no-unnecessary-type-parameters

/** What of a table the two databases must be told beside its columns. */
export interface Shape<Key extends string = string> {
	/** The primary key. One integer column is SQLite's rowid. */
	readonly key: readonly Key[];
	readonly unique?: readonly (readonly Key[])[];
	/** `where` and `whereNull` name a column: only rows where it is not null, or is, are in the index. */
	readonly index?: readonly {readonly on: readonly Key[]; readonly where?: Key; readonly whereNull?: Key}[];
}

const shapes = new Map<string, Shape>();

/** Gives the shape of a table by its name. */
export function shapeOf(tableName: string): Shape {
	const shape = shapes.get(tableName);
	if (shape === undefined) throw new Error(`no such table in the schema: ${tableName}`);
	return shape;
}

/** Spells a property's name as a column's. */
export function columnName(property: string): string {
	return property.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Declares a table, once for both databases: the schemas cannot disagree, because there is one. */
export function table<Name extends string, Columns extends Record<string, SQLiteColumnBuilderBase>>(
	tableName: Name,
	columns: Columns,
	shape: Shape<keyof Columns & string>,
) {
	for (const [property, builder] of Object.entries(columns)) {
		(builder as unknown as {setName(name: string): void}).setName(columnName(property));
	}
	shapes.set(tableName, shape);
	return sqliteTable(tableName, columns);
}

/** What a column holds. */
export function kindOf(of: AnySQLiteColumn): Kind {
	return of.getSQLType() as Kind;
}
