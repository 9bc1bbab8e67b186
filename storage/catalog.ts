import {
	Column,
	getTableColumns,
	type InferSelectModel,
	is,
	Param,
	Placeholder,
	SQL,
	sql,
	type SQLWrapper,
	type Table,
} from 'drizzle-orm';
import type {AnySQLiteColumn, SQLiteTable} from 'drizzle-orm/sqlite-core';
import {drizzle} from 'drizzle-orm/sqlite-proxy';
import {JsonText} from './batch.ts';
import type {Dialect} from './dialect.ts';
import {type Kind, kindOf} from './schema/index.ts';

/** A parameter of a statement while the statement is built. */
export class Value<T> {
	readonly key: string;
	declare readonly type: T;
	constructor(key: string) {
		this.key = key;
	}

	/** For `.limit()`. */
	get placeholder(): Placeholder {
		return sql.placeholder(this.key);
	}
}

/** The parameters of a statement by name. */
export type Values<P> = {readonly [K in keyof P]-?: Value<P[K]>};

/** How a parameter is encoded, in the order of the statement. */
export interface ParameterPlan {
	readonly key: string;
	readonly kind: Kind;
	readonly isList: boolean;
	/** A value that is the same in every run; `key` is empty. */
	readonly constant?: unknown;
}

/** How a selected field is decoded, in the order of the row. */
export interface FieldPlan {
	readonly key: string;
	readonly kind: Kind | 'json_text';
}

/** A statement as it is prepared. */
export interface Statement {
	readonly index: number;
	readonly sql: string;
	readonly parameters: readonly ParameterPlan[];
	readonly fields: readonly FieldPlan[];
}

class Encoding {
	readonly kind: Kind;
	readonly isList: boolean;
	constructor(kind: Kind, isList: boolean) {
		this.kind = kind;
		this.isList = isList;
	}

	mapToDriverValue(value: unknown): unknown {
		return value;
	}
}

const jsonText = {mapFromDriverValue: (value: string) => new JsonText(value)};

const kindOfField = (field: unknown): FieldPlan['kind'] => {
	if (is(field, Column)) return kindOf(field as AnySQLiteColumn);
	const expression = is(field, SQL.Aliased) ? field.sql : field;
	const decoder = is(expression, SQL) ? (expression as unknown as {decoder: unknown}).decoder : undefined;
	if (decoder === jsonText) return 'json_text';
	return is(decoder, Column) ? kindOf(decoder as AnySQLiteColumn) : 'integer';
};

function planParameter(parameter: unknown): ParameterPlan {
	if (is(parameter, Placeholder)) return {key: parameter.name, kind: 'integer', isList: false};
	if (is(parameter, Param) && is(parameter.value, Placeholder)) {
		const key = parameter.value.name;
		const {encoder} = parameter;
		if (encoder instanceof Encoding) return {key, kind: encoder.kind, isList: encoder.isList};
		return {key, kind: kindOf(encoder as unknown as AnySQLiteColumn), isList: false};
	}
	return {key: '', kind: 'integer', isList: false, constant: parameter};
}

/** Gives a parameter that is encoded as the column's values are. */
export function bind(like: AnySQLiteColumn, value: Value<unknown>): Param {
	return new Param(sql.placeholder(value.key), new Encoding(kindOf(like), false));
}

/** Gives a field that is read as the JSON text that it is. */
export function textOf(column: AnySQLiteColumn): SQL<JsonText> {
	return sql`${sql.identifier(column.name)}`.mapWith(jsonText);
}

/** Gives a list parameter whose members are encoded as the column's values are. */
export function bindList(like: AnySQLiteColumn, value: Value<readonly unknown[]>): Param {
	return new Param(sql.placeholder(value.key), new Encoding(kindOf(like), true));
}

const comparison = (operator: string) => (column: AnySQLiteColumn, value: Value<unknown>) =>
	sql`${column} ${sql.raw(operator)} ${bind(column, value)}`;

export const equals = comparison('=');
export const differs = comparison('<>');
export const above = comparison('>');
export const below = comparison('<');
export const atMost = comparison('<=');

/** Builds statements: drizzle's builder, never connected to anything. */
export const build = drizzle(async () => ({rows: []}));

type Fields = Record<string, unknown>;
type Query<Row> = SQLWrapper & PromiseLike<Row[]>;

const values = <P>() => new Proxy({}, {get: (_, key) => new Value(String(key))}) as Values<P>;

/** The statements of each dialect, once the first storage of the process has worked them out. */
const known = new Map<Dialect, readonly Statement[]>();

/**
 * All statements of the program, numbered as they are made at start. Every storage of a dialect makes the same ones in the
 * same order, so that only the first one of a process works them out.
 */
export class Catalog {
	readonly dialect: Dialect;
	readonly statements: Statement[] = [];
	readonly #known: readonly Statement[];

	constructor(dialect: Dialect) {
		this.dialect = dialect;
		this.#known = known.get(dialect) ?? [];
	}

	/** Says that all statements are made. */
	complete(): void {
		known.set(this.dialect, this.statements);
	}

