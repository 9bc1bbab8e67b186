import type {StorageErrorCode} from '../errors.ts';
import type {Failure} from './protocol.ts';

/** The code that better-sqlite3 puts on an error; empty for other errors. */
export const codeOf = (error: unknown) => (error as {code?: string}).code ?? '';

/** Says what an error of SQLite means to the caller. Messages of SQLite name tables and columns, never values. */
export function failureOf(error: unknown, operation = -1): Failure {
	const code = codeOf(error);
	const {message} = error as Error;
	const of = (kind: StorageErrorCode): Failure => ({code: kind, message: `${code}: ${message}`, operation});
	if (code.startsWith('SQLITE_CONSTRAINT_')) {
		const table = /constraint failed: (\w+)\./.exec(message)?.[1];
		if (table !== undefined && !code.endsWith('NOTNULL')) return {...of('duplicate'), table};
		return of('corrupt');
	}
	if (code === 'SQLITE_CORRUPT' || code === 'SQLITE_NOTADB') return of('corrupt');
	return of('unavailable');
}
