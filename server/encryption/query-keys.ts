import {domainOf, type ServerName, type UserId} from '../../crypto/index.ts';
import type {DevicesByUser, EncryptionCaller, EncryptionContext} from './dependencies.ts';
import {groupByUser, mergeKeys, type QueriedKeys, showKeys} from './key-views.ts';

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
	context: EncryptionContext,
	caller: EncryptionCaller,
	wanted: DevicesByUser,
	timeoutMs: number,
): Promise<QueryAnswer> {
	const {serverName} = context;
	const isLocal = (userId: UserId): boolean => domainOf(userId) === serverName;
	const local: DevicesByUser = new Map([...wanted].filter(([userId]) => isLocal(userId)));
	const remote: DevicesByUser = new Map([...wanted].filter(([userId]) => !isLocal(userId)));
	const [ofLocal, ofRemote] = await Promise.all([
		queryLocal(context, caller, local),
		remote.size === 0 ? undefined : queryRemote(context, caller, remote, timeoutMs),
	]);
	return ofRemote === undefined
		? {...ofLocal, unreachable: []}
		: {...mergeKeys([ofLocal, ofRemote]), unreachable: ofRemote.unreachable};
}

/** Gives the keys of people here for another server: of those it may know of, and without names of devices. */
export async function queryKeysForServer(
	{serverName, visibility, localKeys}: EncryptionContext,
	origin: ServerName,
	wanted: DevicesByUser,
): Promise<QueriedKeys> {
	const local: DevicesByUser = new Map([...wanted].filter(([userId]) => domainOf(userId) === serverName));
	const known = await visibility.filterKnownToServer(origin, [...local.keys()], 'keys');
	return showKeys(await localKeys.find([...known]), local, {userId: undefined, seesNames: false});
}

async function queryLocal(
	{visibility, localKeys}: EncryptionContext,
	caller: EncryptionCaller,
	wanted: DevicesByUser,
): Promise<QueriedKeys> {
	const known = await visibility.filterKnown(caller, [...wanted.keys()], 'keys');
	return showKeys(await localKeys.find([...known]), wanted, {userId: caller.userId, seesNames: true});
}

async function queryRemote(
	{storage, remoteLists}: EncryptionContext,
	caller: EncryptionCaller,
	wanted: DevicesByUser,
	timeoutMs: number,
): Promise<QueryAnswer> {
	const {unreachable, ...rows} = await remoteLists.find(caller.userId, [...wanted.keys()], timeoutMs);
	const answered: DevicesByUser = new Map([...wanted].filter(([userId]) => !unreachable.includes(domainOf(userId))));
	const known = await groupByUser(storage, [...answered.keys()], rows);
	return {...showKeys(known, answered, {userId: caller.userId, seesNames: false}), unreachable};
}
