/** Runs one test on both databases, each with a database of its own. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import test from 'ava';
import {openStorage, type Storage, type StorageOptions} from '../../storage/index.ts';
import {findPostgres, PostgresServer} from '../harness/postgres.ts';

/** A database of one test. */
export interface TestDatabase {
	readonly dialect: Storage['dialect'];
	readonly url: string;
	/** Opens a storage on it, once more each time; closed when the test ends. */
	open(options?: Partial<StorageOptions>): Promise<Storage>;
	/** Closes a storage before the test ends. */
	close(storage: Storage): Promise<void>;
}

type Run = (t: ExecutionContext, database: TestDatabase) => Promise<void>;

export const serverName = 'a.example';

const found = findPostgres();
let server: Promise<PostgresServer> | undefined;
let count = 0;

test.after.always(async () => {
	await (await server)?.[Symbol.asyncDispose]();
});

/** Gives the PostgreSQL server of this process, started with the first test that asks. */
export function getPostgres(): Promise<PostgresServer> {
	if (!('programs' in found)) throw new Error(found.skipped);
	server ??= PostgresServer.start(found.programs);
	return server;
}

/** A database with our tables in it and nothing else, which most tests begin with: made once, then copied. */
const MADE = 'made';
let made: Promise<void> | undefined;

async function makeDatabase(isEmpty: boolean): Promise<string> {
	const postgres = await getPostgres();
	const name = `test_${count++}`;
	if (isEmpty) return postgres.createDatabase(name);
	made ??= (async () => {
		const storage = await openStorage({url: await postgres.createDatabase(MADE), serverName});
		await storage.close();
	})();
	await made;
	return postgres.createDatabase(name, MADE);
}

async function runOn(t: ExecutionContext, dialect: Storage['dialect'], url: string, run: Run): Promise<void> {
	const opened = new Set<Storage>();
	const close = async (storage: Storage) => {
		if (opened.delete(storage)) await storage.close();
	};
	try {
		await run(t, {
			dialect,
			url,
			close,
			async open(options) {
				const storage = await openStorage({url, serverName, ...options});
				opened.add(storage);
				return storage;
			},
		});
	} finally {
		for (const storage of opened) await close(storage);
	}
}

/** Registers a test on SQLite. */
export function onSqlite(title: string, run: Run): void {
	test(`${title} (SQLite)`, async (t) => {
		const directory = mkdtempSync(join(tmpdir(), 'broadsheet-storage-'));
		try {
			await runOn(t, 'sqlite', `sqlite:${join(directory, 'test.db')}`, run);
		} finally {
			rmSync(directory, {recursive: true});
		}
	});
}

/** Registers a test on PostgreSQL; with `isEmpty` the database has not even our tables. */
export function onPostgres(title: string, run: Run, {isEmpty = false}: {readonly isEmpty?: boolean} = {}): void {
	if ('skipped' in found) {
		console.log(`skipped: ${title} (PostgreSQL): ${found.skipped}`);
		return;
	}
	// One after the other: a server takes a bounded number of connections.
	test.serial(`${title} (PostgreSQL)`, async (t) => {
		await runOn(t, 'postgres', await makeDatabase(isEmpty), run);
	});
}

/** Registers a test on both. */
export function onBoth(title: string, run: Run): void {
	onSqlite(title, run);
	onPostgres(title, run);
}
