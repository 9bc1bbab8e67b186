/**
 * What must hold of a server's database whatever has happened to the server: facts that no single row shows. Found with
 * SQL of its own on either database, while no server writes or, on PostgreSQL, beside one.
 */
import {checkEvents} from './events.ts';
import {Faults} from './faults.ts';
import type {StoreReader} from './reader.ts';
import {checkRooms} from './rooms.ts';
import {checkStates} from './states.ts';
import {checkStream, checkTransactions} from './stream.ts';

export {readPostgres, readSqlite, type StoreReader} from './reader.ts';

/**
 * Lists what is wrong with a database, one line for each fault, at most 100 and how many more; empty where all is well.
 * The structure of its files is SQLite's or PostgreSQL's own to check (`integrity_check`, `pg_amcheck`).
 */
export async function listFaults(reader: StoreReader): Promise<readonly string[]> {
	const faults = new Faults();
	for (const check of [checkStream, checkEvents, checkStates, checkRooms, checkTransactions]) {
		await check(reader, faults);
	}
	return faults.lines;
}
