import {type DeviceId, domainOf, type JsonObject, localpartOf, type UserId} from '../../crypto/index.ts';
import type {AccountOrder, AccountQuery, AccountRow, ListedAccount, Membership} from '../../storage/index.ts';
import {AccountsError} from '../accounts/index.ts';
import {type AuditActName, type AuditActor, CONSOLE} from '../audit/index.ts';
import type {Device} from '../devices/index.ts';
import type {AdministrationDependencies, OffsetPage} from './context.ts';
import {AdministrationError} from './errors.ts';

/** An account as an administrator sees it. */
export interface AdministeredAccount extends ListedAccount {
	/** The application service that it belongs to. */
	readonly appserviceId: string | undefined;
}

/** What an administrator wants of an account; what is absent stays. */
export interface AccountWish {
	readonly password?: string | undefined;
	/** Whether another password ends the sessions. */
	readonly endsSessions: boolean;
	/** Empty: none. */
	readonly displayName?: string | undefined;
	/** An `mxc:` URI; empty: none. */
	readonly avatarUrl?: string | undefined;
	readonly isAdmin?: boolean | undefined;
	readonly isLocked?: boolean | undefined;
	readonly isSuspended?: boolean | undefined;
	readonly isDeactivated?: boolean | undefined;
}

/**
 * The accounts of this server as administrators look after them. Every act names who does it, and is written down with it.
 * An administrator changes no other one: whoever took over one account would have all others.
 */
export interface People {
	list(
		query: AccountQuery,
		page: OffsetPage & {readonly order: AccountOrder; readonly isDescending: boolean},
	): Promise<{readonly accounts: readonly ListedAccount[]; readonly total: number}>;
	/** @throws AccountsError 'not-local', 'unknown-account' */
	get(userId: UserId): Promise<AdministeredAccount>;
	/**
	 * Makes an account, or changes one; whether it was made.
	 * @throws AccountsError, AdministrationError 'protected', 'ended', ProfilesError
	 */
	put(by: AuditActor, userId: UserId, wish: AccountWish): Promise<{readonly isNew: boolean}>;
	/** @throws AccountsError, AdministrationError 'protected', 'ended' */
	setPassword(
		by: AuditActor,
		userId: UserId,
		password: string,
		options: {readonly endsSessions: boolean},
	): Promise<void>;
	/** @throws AccountsError, AdministrationError 'protected' for who has it taken by another one, or takes their own */
	setAdmin(by: AuditActor, userId: UserId, isAdmin: boolean): Promise<void>;
	/** Ends an account for good. @throws AccountsError, AdministrationError 'protected', 'ended' */
	deactivate(by: AuditActor, userId: UserId, options: {readonly erase: boolean}): Promise<void>;
	/** @throws AccountsError */
	listDevices(userId: UserId): Promise<readonly Device[]>;
	/** @throws AccountsError, DevicesError 'unknown-device' */
	getDevice(userId: UserId, deviceId: DeviceId): Promise<Device>;
	/** @throws AccountsError, AdministrationError 'protected', DevicesError 'unknown-device' */
	renameDevice(by: AuditActor, userId: UserId, deviceId: DeviceId, name: string): Promise<void>;
	/**
	 * Ends sessions; those that are gone are passed over. With the last one browsers are signed out as well.
	 * @throws AccountsError, AdministrationError 'protected'
	 */
	removeDevices(by: AuditActor, userId: UserId, deviceIds: readonly DeviceId[]): Promise<void>;
	/** Gives what somebody, of this server or another, is to the rooms that are known here. */
	listMemberships(userId: UserId): Promise<Map<string, Membership>>;
}

/** Makes the administration of accounts. */
export function createPeople(dependencies: AdministrationDependencies): People {
	const {storage, devices, serverName} = dependencies;

	async function find(userId: UserId): Promise<AccountRow | undefined> {
		if (domainOf(userId) !== serverName) throw new AccountsError('not-local', 'Expected a user of this server');
		return storage.accounts.find(userId);
	}

	async function get(userId: UserId): Promise<AccountRow> {
		const account = await find(userId);
		if (account === undefined) throw new AccountsError('unknown-account', 'No such account');
		return account;
	}

	const {act, mayChange, ...acts} = createActs(dependencies, get);

	return {
		async list(query, page) {
			const [accounts, total] = await Promise.all([
				storage.accounts.search(query, page),
				storage.accounts.countFound(query),
			]);
			return {accounts, total};
		},
		async get(userId) {
			const {passwordHash: _, ...account} = await get(userId);
			const [profile, seen, services] = await Promise.all([
				storage.profiles.find(userId),
				devices.list(userId),
				storage.accounts.listOfAppservices([userId]),
			]);
			const days = seen.flatMap(({lastSeenDay}) => (lastSeenDay === null ? [] : [lastSeenDay]));
			return {
				...account,
				displayName: profile['displayname'] ?? null,
				avatarUrl: profile['avatar_url'] ?? null,
				lastSeenDay: days.length === 0 ? null : Math.max(...days),
				appserviceId: services[0]?.appserviceId,
			};
		},
		put: (by, userId, wish) => put(dependencies, acts, {by, userId, wish, find}),
		...acts,
		async listDevices(userId) {
			await get(userId);
			return devices.list(userId);
		},
		async getDevice(userId, deviceId) {
			await get(userId);
			return devices.get(userId, deviceId);
		},
		async renameDevice(by, userId, deviceId, name) {
			await mayChange(by, userId);
			await devices.rename(userId, deviceId, name, act(by, 'rename-device', userId, {device_id: deviceId}));
		},
		async removeDevices(by, userId, deviceIds) {
			await mayChange(by, userId);
			const wanted = new Set(deviceIds);
			const isAnyLeft = (await devices.list(userId)).some(({deviceId}) => !wanted.has(deviceId));
			const alsoWrite = act(by, 'remove-devices', userId, {devices: [...deviceIds]});
			if (isAnyLeft) await devices.remove(userId, deviceIds, alsoWrite);
			else await devices.endAll(userId, {alsoWrite, reason: 'ended'});
		},
		async listMemberships(userId) {
			const all = ['ban', 'invite', 'join', 'knock', 'leave'] as const;
			const rows = await storage.memberships.listOfUser(userId, all);
			return new Map(rows.map(({roomId, membership}) => [roomId, membership]));
		},
	};
}