	/** Gives the next statement, which is worked out only where it is not known. */
	#next(make: () => Statement): Statement {
		const statement = this.#known[this.statements.length];
		if (statement === undefined) return make();
		this.statements.push(statement);
		return statement;
	}

	/** Adds a select built with drizzle; the row's type follows from the selected fields. */
	select<P, Row>(make: (p: Values<P>) => Query<Row>): Statement & {readonly types?: {params: P; row: Row}} {
		return this.#next(() => {
			const query = make(values<P>());
			const fields = (query as unknown as {_: {selectedFields: Fields}})._.selectedFields;
			return this.#add(query.getSQL(), fields);
		});
	}

	/** Adds a statement from its expression; `fields` are what it returns, if anything. */
	add(query: SQL, fields: Fields = {}): Statement {
		return this.#next(() => this.#add(query, fields));
	}

	#add(query: SQL, fields: Fields = {}): Statement {
		const {sql: text, params} = this.dialect.render(query);
		const statement: Statement = {
			index: this.statements.length,
			sql: text,
			parameters: params.map(planParameter),
			fields: Object.entries(fields).map(([key, field]) => ({key, kind: kindOfField(field)})),
		};
		this.statements.push(statement);
		return statement;
	}

	/** Adds a writing statement written as SQL. */
	write<P>(make: (p: Values<P>) => SQLWrapper, fields?: Fields): Statement & {readonly types?: {params: P}} {
		return this.#next(() => this.#add(make(values<P>()).getSQL(), fields));
	}

	/** A condition that holds for rows whose column is a member of the list. */
	isOneOf(column: AnySQLiteColumn, list: Value<readonly unknown[]>): SQL {
		return this.dialect.isIn(column, bindList(column, list), kindOf(column));
	}

	/** Adds an insert of a whole row. */
	insert<T extends SQLiteTable>(into: T, options?: {readonly orIgnore?: true}): Insertion<T> {
		return this.#next(() => {
			const insert = build.insert(into).values(rowOf(into) as never);
			return this.#add((options?.orIgnore ? insert.onConflictDoNothing() : insert).getSQL());
		});
	}

	/** Adds an insert that rewrites all other columns of the row with the same key, unless a condition holds. */
	upsert<T extends SQLiteTable>(
		into: T,
		conflict: readonly (keyof InferSelectModel<T> & string)[],
		options?: {readonly unless: SQL},
	): Insertion<T> {
		return this.#next(() => {
			const columns = getTableColumns(into) as Record<string, AnySQLiteColumn>;
			const changed = Object.keys(columns).filter((key) => !(conflict as readonly string[]).includes(key));
			const set = Object.fromEntries(changed.map((key) => [key, sql`excluded.${sql.identifier(columns[key]!.name)}`]));
			return this.insertOrUpdate(into, conflict, set as never, options);
		});
	}

	/** Adds an insert that changes columns of the row with the same key as the expressions say. */
	insertOrUpdate<T extends SQLiteTable>(
		into: T,
		conflict: readonly (keyof InferSelectModel<T> & string)[],
		set: {readonly [K in keyof InferSelectModel<T>]?: SQL},
		options?: {readonly unless: SQL},
	): Insertion<T> {
		return this.#next(() => {
			const columns = getTableColumns(into) as Record<string, AnySQLiteColumn>;
			const target = conflict.map((key) => sql.identifier(columns[key]!.name)) as never;
			const insert = build.insert(into).values(rowOf(into) as never);
			const setWhere = options && sql`not ${options.unless}`;
			return this.#add(insert.onConflictDoUpdate({target, set, ...(setWhere && {setWhere})}).getSQL());
		});
	}

	/** Adds an update of columns of the rows whose other columns are as given. */
	update<
		T extends SQLiteTable,
		S extends keyof InferSelectModel<T> & string,
		W extends keyof InferSelectModel<T> & string,
	>(
		of: T,
		set: readonly S[],
		where: readonly W[],
	): Statement & {readonly types?: {params: Pick<InferSelectModel<T>, S | W>}} {
		return this.#next(() => {
			const columns = getTableColumns(of) as Record<string, AnySQLiteColumn>;
			const value = (key: string) => bind(columns[key]!, new Value(key));
			const assignments = set.map((key) => sql`${sql.identifier(columns[key]!.name)} = ${value(key)}`);
			const condition = where.map((key) => sql`${sql.identifier(columns[key]!.name)} = ${value(key)}`);
			return this.#add(
				sql`update ${of} set ${sql.join(assignments, sql`, `)} where ${sql.join(condition, sql` and `)}`,
			);
		});
	}

	/** Adds a deletion of the rows whose columns are as given. */
	delete<T extends SQLiteTable, W extends keyof InferSelectModel<T> & string>(
		from: T,
		where: readonly W[],
	): Statement & {readonly types?: {params: Pick<InferSelectModel<T>, W>}} {
		return this.#next(() => {
			const columns = getTableColumns(from) as Record<string, AnySQLiteColumn>;
			const condition = where.map((key) => {
				const column = columns[key]!;
				return sql`${sql.identifier(column.name)} = ${bind(column, new Value(key))}`;
			});
			return this.#add(sql`delete from ${from} where ${sql.join(condition, sql` and `)}`);
		});
	}
}

/** A statement that takes a whole row. */
export type Insertion<T extends Table> = Statement & {readonly types?: {params: InferSelectModel<T>}};

function rowOf(of: SQLiteTable): Record<string, Placeholder> {
	return Object.fromEntries(Object.keys(getTableColumns(of)).map((key) => [key, sql.placeholder(key)]));
}
