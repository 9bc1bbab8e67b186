import {ConflictError, DuplicateError, StorageError, type StorageErrorCode} from '../errors.ts';

interface ServerError {
	readonly code?: string;
	readonly table?: string;
}

/** SQLSTATE classes after which the connection is of no use, or the server cannot work just now. */
const unavailableClasses = new Set(['08', '25', '53', '55', '57', '58']);
/** The transaction was a victim of another one: the same again may succeed. */
const retriable = new Set(['40001', '40P01']);

/** Whether the server answered with an error and goes on; else the connection is lost, or about to be. */
export function isServerError(error: unknown): boolean {
	const {code = ''} = error as ServerError;
	return code.length === 5 && !code.startsWith('08') && !code.startsWith('57P');
}

/** Whether the same transaction may succeed when it is run again. */
export function isRetriable(error: unknown): boolean {
	return retriable.has((error as ServerError).code ?? '');
}

function codeFor(state: string): StorageErrorCode {
	if (state.startsWith('XX')) return 'corrupt';
	// A text too long for an index, or bytes that are no text.
	if (state === '54000' || state === '22021') return 'invalid_text';
	// The user, its password, or the database's name.
	if (state.startsWith('28') || state === '3D000') return 'bad_address';
	return 'refused';
}

/** Says what an error of PostgreSQL means to the caller. Details, which quote values, are left out. */
export function errorOf(error: unknown): StorageError {
	if (error instanceof StorageError) return error;
	const {code = '', table} = error as ServerError;
	if (code === '23505') return table === 'strings' ? new ConflictError('intern') : new DuplicateError(table ?? '');
	const {message} = error as Error;
	if (code.length !== 5 || unavailableClasses.has(code.slice(0, 2))) {
		return new StorageError('unavailable', `the database does not answer: ${code} ${message}`);
	}
	// Errors about data quote it.
	return new StorageError(codeFor(code), `the database refuses: ${code}${code.startsWith('22') ? '' : ` ${message}`}`);
}
