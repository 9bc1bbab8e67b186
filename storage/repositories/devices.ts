import {eq, sql} from 'drizzle-orm';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {Outcome} from '../batch.ts';
import {below, bind, build, equals, type Value} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {
	AccessTokenRow,
	DeviceAddressRow,
	DeviceRow,
	DevicesRepository,
	EndedToken,
	RefreshFamilyRow,
	RefreshTokenRow,
	Session,
} from '../interfaces/accounts.ts';
import {tables} from '../schema/index.ts';
import {pageOf, readInChunks} from './page.ts';
import {sweepOlder} from './sweep.ts';
import {removeWaitingOfDevice} from './to-device.ts';

const {accessTokens, accounts, deviceAddresses, devices, keySignatures, quarantinedDevices, refreshTokens} = tables;
const {oauthSessions, refreshFamilies, upstreamDevices} = tables;

type DeviceKey = {userId: UserId; deviceId: DeviceId};

function createSessions(core: Core): (tokenHash: string) => Promise<Session | undefined> {
	type Found = AccessTokenRow &
		Omit<Session, 'account' | 'isQuarantined'> &
		Session['account'] & {waits: UserId | null};
	const find = core.one<{tokenHash: string}, Found>((p) =>
		build
			.select({
				tokenHash: accessTokens.tokenHash,
				userId: accessTokens.userId,
				deviceId: accessTokens.deviceId,
				expiresTs: accessTokens.expiresTs,
				refreshHash: accessTokens.refreshHash,
				displayName: devices.displayName,
				lastSeenDay: devices.lastSeenDay,
				isAdmin: accounts.isAdmin,
				isGuest: accounts.isGuest,
				isDeactivated: accounts.isDeactivated,
				isLocked: accounts.isLocked,
				isSuspended: accounts.isSuspended,
				isErased: accounts.isErased,
				createdDay: accounts.createdDay,
				waits: quarantinedDevices.userId,
			})
			.from(accessTokens)
			.innerJoin(accounts, eq(accounts.userId, accessTokens.userId))
			.innerJoin(
				devices,
				sql`${devices.userId} = ${accessTokens.userId} and ${devices.deviceId} = ${accessTokens.deviceId}`,
			)
			.leftJoin(
				quarantinedDevices,
				sql`${quarantinedDevices.userId} = ${accessTokens.userId}
					and ${quarantinedDevices.deviceId} = ${accessTokens.deviceId}`,
			)
			.where(equals(accessTokens.tokenHash, p.tokenHash)),
	);
	return async (tokenHash) => {
		const row = await find({tokenHash});
		if (row === undefined) return undefined;
		const {userId, deviceId, expiresTs, refreshHash, displayName, lastSeenDay, waits, ...states} = row;
		const {tokenHash: _, ...account} = {...states, userId};
		const session = {tokenHash, userId, deviceId, expiresTs, refreshHash, displayName, lastSeenDay, account};
		return {...session, isQuarantined: waits !== null};
	};
}

function createRefreshTokens(core: Core) {
	const {catalog} = core;
	const add = core.put(catalog.insert(refreshTokens));
	const remove = core.put(catalog.delete(refreshTokens, ['tokenHash']));
	const removeAccess = core.put(catalog.delete(accessTokens, ['refreshHash']));
	const exchange = core.put(
		catalog.write<{tokenHash: string; replaced: string; next: string}>(
			(p) => sql`update ${refreshTokens} set next_hash = ${bind(refreshTokens.nextHash, p.next)}
				where ${equals(refreshTokens.tokenHash, p.tokenHash)}
				and coalesce(${refreshTokens.nextHash}, '') = ${bind(refreshTokens.nextHash, p.replaced)}`,
		),
		{expect: {changes: 1, condition: 'refresh_token'}},
	);
	const find = core.one<{tokenHash: string}, RefreshTokenRow>((p) =>
		build.select().from(refreshTokens).where(equals(refreshTokens.tokenHash, p.tokenHash)),
	);
	const listBefore = core.many<{nextHash: string}, RefreshTokenRow>((p) =>
		build.select().from(refreshTokens).where(equals(refreshTokens.nextHash, p.nextHash)),
	);
	return {add, remove, removeAccess, exchange, find, listBefore};
}

