import type {SQLWrapper} from 'drizzle-orm';
import {AnnouncedPosition, type Batch, JsonText, Outcome} from './batch.ts';
import type {Dialect} from './dialect.ts';
import type {Driver, MaybePromise, RawRow} from './driver.ts';
import {type Condition, StorageError} from './errors.ts';
import type {Names} from './names.ts';
import type {Kind} from './schema/index.ts';
import {Catalog, type FieldPlan, type ParameterPlan, type Statement, type Values} from './catalog.ts';
import type {Ids} from './storage.ts';
import {decodeText, encodeText} from './text.ts';

/** Text in a batch that is stored as an integer and whose integer is looked up when the batch is committed. */
export class NameValue {
	readonly text: string;
	constructor(text: string) {
		this.text = text;
	}
}

class FreshId {
	readonly isFreshId = true;
}

/** Stands in a batch for an id that nobody needs to know before: it is taken when the batch is committed. */
export const freshId = new FreshId();

/** Parameters of a write: any number may be a position or an id that the batch will be given, any object its text. */
export type Loose<P> = {
	readonly [K in keyof P]: Extract<P[K], number> extends never
		? P[K] | (Extract<P[K], object> extends never ? never : JsonText)
		: P[K] | AnnouncedPosition | FreshId;
};

/** What a write needs beside its statement. */
export interface PutOptions {
	/** How many rows it must change (`given`: said with each write), and what is lost where it does not. */
	readonly expect?: {readonly changes: number | 'given'; readonly condition: Condition} | undefined;
	/** Whether it is about a row that the same batch may have added with a position. */
	readonly isLate?: true;
}

/** A write, ready to be put into a batch; `changes` where its expectation says that it is given. */
export type Write<P> = (batch: Batch, params: Loose<P>, changes?: number) => void;

const noTexts: ReadonlyMap<number, string> = new Map();

type Typed<P, Row> = Statement & {readonly types?: {params: P; row: Row}};
type TypedWrite<P> = Statement & {readonly types?: {params: P}};

function encodeValue(kind: Kind, value: unknown): unknown {
	if (value === null) return null;
	switch (kind) {
		case 'text':
			return encodeText(value as string);
		case 'flag':
			return value === true ? 1 : 0;
		case 'json':
			return value instanceof JsonText ? value.text : JSON.stringify(value);
		case 'blob':
		case 'integer':
		case 'name':
		default:
			return value;
	}
}

function parseStored({key}: FieldPlan, text: string): unknown {
	try {
		return JSON.parse(text) as unknown;
	} catch (error) {
		throw new StorageError('corrupt', `a stored value of ${key} is not JSON`, {cause: error});
	}
}

function valueOf(plan: ParameterPlan, params: Readonly<Record<string, unknown>>): unknown {
	if (plan.key === '') return plan.constant;
	const value = params[plan.key];
	if (value === undefined) throw new Error(`a statement lacks its parameter ${plan.key}`);
	return value;
}

/** What repositories are made of: statements that know how to encode, run, and decode. */
export class Core {
	readonly catalog: Catalog;
	readonly dialect: Dialect;
	readonly ids: Ids;
	readonly #driver: Driver;
	readonly #names: Names;
	readonly #onProblem: (problem: Error) => void;

	constructor(
		catalog: Catalog,
		parts: {
			readonly driver: Driver;
			readonly names: Names;
			readonly ids: Ids;
			readonly onProblem: (problem: Error) => void;
		},
	) {
		this.catalog = catalog;
		this.dialect = catalog.dialect;
		this.ids = parts.ids;
		this.#driver = parts.driver;
		this.#names = parts.names;
		this.#onProblem = parts.onProblem;
	}

	get names(): Names {
		return this.#names;
	}

