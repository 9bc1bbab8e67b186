import {StorageError} from '../errors.ts';
import {findMeta, type MigrationSession} from '../migrate.ts';

/** What is found when a database is looked at from outside, beside a running server. */
export interface DatabaseInspection {
	readonly serverName: string | undefined;
	readonly schemaVersion: number;
	/** What must hold in every database of ours and does not, in words. */
	readonly faults: readonly string[];
	/** Partner servers that do not take what they are owed. */
	readonly failingServers: number;
	/** Servers whose keys came here last, latest first: those that this one talks with. */
	readonly recentServers: readonly string[];
}

/** Each asks for a number that is 0 where all is well. */
const invariants: readonly (readonly [what: string, sql: string])[] = [
	[
		'rows of the stream lie beyond its head',
		'select count(*) from stream where pos > (select pos from stream_head where id = 1)',
	],
	[
		'cursors are ahead of the stream',
		'select count(*) from cursors where acked > (select pos from stream_head where id = 1)',
	],
	[
		'ids were used that were never given out',
		'select count(*) from strings where id >= (select next from sequence where id = 1)',
	],
	[
		'rooms have a head that is ahead of the stream',
		'select count(*) from rooms where head_pos > (select pos from stream_head where id = 1)',
	],
	[
		'entries of a current state name an event that is not there',
		'select count(*) from current_state where event_nid not in (select nid from events)',
	],
];

const RECENT = `select server from server_keys where expired_ts is null
	group by server order by max(fetched_ts) desc, server limit 5`;

async function count(session: MigrationSession, sql: string): Promise<number> {
	return Number((await session.first(sql, []))?.[0] ?? 0);
}

async function inspectWith(
	session: MigrationSession,
	list: (sql: string) => Promise<readonly (readonly unknown[])[]>,
): Promise<DatabaseInspection> {
	if (!(await session.hasTable('meta'))) {
		throw new StorageError('bad_address', 'the database holds no tables of this program');
	}
	const faults: string[] = [];
	for (const [what, sql] of invariants) {
		const found = await count(session, sql);
		if (found > 0) faults.push(`${found} ${what}`);
	}
	return {
		serverName: await findMeta(session, 'server_name'),
		schemaVersion: Number(await findMeta(session, 'schema_version')),
		faults,
		failingServers: await count(
			session,
			"select count(*) from cursors where name like 'federation:%' and failing_since_ts is not null",
		),
		recentServers: (await list(RECENT)).map(([server]) => String(server)),
	};
}

/**
 * Looks at a database without changing it, beside a server that runs on it.
 * @throws StorageError where it cannot be read
 */
export async function inspectDatabase(url: string): Promise<DatabaseInspection> {
	if (url.startsWith('sqlite:')) {
		const {withSqlite} = await import('../sqlite/snapshot.ts');
		return withSqlite(url.slice('sqlite:'.length), inspectWith);
	}
	const {withPostgres} = await import('../postgres/snapshot.ts');
	return withPostgres(url, inspectWith);
}