type Acts = Pick<People, 'setPassword' | 'setAdmin' | 'deactivate'>;

function createActs(
	{storage, audit, accounts}: AdministrationDependencies,
	get: (userId: UserId) => Promise<AccountRow>,
) {
	const act =
		(who: AuditActor, name: AuditActName, whom: UserId, details: JsonObject = {}) =>
		(batch: Parameters<typeof audit.note>[0]) =>
			audit.note(batch, {who, act: name, whom, details});

	async function mayChange(by: AuditActor, userId: UserId): Promise<AccountRow> {
		const account = await get(userId);
		if (account.isAdmin && by !== CONSOLE && by !== userId) {
			throw new AdministrationError('protected', 'Another administrator is changed at the console alone');
		}
		return account;
	}

	async function mayChangeLiving(by: AuditActor, userId: UserId): Promise<void> {
		if ((await mayChange(by, userId)).isDeactivated) throw hasEnded();
	}

	const acts: Acts = {
		async setPassword(by, userId, password, {endsSessions}) {
			await mayChangeLiving(by, userId);
			const alsoWrite = act(by, 'set-password', userId, {logout_devices: endsSessions});
			await accounts.changePassword(userId, password, {endsOtherSessions: endsSessions, alsoWrite});
		},
		async setAdmin(by, userId, isAdmin) {
			if (!isAdmin && by === userId) {
				throw new AdministrationError('protected', 'Nobody takes their own rights: another one is needed for that');
			}
			const account = isAdmin ? await get(userId) : await mayChange(by, userId);
			if (account.isDeactivated) throw hasEnded();
			if (account.isAdmin === isAdmin) return;
			const batch = storage.batch();
			storage.accounts.setStates(batch, userId, {isAdmin});
			batch.announce({kind: 'account', subject: userId});
			act(by, isAdmin ? 'grant-administration' : 'withdraw-administration', userId)(batch);
			await storage.commit(batch);
		},
		async deactivate(by, userId, {erase}) {
			await mayChangeLiving(by, userId);
			await accounts.deactivate(userId, {erase, alsoWrite: act(by, 'deactivate-account', userId, {erase})});
		},
	};
	return {act, mayChange, ...acts};
}

function hasEnded(): AdministrationError {
	return new AdministrationError('ended', 'The account has ended, and is not had back');
}

async function put(
	dependencies: AdministrationDependencies,
	acts: Acts,
	{
		by,
		userId,
		wish,
		find,
	}: {
		readonly by: AuditActor;
		readonly userId: UserId;
		readonly wish: AccountWish;
		readonly find: (userId: UserId) => Promise<AccountRow | undefined>;
	},
): Promise<{readonly isNew: boolean}> {
	const account = await find(userId);
	const isNew = account === undefined;
	if (isNew) {
		await create(dependencies, by, userId, wish);
	} else if (account.isDeactivated) {
		// Tools send back all that they were told.
		if (wish.isDeactivated === false) throw hasEnded();
		return {isNew};
	} else {
		if (wish.password !== undefined) await acts.setPassword(by, userId, wish.password, wish);
		if (wish.isAdmin !== undefined && wish.isAdmin !== account.isAdmin) await acts.setAdmin(by, userId, wish.isAdmin);
	}
	await setProfile(dependencies, by, userId, wish);
	for (const restriction of ['isLocked', 'isSuspended'] as const) {
		const wanted = wish[restriction];
		if (wanted === undefined || wanted === (account?.[restriction] ?? false)) continue;
		await dependencies.moderation.set(by, userId, restriction, wanted);
	}
	if (wish.isDeactivated === true) await acts.deactivate(by, userId, {erase: false});
	return {isNew};
}

async function create(
	{accounts, audit}: AdministrationDependencies,
	by: AuditActor,
	userId: UserId,
	{password, isAdmin = false}: AccountWish,
): Promise<void> {
	if (accounts.checkNewName(localpartOf(userId)) !== userId) {
		throw new AccountsError('invalid-username', 'A user name has small letters alone');
	}
	await accounts.register({
		userId,
		password,
		isAdmin,
		alsoWrite: (batch) => audit.note(batch, {who: by, act: 'create-account', whom: userId, details: {admin: isAdmin}}),
	});
}

async function setProfile(
	{storage, profiles, audit}: AdministrationDependencies,
	by: AuditActor,
	userId: UserId,
	{displayName, avatarUrl}: AccountWish,
): Promise<void> {
	const before = await storage.profiles.find(userId);
	for (const [field, value] of [
		['displayname', displayName],
		['avatar_url', avatarUrl],
	] as const) {
		if (value === undefined || value === (before[field] ?? '')) continue;
		const alsoWrite = (batch: Parameters<typeof audit.note>[0]) =>
			audit.note(batch, {who: by, act: 'set-profile', whom: userId, details: {field}});
		if (value === '') await profiles.removeField(userId, field, alsoWrite);
		else await profiles.setField(userId, field, value, alsoWrite);
	}
}