	/** Makes a read of any number of rows. A row that cannot be decoded is left out and reported. */
	many<P, Row>(
		make: (p: Values<P>) => SQLWrapper & PromiseLike<Row[]>,
	): (params: {readonly [K in keyof P]: P[K]}) => Promise<Row[]> {
		const statement: Typed<P, Row> = this.catalog.select(make);
		return async (params) => {
			const rows = await this.#read(statement, params);
			return this.#decodeRows(statement.fields, rows, await this.#textsOf(statement.fields, rows));
		};
	}

	/** Makes a read of at most one row. @throws StorageError('corrupt') where the row cannot be decoded, which is also reported. */
	one<P, Row>(
		make: (p: Values<P>) => SQLWrapper & PromiseLike<Row[]>,
	): (params: {readonly [K in keyof P]: P[K]}) => Promise<Row | undefined> {
		const statement: Typed<P, Row> = this.catalog.select(make);
		return async (params) => {
			const rows = await this.#read(statement, params);
			const row = rows[0];
			if (row === undefined) return undefined;
			const texts = await this.#textsOf(statement.fields, [row]);
			try {
				return this.#decodeRow(statement.fields, row, texts) as Row;
			} catch (error) {
				this.#onProblem(error as Error);
				throw error;
			}
		};
	}

	/** Makes a write. With an expectation the batch fails where another number of rows is changed. */
	put<P>(statement: TypedWrite<P>, options: PutOptions = {}): Write<P> {
		return (batch, params, changes) => this.#put(batch, statement, params, {...options, changes});
	}

	/**
	 * Makes a write whose returned rows are known after the commit. A row that cannot be decoded is written all the same, left
	 * out and reported.
	 */
	putReturning<P, Row>(statement: TypedWrite<P>): (batch: Batch, params: Loose<P>) => Outcome<Row[]> {
		return (batch, params) => {
			const outcome = new Outcome<Row[]>();
			const onRows = (rows: readonly RawRow[]) => {
				outcome.settle(this.#decodeRows(statement.fields, rows, noTexts));
			};
			this.#put(batch, statement, params, {onRows});
			return outcome;
		};
	}

	/**
	 * Makes a write that runs once for each of many rows, which costs less than an operation for each. The parameters that
	 * differ from row to row must be the last ones of the statement; none of them is a position, a fresh id or a name. The
	 * changes that are given are as many as the rows.
	 */
	putEach<P, R>(
		statement: TypedWrite<P & R>,
		own: readonly (keyof R & string)[],
		options: PutOptions = {},
	): (batch: Batch, params: Loose<P>, rows: readonly Loose<R>[]) => void {
		const plans = statement.parameters;
		const shared = plans.filter(({key}) => !(own as readonly string[]).includes(key));
		const each = plans.slice(shared.length);
		if (each.length !== own.length) throw new Error('what differs from row to row must come last in a statement');
		const once = {...statement, parameters: shared};
		return (batch, params, rows) => {
			const values = rows.map((row) => each.map((plan) => encodeValue(plan.kind, valueOf(plan, row))));
			this.#put(batch, once, params, {...options, rows: values, changes: rows.length});
		};
	}

	#put(
		batch: Batch,
		statement: Statement,
		params: Readonly<Record<string, unknown>>,
		options: PutOptions & {
			readonly changes?: number | undefined;
			readonly onRows?: (rows: readonly RawRow[]) => void;
			readonly rows?: readonly (readonly unknown[])[];
		},
	): void {
		let isLate = options.isLate === true;
		const encoded = statement.parameters.map((plan) => {
			const value = valueOf(plan, params);
			if (value instanceof AnnouncedPosition) {
				isLate = true;
				return value;
			}
			if (value === freshId) return value;
			if (plan.isList) return this.dialect.encodeList((value as unknown[]).map((item) => encodeValue(plan.kind, item)));
			if (plan.kind === 'name' && value !== null)
				return this.#names.peekId(value as string) ?? new NameValue(value as string);
			return encodeValue(plan.kind, value);
		});
		const {expect} = options;
		batch.operations.push({
			statement: statement.index,
			params: encoded,
			rows: options.rows,
			isLate,
			expect: expect && {
				changes: expect.changes === 'given' ? (options.changes ?? 0) : expect.changes,
				condition: expect.condition,
			},
			onRows: options.onRows,
		});
	}

