import {and, sql} from 'drizzle-orm';
import type {DeviceId, UserId} from '../../crypto/index.ts';
import {type Batch, JsonText, Outcome} from '../batch.ts';
import {bind, build, equals, type Values} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {KeyClaim, KeysRepository, NewOneTimeKey, OneTimeKey} from '../interfaces/encryption.ts';
import {tables} from '../schema/index.ts';
import {encodeText} from '../text.ts';
import {firstId, listOf} from './list.ts';

const {claimedOneTimeKeys, deviceKeys, fallbackKeys, oneTimeKeys} = tables;

type DeviceKey = {userId: UserId; deviceId: DeviceId};

/** Claimed keys of one device and algorithm that are remembered; clients retry an upload within minutes, and upload 50 to 100 keys. */
const claimedKept = 200;
/** Ids that an upload may take. */
const keysOfUpload = sql.raw('2048');

const algorithmOf = (keyId: string) => keyId.slice(0, Math.max(0, keyId.indexOf(':')));

/** The last key that was claimed; all before it were. */
const lastClaimed = (of: {readonly userId: unknown; readonly deviceId: unknown; readonly algorithm: unknown}) =>
	sql`coalesce((select last_id from ${claimedOneTimeKeys} as claimed where claimed.user_id = ${of.userId}
		and claimed.device_id = ${of.deviceId} and claimed.algorithm = ${of.algorithm}), 0)`;

function prepareClaim(core: Core) {
	const {catalog, dialect} = core;
	type Params = {claims: readonly unknown[]};
	type Claimed = DeviceKey & OneTimeKey;
	// Each claim is a list of user, device and algorithm.
	const wanted = (p: Values<Params>) =>
		sql`with wanted (user_id, device_id, algorithm) as materialized (select value ->> 0, value ->> 1, value ->> 2
			from ${dialect.membersOf(bind(oneTimeKeys.json, p.claims))})`;
	const ofWanted = {
		userId: sql`wanted.user_id`,
		deviceId: sql`wanted.device_id`,
		algorithm: sql`wanted.algorithm`,
	};
	const {userId, deviceId, keyId, json} = oneTimeKeys;
	const fields = {userId, deviceId, keyId, json};
	// Processes that claim from one device take turns at its row, so that each sees what the one before left.
	const lock = core.put(
		catalog.write<Params>(
			(p) => sql`${wanted(p)} select 1 from ${deviceKeys}
				where (user_id, device_id) in (select user_id, device_id from wanted)
				order by user_id, device_id${dialect.forUpdate}`,
		),
	);
	const takeFallback = core.putReturning<Params, Claimed>(
		catalog.write<Params>(
			(p) => sql`${wanted(p)} update ${fallbackKeys} set is_used = 1
				where (user_id, device_id, algorithm) in (select user_id, device_id, algorithm from wanted
					where not exists (select 1 from ${oneTimeKeys} as left_over where left_over.user_id = wanted.user_id
						and left_over.device_id = wanted.device_id and left_over.algorithm = wanted.algorithm
						and left_over.id > ${lastClaimed(ofWanted)}))
				returning user_id, device_id, key_id, json`,
			fields,
		),
	);
	const taken = (column: string) =>
		sql`(select taken.${sql.identifier(column)} from ${oneTimeKeys} as taken where taken.id = last_id)`;
	const takeOneTime = core.putReturning<Params, Claimed>(
		catalog.write<Params>(
			(p) => sql`${wanted(p)} insert into ${claimedOneTimeKeys} (user_id, device_id, algorithm, last_id)
				select user_id, device_id, algorithm, next_id from (select wanted.*, (select min(oldest.id)
					from ${oneTimeKeys} as oldest where oldest.user_id = wanted.user_id
					and oldest.device_id = wanted.device_id and oldest.algorithm = wanted.algorithm
					and oldest.id > ${lastClaimed(ofWanted)}) as next_id from wanted) as found
				where next_id is not null
				on conflict (user_id, device_id, algorithm) do update set last_id = excluded.last_id
				returning user_id, device_id, ${taken('key_id')}, ${taken('json')}`,
			fields,
		),
	);
	return {lock, takeFallback, takeOneTime};
}

