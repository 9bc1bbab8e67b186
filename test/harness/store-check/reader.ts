/** Reads a database as it lies there, with SQL of its own: what it finds owes nothing to the code that wrote it. */
import Database from 'better-sqlite3';
import {Client} from 'pg';

/** A value as the databases store it: flags are 0 or 1, names are ids of the table `strings`. */
type Cell = Uint8Array | number | string | null;

/** A row by column. */
export type Row = Readonly<Record<string, Cell>>;

/** One connection for reading. Dispose of it to close it. */
export interface StoreReader extends AsyncDisposable {
	/** Gives all rows of a statement that both databases take; callers page where there may be many. */
	read<T extends Row = Row>(sql: string): Promise<readonly T[]>;
}

/** Opens the SQLite file of a server that does not run. */
export function readSqlite(path: string): StoreReader {
	const database = new Database(path, {readonly: true});
	return {
		read: <T>(sql: string) => Promise.resolve(database.prepare<[], T>(sql).all()),
		[Symbol.asyncDispose]() {
			database.close();
			return Promise.resolve();
		},
	};
}

const INT8 = 20;
const INT2 = 21;
const BYTEA = 17;

/** Opens a PostgreSQL database. */
export async function readPostgres(url: string): Promise<StoreReader> {
	const client = new Client({
		connectionString: url,
		types: {
			getTypeParser: (id: number) => (value: string) => {
				if (id === INT8 || id === INT2) return Number(value);
				return id === BYTEA ? Buffer.from(value.slice(2), 'hex') : value;
			},
		},
	});
	await client.connect();
	// Of one moment, whoever writes meanwhile.
	await client.query('begin isolation level repeatable read read only');
	return {
		read: async <T extends Row>(sql: string) => (await client.query<T>(sql)).rows,
		[Symbol.asyncDispose]: () => client.end(),
	};
}

/** Values of one `in (…)`. */
const LISTED_MAX = 500;

/** Reads rows whose column is one of the values: `sql` gets the list for its `in`. */
export async function readListed<T extends Row>(
	reader: StoreReader,
	values: Iterable<number | string>,
	sql: (list: string) => string,
): Promise<T[]> {
	const all = [...new Set(values)];
	const rows: T[] = [];
	for (let start = 0; start < all.length; start += LISTED_MAX) {
		const list = all.slice(start, start + LISTED_MAX).map((value) => literal(value));
		rows.push(...(await reader.read<T>(sql(`(${list.join(', ')})`))));
	}
	return rows;
}

/** Spells a value as SQL; texts are in the form in which they are stored. */
export const literal = (value: number | string): string =>
	typeof value === 'number' ? String(value) : `'${value.replaceAll("'", "''")}'`;
