import {StorageError} from './errors.ts';
import {openPostgres} from './postgres/open.ts';
import {openSqlite} from './sqlite/open.ts';
import type {Storage, StorageOptions} from './storage.ts';

/**
 * Opens the server's database, making or migrating it where needed.
 *
 * @throws StorageError('bad_address' | 'too_new' | 'wrong_server' | 'unavailable' | 'corrupt')
 */
export async function openStorage(options: StorageOptions): Promise<Storage> {
	const {url} = options;
	if (url.startsWith('sqlite:')) return await openSqlite(url.slice('sqlite:'.length), options);
	if (/^postgres(?:ql)?:\/\//.test(url)) return await openPostgres(options);
	throw new StorageError('bad_address', 'the database address must start with sqlite: or postgres://');
}