/**
 * Keys are claimed in the order of their ids, so that for each device and algorithm the last one that was claimed says
 * which are left. A claim writes that row alone, and leaves the keys and their indexes as they are.
 */
function createClaims(core: Core): Pick<KeysRepository, 'claim' | 'claimOneTimeKeys'> {
	const {lock, takeFallback, takeOneTime} = prepareClaim(core);
	const begin = (batch: Batch, wants: readonly KeyClaim[]) => {
		const claims = listOf(
			wants.map((want) => [want.userId, want.deviceId, want.algorithm].map((text) => JSON.stringify(encodeText(text)))),
		);
		if (core.dialect.name === 'postgres') lock(batch, {claims});
		return claims;
	};
	const oneTimeOf = (taken: Outcome<(DeviceKey & OneTimeKey)[]>) =>
		taken.value.map((key) => ({...key, isFallback: false}));
	return {
		claimOneTimeKeys(batch, wants) {
			const taken = takeOneTime(batch, {claims: begin(batch, wants)});
			return new Outcome(() => oneTimeOf(taken));
		},
		claim(batch, wants) {
			const claims = begin(batch, wants);
			const fallback = takeFallback(batch, {claims});
			const taken = takeOneTime(batch, {claims});
			return new Outcome(() => [...oneTimeOf(taken), ...fallback.value.map((key) => ({...key, isFallback: true}))]);
		},
	};
}

function createWrites(core: Core) {
	const {catalog, dialect} = core;
	type New = DeviceKey & {pos: number; keys: readonly unknown[]};
	const {userId, deviceId, algorithm} = oneTimeKeys;
	// Keys are given out by their ids, so ids follow the stream, which is one for all processes.
	const add = core.put(
		catalog.write<New>(
			(p) => sql`insert into ${oneTimeKeys} (id, user_id, device_id, algorithm, key_id, json)
				select cast(${bind(oneTimeKeys.id, p.pos)} as bigint) * ${keysOfUpload} + cast(value ->> 0 as bigint) + ${firstId},
				${bind(userId, p.userId)}, ${bind(deviceId, p.deviceId)}, value ->> 1, value ->> 2, cast(value -> 3 as text)
				from ${dialect.membersOf(bind(oneTimeKeys.json, p.keys))} where true on conflict do nothing`,
		),
		{expect: {changes: 'given', condition: 'one_time_key'}},
	);
	const setFallback = core.put(catalog.upsert(fallbackKeys, ['userId', 'deviceId', 'algorithm']));
	const removals = [oneTimeKeys, fallbackKeys].map((table) =>
		core.put<DeviceKey>(catalog.delete(table, ['userId', 'deviceId'])),
	);
	const remove = (batch: Batch, device: DeviceKey) => {
		for (const removal of removals) removal(batch, device);
	};
	const forgetClaimed = core.put(
		catalog.write<DeviceKey & {algorithm: string}>((p) => {
			const [user, device, name] = [bind(userId, p.userId), bind(deviceId, p.deviceId), bind(algorithm, p.algorithm)];
			return sql`delete from ${oneTimeKeys} where user_id = ${user} and device_id = ${device} and algorithm = ${name}
				and id <= (select kept.id from ${oneTimeKeys} as kept
					where kept.user_id = ${user} and kept.device_id = ${device} and kept.algorithm = ${name}
					and kept.id <= ${lastClaimed({userId: user, deviceId: device, algorithm: name})}
					order by kept.id desc limit 1 offset ${sql.raw(String(claimedKept))})`;
		}),
	);
	return {add, remove, forgetClaimed, setFallback};
}