function createEndedTokens(core: Core): DevicesRepository['listEndedTokens'] {
	type Page = {beforeTs: number; expiresTs: number; tokenHash: string; limit: number};
	const lives = (table: typeof accessTokens | typeof refreshTokens, p: {readonly beforeTs: Value<number>}) =>
		sql`exists (select 1 from ${table} as living where living.user_id = ${accessTokens.userId}
			and living.device_id = ${accessTokens.deviceId}
			and (living.expires_ts is null or living.expires_ts >= ${bind(table.expiresTs, p.beforeTs)}))`;
	const list = core.many<Page, Omit<EndedToken, 'isAlive'> & {alive: number}>((p) =>
		build
			.select({
				tokenHash: accessTokens.tokenHash,
				userId: accessTokens.userId,
				deviceId: accessTokens.deviceId,
				expiresTs: sql<number>`${accessTokens.expiresTs}`,
				alive: sql<number>`cast(case when ${lives(accessTokens, p)} or ${lives(refreshTokens, p)} then 1 else 0 end as bigint)`,
			})
			.from(accessTokens)
			.where(
				sql`${below(accessTokens.expiresTs, p.beforeTs)} and (${accessTokens.expiresTs}, ${accessTokens.tokenHash})
					> (${bind(accessTokens.expiresTs, p.expiresTs)}, ${bind(accessTokens.tokenHash, p.tokenHash)})`,
			)
			.orderBy(accessTokens.expiresTs, accessTokens.tokenHash)
			.limit(p.limit.placeholder),
	);
	return async (beforeTs, {after, limit}) => {
		const {expiresTs, tokenHash} = after ?? {expiresTs: 0, tokenHash: ''};
		const rows = await list({beforeTs, expiresTs, tokenHash, limit: pageOf(limit)});
		return rows.map(({alive, ...token}) => ({...token, isAlive: alive === 1}));
	};
}

const DAY_MS = 86_400_000;
/** Rows that one commit changes at most. */
const ROWS_MAX = 500;

function createCoarsening(core: Core): DevicesRepository['coarsenEnds'] {
	const day = sql.raw(String(DAY_MS));
	const {expiresTs} = accessTokens;
	const coarsen = core.putReturning<{beforeTs: number}, {count: number}>(
		core.catalog.write<{beforeTs: number}>(
			(p) => sql`update ${accessTokens} set expires_ts = (expires_ts / ${day} + 1) * ${day}
				where token_hash in (select token_hash from ${accessTokens}
					where ${below(expiresTs, p.beforeTs)} and expires_ts % ${day} <> 0 limit ${sql.raw(String(ROWS_MAX))})
				returning 1 as count`,
			{count: sql<number>`1`},
		),
	);
	return (batch, beforeTs) => {
		const rows = coarsen(batch, {beforeTs});
		return new Outcome(() => rows.value.length);
	};
}

type AddressMethod = 'setAddress' | 'listAddresses' | 'sweepAddresses';

function createAddresses(core: Core): Pick<DevicesRepository, AddressMethod> {
	const set = core.put(
		// A request may still be under way whose device is just being removed.
		core.catalog.write<DeviceAddressRow>(
			(p) => sql`insert into ${deviceAddresses} (user_id, device_id, address, seen_day)
				select user_id, device_id, ${bind(deviceAddresses.address, p.address)},
					cast(${bind(deviceAddresses.seenDay, p.seenDay)} as bigint)
				from ${devices} where ${equals(devices.userId, p.userId)} and ${equals(devices.deviceId, p.deviceId)}
				on conflict (user_id, device_id) do update set address = excluded.address, seen_day = excluded.seen_day`,
		),
	);
	const list = core.many<{userId: UserId}, DeviceAddressRow>((p) =>
		build
			.select()
			.from(deviceAddresses)
			.where(equals(deviceAddresses.userId, p.userId))
			.orderBy(deviceAddresses.deviceId),
	);
	return {
		setAddress: set,
		listAddresses: (userId) => list({userId}),
		sweepAddresses: sweepOlder(core, deviceAddresses, deviceAddresses.seenDay),
	};
}

/** Everything that is kept for a device and goes with it. */
const ofDevice = [
	accessTokens,
	refreshTokens,
	refreshFamilies,
	oauthSessions,
	upstreamDevices,
	tables.deviceKeys,
	tables.oneTimeKeys,
	tables.oneTimeKeyUploads,
	tables.fallbackKeys,
	tables.pushers,
	tables.clientTransactions,
	tables.clientTransactionEvents,
	tables.claimedOneTimeKeys,
	tables.dehydratedDevices,
	tables.openidTokens,
	tables.slidingSnapshots,
	deviceAddresses,
	quarantinedDevices,
	devices,
] as const;

