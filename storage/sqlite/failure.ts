import type {StorageErrorCode} from '../errors.ts';
import type {Failure} from './protocol.ts';

/** The code that better-sqlite3 puts on an error; empty for other errors. */
export const codeOf = (error: unknown) => (error as {code?: string}).code ?? '';

/** The file, the disk or the machine is at fault, and not the batch: the whole group shares its fate. */
const commonFates = [
	'BUSY',
	'CANTOPEN',
	'CORRUPT',
	'FULL',
	'INTERRUPT',
	'IOERR',
	'LOCKED',
	'NOMEM',
	'NOTADB',
	'PROTOCOL',
	'READONLY',
];

/** Whether an error is of the database as a whole. */
export function isCommonFate(error: unknown): boolean {
	const [, primary] = codeOf(error).split('_');
	return primary !== undefined && commonFates.includes(primary);
}

/** Says what an error of SQLite means to the caller. Messages of SQLite name tables and columns, never values. */
export function failureOf(error: unknown, operation = -1): Failure {
	const code = codeOf(error);
	const {message} = error as Error;
	const of = (kind: StorageErrorCode): Failure => ({code: kind, message: `${code} ${message}`, operation});
	if (/^SQLITE_CONSTRAINT_(?:UNIQUE|PRIMARYKEY|ROWID)$/.test(code)) {
		return {...of('duplicate'), table: /constraint failed: (\w+)\./.exec(message)?.[1] ?? ''};
	}
	if (/^E[A-Z]+$/.test(code)) return of('bad_address');
	if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') return of('corrupt');
	return of(isCommonFate(error) ? 'unavailable' : 'refused');
}