function createReads(core: Core) {
	const {catalog} = core;
	const ofDevice = (table: typeof oneTimeKeys | typeof fallbackKeys, p: Values<DeviceKey>) =>
		and(equals(table.userId, p.userId), equals(table.deviceId, p.deviceId));
	const find = core.many<DeviceKey & {keyIds: readonly string[]}, OneTimeKey>((p) =>
		build
			.select({keyId: oneTimeKeys.keyId, json: oneTimeKeys.json})
			.from(oneTimeKeys)
			.where(and(ofDevice(oneTimeKeys, p), catalog.isOneOf(oneTimeKeys.keyId, p.keyIds))),
	);
	const count = core.many<DeviceKey, {algorithm: string; count: number}>((p) =>
		build
			.select({algorithm: oneTimeKeys.algorithm, count: sql<number>`count(*)`})
			.from(oneTimeKeys)
			.where(and(ofDevice(oneTimeKeys, p), sql`${oneTimeKeys.id} > ${lastClaimed(oneTimeKeys)}`))
			.groupBy(oneTimeKeys.algorithm),
	);
	const fallback = core.many<DeviceKey, OneTimeKey>((p) =>
		build
			.select({keyId: fallbackKeys.keyId, json: fallbackKeys.json})
			.from(fallbackKeys)
			.where(ofDevice(fallbackKeys, p)),
	);
	const unused = core.many<DeviceKey, {algorithm: string}>((p) =>
		build
			.select({algorithm: fallbackKeys.algorithm})
			.from(fallbackKeys)
			.where(and(ofDevice(fallbackKeys, p), sql`is_used = 0`))
			.orderBy(fallbackKeys.algorithm),
	);
	return {find, count, fallback, unused};
}

const rowOf = ({keyId, json}: NewOneTimeKey, index: number) => [
	index,
	JSON.stringify(encodeText(algorithmOf(keyId))),
	JSON.stringify(encodeText(keyId)),
	json instanceof JsonText ? json.text : JSON.stringify(json),
];

type OneTimeKeys = Pick<
	KeysRepository,
	| 'addOneTimeKeys'
	| 'removeOneTimeKeys'
	| 'setFallbackKey'
	| 'claim'
	| 'claimOneTimeKeys'
	| 'findOneTimeKeys'
	| 'countOneTimeKeys'
	| 'listFallbackKeys'
	| 'listUnusedFallbackKeys'
>;

/** Makes the part of the repository of keys that is about one-time and fallback keys. */
export function createOneTimeKeys(core: Core): OneTimeKeys {
	const writes = createWrites(core);
	const reads = createReads(core);
	return {
		addOneTimeKeys(batch, {userId, deviceId}, keys, pos) {
			for (const algorithm of new Set(keys.map(({keyId}) => algorithmOf(keyId)))) {
				writes.forgetClaimed(batch, {userId, deviceId, algorithm});
			}
			if (keys.length > 0) writes.add(batch, {pos, userId, deviceId, keys: listOf(keys.map(rowOf))}, keys.length);
		},
		removeOneTimeKeys: (batch, userId, deviceId) => writes.remove(batch, {userId, deviceId}),
		setFallbackKey: (batch, userId, deviceId, {keyId, json}) =>
			writes.setFallback(batch, {userId, deviceId, algorithm: algorithmOf(keyId), keyId, json, isUsed: false}),
		...createClaims(core),
		findOneTimeKeys: (userId, deviceId, keyIds) => reads.find({userId, deviceId, keyIds}),
		async countOneTimeKeys(userId, deviceId) {
			const rows = await reads.count({userId, deviceId});
			return Object.fromEntries(rows.map(({algorithm, count}) => [algorithm, count]));
		},
		listFallbackKeys: (userId, deviceId) => reads.fallback({userId, deviceId}),
		listUnusedFallbackKeys: async (userId, deviceId) =>
			(await reads.unused({userId, deviceId})).map(({algorithm}) => algorithm),
	};
}
