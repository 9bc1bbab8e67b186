import {openStorage} from '../../storage/index.ts';
import {type AuditAct, CONSOLE, toEntry} from '../audit/index.ts';
import {type Config, databaseUrl} from '../config/index.ts';

/**
 * Writes what is about to be done at the machine into the audit log, for commands that work without the server's domains.
 * The database must be there; one of an earlier schema is left as it is.
 * @throws StorageError 'too_old' and all that opening a database may
 */
export async function recordAct(
	{database, serverName}: Pick<Config, 'database' | 'serverName'>,
	act: Omit<AuditAct, 'who'>,
): Promise<void> {
	const storage = await openStorage({url: databaseUrl(database), serverName, migrates: false});
	try {
		const batch = storage.batch();
		storage.audit.append(batch, toEntry({...act, who: CONSOLE}, Date.now()));
		await storage.commit(batch);
	} finally {
		await storage.close();
	}
}