	#read(statement: Statement, params: Readonly<Record<string, unknown>>): MaybePromise<readonly RawRow[]> {
		const unknown: string[] = [];
		const raw = statement.parameters.map((plan) => {
			const value = valueOf(plan, params);
			if (plan.kind === 'name' && value !== null) {
				for (const text of plan.isList ? (value as string[]) : [value as string]) {
					if (this.#names.peekId(text) === undefined) unknown.push(text);
				}
			}
			return value;
		});
		if (unknown.length === 0) return this.#driver.read(statement.index, this.#encodeRead(statement, raw, new Map()));
		const found = this.#names.findIds(unknown);
		if (!(found instanceof Promise)) return this.#driver.read(statement.index, this.#encodeRead(statement, raw, found));
		return found.then((ids) => this.#driver.read(statement.index, this.#encodeRead(statement, raw, ids)));
	}

	#encodeRead(statement: Statement, raw: readonly unknown[], found: ReadonlyMap<string, number>): unknown[] {
		// A text without id is in no row; no id is negative.
		const idOf = (text: string) => this.#names.peekId(text) ?? found.get(text) ?? -1;
		return statement.parameters.map(({kind, isList}, index) => {
			const value = raw[index];
			if (isList) {
				const encode =
					kind === 'name' ? (item: unknown) => idOf(item as string) : (item: unknown) => encodeValue(kind, item);
				return this.dialect.encodeList((value as unknown[]).map(encode));
			}
			return kind === 'name' && value !== null ? idOf(value as string) : encodeValue(kind, value);
		});
	}

	/** Looks up the interned texts of rows that are not known here. */
	#textsOf(fields: readonly FieldPlan[], rows: readonly RawRow[]): MaybePromise<ReadonlyMap<number, string>> {
		const unknown = new Set<number>();
		for (let index = 0; index < fields.length; index++) {
			if (fields[index]!.kind !== 'name') continue;
			for (const row of rows) {
				const id = row[index] as number | null;
				if (id !== null && this.#names.peekText(id) === undefined) unknown.add(id);
			}
		}
		return unknown.size === 0 ? noTexts : this.#names.findTexts([...unknown]);
	}

	#decodeRow(fields: readonly FieldPlan[], row: RawRow, found: ReadonlyMap<number, string>): unknown {
		const result: Record<string, unknown> = {};
		for (let index = 0; index < fields.length; index++) {
			const field = fields[index]!;
			result[field.key] = this.#decodeValue(field, row[index], found);
		}
		return result;
	}

	#decodeRows<Row>(fields: readonly FieldPlan[], rows: readonly RawRow[], found: ReadonlyMap<number, string>): Row[] {
		const result: Row[] = [];
		for (const row of rows) {
			try {
				result.push(this.#decodeRow(fields, row, found) as Row);
			} catch (error) {
				this.#onProblem(error as Error);
			}
		}
		return result;
	}

	#decodeValue(field: FieldPlan, value: unknown, found: ReadonlyMap<number, string>): unknown {
		if (value === null) return null;
		switch (field.kind) {
			case 'text':
				return decodeText(value as string);
			case 'flag':
				return value === 1;
			case 'name': {
				const text = this.#names.peekText(value as number) ?? found.get(value as number);
				if (text === undefined) throw new StorageError('corrupt', 'an interned text is missing');
				return text;
			}
			case 'json':
				return parseStored(field, value as string);
			case 'json_text':
				// What is damaged must not damage the answer that it would be a part of.
				parseStored(field, value as string);
				return new JsonText(value as string);
			case 'blob':
			case 'integer':
			default:
				return value;
		}
	}
}