/** Makes the repository of devices and their tokens. */
export function createDevices(core: Core): DevicesRepository {
	const {catalog} = core;
	const exists = {expect: {changes: 1, condition: 'device'}} as const;
	const add = core.put(catalog.insert(devices, {orIgnore: true}));
	const setDisplayName = core.put(catalog.update(devices, ['displayName'], ['userId', 'deviceId']), exists);
	const setLastSeen = core.put(catalog.update(devices, ['lastSeenDay'], ['userId', 'deviceId']));
	const removals = [
		...ofDevice.map((table) => core.put<DeviceKey>(catalog.delete(table, ['userId', 'deviceId']))),
		removeWaitingOfDevice(core),
	];
	// Those on the device's keys, and those that the device made, which are on its owner's keys alone.
	const removeSignatures = core.put(
		catalog.write<DeviceKey & {signerKeyId: string}>(
			(p) => sql`delete from ${keySignatures} where ${equals(keySignatures.userId, p.userId)}
				and (${equals(keySignatures.targetId, p.deviceId)}
				or (signer = user_id and ${equals(keySignatures.signerKeyId, p.signerKeyId)}))`,
		),
	);
	const find = core.one<DeviceKey, DeviceRow>((p) =>
		build
			.select()
			.from(devices)
			.where(sql`${equals(devices.userId, p.userId)} and ${equals(devices.deviceId, p.deviceId)}`),
	);
	const listOfUser = core.many<{userId: UserId}, DeviceRow>((p) =>
		build.select().from(devices).where(equals(devices.userId, p.userId)).orderBy(devices.deviceId),
	);
	const listOfUsers = core.many<{userIds: readonly UserId[]}, DeviceKey>((p) =>
		build
			.select({userId: devices.userId, deviceId: devices.deviceId})
			.from(devices)
			.where(catalog.isOneOf(devices.userId, p.userIds)),
	);
	const addAccessToken = core.put(catalog.insert(accessTokens));
	const removeAccessTokens = core.put(
		catalog.write<DeviceKey & {exceptHash: string}>(
			(p) => sql`delete from ${accessTokens} where ${equals(accessTokens.userId, p.userId)}
				and ${equals(accessTokens.deviceId, p.deviceId)} and token_hash <> ${bind(accessTokens.tokenHash, p.exceptHash)}`,
		),
	);
	const ofTokens = [refreshTokens, refreshFamilies, oauthSessions, upstreamDevices] as const;
	const removeWithTokens = ofTokens.map((table) => core.put<DeviceKey>(catalog.delete(table, ['userId', 'deviceId'])));
	return {
		add,
		setDisplayName: (batch, userId, deviceId, displayName) => setDisplayName(batch, {userId, deviceId, displayName}),
		setLastSeen: (batch, userId, deviceId, day) => setLastSeen(batch, {userId, deviceId, lastSeenDay: day}),
		remove(batch, userId, deviceId) {
			for (const remove of removals) remove(batch, {userId, deviceId});
			removeSignatures(batch, {userId, deviceId, signerKeyId: `ed25519:${deviceId}`});
		},
		find: (userId, deviceId) => find({userId, deviceId}),
		listOfUser: (userId) => listOfUser({userId}),
		listOfUsers: (userIds) => readInChunks(userIds, (chunk) => listOfUsers({userIds: chunk})),
		addAccessToken,
		removeAccessTokens: (batch, userId, deviceId, exceptHash) =>
			removeAccessTokens(batch, {userId, deviceId, exceptHash: exceptHash ?? ''}),
		removeTokens(batch, userId, deviceId) {
			removeAccessTokens(batch, {userId, deviceId, exceptHash: ''});
			for (const remove of removeWithTokens) remove(batch, {userId, deviceId});
		},
		findSession: createSessions(core),
		listEndedTokens: createEndedTokens(core),
		coarsenEnds: createCoarsening(core),
		...createAddresses(core),
		...refreshTokenMethods(core),
	};
}

type RefreshTokenMethod =
	| 'addRefreshToken'
	| 'addRefreshFamily'
	| 'findRefreshFamily'
	| 'exchangeRefreshToken'
	| 'removeRefreshToken'
	| 'findRefreshToken'
	| 'listRefreshTokensBefore';

function refreshTokenMethods(core: Core): Pick<DevicesRepository, RefreshTokenMethod> {
	const refresh = createRefreshTokens(core);
	const findFamily = core.one<{familyHash: string}, RefreshFamilyRow>((p) =>
		build.select().from(refreshFamilies).where(equals(refreshFamilies.familyHash, p.familyHash)),
	);
	return {
		addRefreshFamily: core.put(core.catalog.insert(refreshFamilies)),
		findRefreshFamily: (familyHash) => findFamily({familyHash}),
		addRefreshToken: refresh.add,
		exchangeRefreshToken(batch, tokenHash, replaced, next) {
			refresh.exchange(batch, {tokenHash, replaced: replaced ?? '', next: next.tokenHash});
			if (replaced !== null) {
				refresh.remove(batch, {tokenHash: replaced});
				refresh.removeAccess(batch, {refreshHash: replaced});
			}
			refresh.add(batch, next);
		},
		removeRefreshToken(batch, tokenHash) {
			refresh.remove(batch, {tokenHash});
			refresh.removeAccess(batch, {refreshHash: tokenHash});
		},
		findRefreshToken: (tokenHash) => refresh.find({tokenHash}),
		listRefreshTokensBefore: (nextHash) => refresh.listBefore({nextHash}),
	};
}
