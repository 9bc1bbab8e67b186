import {domainOf, type ServerName, type UserId} from '../../crypto/index.ts';
import type {DevicesByUser, EncryptionCaller, EncryptionContext, EncryptionDependencies} from './dependencies.ts';
import {mergeKeys, type QueriedKeys, readKeyRows, showKeys} from './key-views.ts';

/** What a client is told of others' keys. */
export interface QueryAnswer extends QueriedKeys {
	/** Servers that could not be asked. */
	readonly unreachable: readonly ServerName[];
}

/**
 * Gives the keys of users for one of this server's people. Of people here whom the caller may not know of, and of names
 * that nobody has, the answer is the same: no devices. Other servers answer for their own.
 */
export async function queryKeys(
	dependencies: EncryptionContext,
	caller: EncryptionCaller,
	wanted: DevicesByUser,
	timeoutMs: number,
): Promise<QueryAnswer> {
	const {storage, serverName, visibility, remoteLists} = dependencies;
	const isLocal = (userId: UserId): boolean => domainOf(userId) === serverName;
	const local = [...wanted].filter(([userId]) => isLocal(userId));
	const remote = [...wanted].filter(([userId]) => !isLocal(userId));
	const known = await visibility.filterKnown(
		caller,
		local.map(([userId]) => userId),
		'keys',
	);
	const [rows, remoteRows] = await Promise.all([
		readKeyRows(storage, [...known]),
		remote.length === 0
			? {devices: [], crossSigning: [], unreachable: []}
			: remoteLists.find(
					caller.userId,
					remote.map(([userId]) => userId),
					timeoutMs,
				),
	]);
	const unreachable: readonly ServerName[] = remoteRows.unreachable;
	const answered = remote.filter(([userId]) => !unreachable.includes(domainOf(userId)));
	const answers = await Promise.all([
		showKeys(storage, rows, new Map(local), {userId: caller.userId, seesNames: true}),
		showKeys(storage, remoteRows, new Map(answered), {userId: caller.userId, seesNames: false}),
	]);
	return {...mergeKeys(answers), unreachable};
}

/** Gives the keys of people here for another server: of those it may know of, and without names of devices. */
export async function queryKeysForServer(
	{storage, serverName, visibility}: EncryptionDependencies,
	origin: ServerName,
	wanted: DevicesByUser,
): Promise<QueriedKeys> {
	const local = [...wanted].filter(([userId]) => domainOf(userId) === serverName);
	const known = await visibility.filterKnownToServer(
		origin,
		local.map(([userId]) => userId),
		'keys',
	);
	const rows = await readKeyRows(storage, [...known]);
	return showKeys(storage, rows, new Map(local), {userId: undefined, seesNames: false});
}
