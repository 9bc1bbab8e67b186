import {StorageError} from './errors.ts';
import type {Storage, StorageOptions} from './storage.ts';

/**
 * Opens the server's database, making or migrating it where needed.
 *
 * @throws StorageError('bad_address' | 'too_new' | 'wrong_server' | 'unavailable' | 'corrupt')
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
	const {url} = options;
	// Only the driver that is wanted is loaded: the other one is megabytes of code.
	if (url.startsWith('sqlite:')) {
		const {openSqlite} = await import('./sqlite/open.ts');
		return await openSqlite(url.slice('sqlite:'.length), options);
	}
	if (/^postgres(?:ql)?:\/\//.test(url)) {
		const {openPostgres} = await import('./postgres/open.ts');
		return await openPostgres(options);
	}
	throw new StorageError('bad_address', 'the database address must start with sqlite: or postgres://');
}
