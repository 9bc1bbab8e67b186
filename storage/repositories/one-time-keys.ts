import {and, type SQL, sql} from 'drizzle-orm';
import type {DeviceId, JsonObject, UserId} from '../../crypto/index.ts';
import {type Batch, JsonText, Outcome} from '../batch.ts';
import {bind, build, equals, textOf, type Value, type Values} from '../catalog.ts';
import type {Core, Loose} from '../core.ts';
import type {ClaimedKey, KeyClaim, KeysRepository, NewOneTimeKey, OneTimeKey} from '../interfaces/encryption.ts';
import {tables} from '../schema/index.ts';
import {encodeText} from '../text.ts';
import {firstId, listOf} from './list.ts';

const {claimedOneTimeKeys, deviceKeys, fallbackKeys, oneTimeKeys, oneTimeKeyUploads} = tables;

type DeviceKey = {userId: UserId; deviceId: DeviceId};

/** Claimed keys of one device and algorithm that are remembered; clients retry an upload within minutes, and upload 50 to 100 keys. */
const claimedKept = 200;
/** Ids that an upload may take. */
const keysOfUpload = sql.raw('2048');

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
const algorithmOf = (keyId: string) => keyId.slice(0, Math.max(0, keyId.indexOf(':')));

interface KeysOf {
	readonly userId: unknown;
	readonly deviceId: unknown;
	readonly algorithm: unknown;
}

/** The last key that was claimed; all before it were. */
const lastClaimed = (of: KeysOf) =>
	sql`coalesce((select last_id from ${claimedOneTimeKeys} as claimed where claimed.user_id = ${of.userId}
		and claimed.device_id = ${of.deviceId} and claimed.algorithm = ${of.algorithm}), 0)`;

/** A condition for the uploads of a device that have keys of an algorithm left. */
const hasLeft = (upload: SQL, of: KeysOf) =>
	sql`${upload}.user_id = ${of.userId} and ${upload}.device_id = ${of.deviceId}
		and ${upload}.algorithm = ${of.algorithm} and ${upload}.last_id > ${lastClaimed(of)}`;

function prepareClaim(core: Core) {
	const {catalog, dialect} = core;
	type Params = {claims: readonly unknown[]};
	type Claimed = DeviceKey & Pick<ClaimedKey, 'keyId' | 'json'>;
	// Each claim is a list of user, device and algorithm.
	const wanted = (p: Values<Params>) =>
		sql`with wanted (user_id, device_id, algorithm) as materialized (select value ->> 0, value ->> 1, value ->> 2
			from ${dialect.membersOf(bind(oneTimeKeys.json, p.claims))})`;
	const ofWanted = {
		userId: sql`wanted.user_id`,
		deviceId: sql`wanted.device_id`,
		algorithm: sql`wanted.algorithm`,
	};
	const {userId, deviceId, keyId} = oneTimeKeys;
	const fields = {userId, deviceId, keyId, json: textOf(oneTimeKeys.json)};
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
					where not exists (select 1 from ${oneTimeKeyUploads} as upload where ${hasLeft(sql.raw('upload'), ofWanted)}))
				returning user_id, device_id, key_id, json`,
			fields,
		),
	);
	const taken = (column: string) =>
		sql`(select taken.${sql.identifier(column)} from ${oneTimeKeys} as taken where taken.id = last_id)`;
	const takeOneTime = core.putReturning<Params, Claimed>(
		catalog.write<Params>(
			(p) => sql`${wanted(p)} insert into ${claimedOneTimeKeys} (user_id, device_id, algorithm, last_id)
				select user_id, device_id, algorithm, next_id from (select wanted.*,
					(select ${dialect.maxOf(sql`oldest.first_id`, sql`${lastClaimed(ofWanted)} + 1`)}
						from ${oneTimeKeyUploads} as oldest where ${hasLeft(sql.raw('oldest'), ofWanted)}
						order by oldest.last_id limit 1) as next_id from wanted) as found
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
 * which are left. A claim writes that row alone, and leaves the keys, their index and their uploads as they are.
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
	const claimedOf = (taken: ReturnType<typeof takeOneTime>, isFallback: boolean): ClaimedKey[] =>
		taken.value.map(({userId, deviceId, keyId, json}) => ({userId, deviceId, keyId, json, isFallback}));
	return {
		claimOneTimeKeys(batch, wants) {
			const taken = takeOneTime(batch, {claims: begin(batch, wants)});
			return new Outcome(() => claimedOf(taken, false));
		},
		claim(batch, wants) {
			const claims = begin(batch, wants);
			const fallback = takeFallback(batch, {claims});
			const taken = takeOneTime(batch, {claims});
			return new Outcome(() => [...claimedOf(taken, false), ...claimedOf(fallback, true)]);
		},
	};
}

type New = DeviceKey & {pos: number};

/** The id of a key that came with a position: ids follow the stream, which is one for all processes. */
const idAt = (pos: Value<number>, index: SQL) =>
	sql`cast(${bind(oneTimeKeys.id, pos)} as bigint) * ${keysOfUpload} + cast(${index} as bigint) + ${firstId}`;

/** Adds keys: row by row on SQLite, and with one statement on PostgreSQL, as messages to devices are. */
function createAdd(core: Core) {
	const {catalog, dialect} = core;
	const {id, userId, deviceId, keyId, json} = oneTimeKeys;
	const isNew = {expect: {changes: 'given', condition: 'one_time_key'}} as const;
	if (dialect.name === 'sqlite') {
		type Row = {index: number; keyId: string; json: JsonObject | string};
		const add = core.putEach<New, Row>(
			catalog.write<New & Row>(
				(p) => sql`insert into ${oneTimeKeys} (user_id, device_id, id, key_id, json)
					values (${bind(userId, p.userId)}, ${bind(deviceId, p.deviceId)}, ${idAt(p.pos, sql`${bind(id, p.index)}`)},
					${bind(keyId, p.keyId)}, ${bind(json, p.json)}) on conflict do nothing`,
			),
			['index', 'keyId', 'json'],
			isNew,
		);
		return (batch: Batch, owner: Loose<New>, keys: readonly NewOneTimeKey[]) => {
			add(
				batch,
				owner,
				keys.map(({keyId: name, json: key}, index) => ({index, keyId: name, json: key})),
			);
		};
	}
	const add = core.put(
		catalog.write<New & {keys: readonly unknown[]}>(
			(p) => sql`insert into ${oneTimeKeys} (id, user_id, device_id, key_id, json)
				select ${idAt(p.pos, sql`value ->> 0`)}, ${bind(userId, p.userId)}, ${bind(deviceId, p.deviceId)}, value ->> 1,
				cast(value -> 2 as text) from ${dialect.membersOf(bind(json, p.keys))} where true on conflict do nothing`,
		),
		isNew,
	);
	return (batch: Batch, owner: Loose<New>, keys: readonly NewOneTimeKey[]) => {
		add(batch, {...owner, keys: listOf(keys.map(rowOf))}, keys.length);
	};
}

/** Forgets what was claimed of a device and algorithm, whole uploads, but for the latest keys. */
function createForgetting(core: Core) {
	type Keys = DeviceKey & {algorithm: string};
	const {userId, deviceId, algorithm} = oneTimeKeyUploads;
	const old = (p: Values<Keys>, upload: string) => {
		const of = {
			userId: bind(userId, p.userId),
			deviceId: bind(deviceId, p.deviceId),
			algorithm: bind(algorithm, p.algorithm),
		};
		const isOfThem = (name: SQL) =>
			sql`${name}.user_id = ${of.userId} and ${name}.device_id = ${of.deviceId} and ${name}.algorithm = ${of.algorithm}`;
		return sql`${isOfThem(sql.raw(upload))} and ${sql.raw(upload)}.last_id <= (select max(last_id) from
			(select last_id, sum(last_id - first_id + 1) over (order by last_id desc
				rows between unbounded preceding and 1 preceding) as later from ${oneTimeKeyUploads} as spent
				where ${isOfThem(sql.raw('spent'))} and last_id <= ${lastClaimed(of)}) as counted
			where later >= ${sql.raw(String(claimedKept))})`;
	};
	const removals = [
		core.put(
			core.catalog.write<Keys>(
				(p) => sql`delete from ${oneTimeKeys} where id in (select claimed.id from ${oneTimeKeyUploads} as upload
					cross join ${oneTimeKeys} as claimed
					where ${old(p, 'upload')} and claimed.id >= upload.first_id and claimed.id <= upload.last_id)`,
			),
		),
		core.put(
			core.catalog.write<Keys>((p) => sql`delete from ${oneTimeKeyUploads} where ${old(p, 'one_time_key_uploads')}`),
		),
	];
	return (batch: Batch, keys: Keys) => {
		for (const removal of removals) removal(batch, keys);
	};
}

function createWrites(core: Core) {
	const {catalog} = core;
	const {userId, deviceId, algorithm} = oneTimeKeyUploads;
	type Upload = New & {algorithm: string; firstIndex: number; lastIndex: number};
	const index = (value: Value<number>) => sql`${bind(oneTimeKeys.id, value)}`;
	const addUpload = core.put(
		catalog.write<Upload>(
			(p) => sql`insert into ${oneTimeKeyUploads} (user_id, device_id, algorithm, last_id, first_id)
				values (${bind(userId, p.userId)}, ${bind(deviceId, p.deviceId)}, ${bind(algorithm, p.algorithm)},
				${idAt(p.pos, index(p.lastIndex))}, ${idAt(p.pos, index(p.firstIndex))})`,
		),
	);
	const setFallback = core.put(catalog.upsert(fallbackKeys, ['userId', 'deviceId', 'algorithm']));
	const removals = [oneTimeKeys, oneTimeKeyUploads, fallbackKeys].map((table) =>
		core.put<DeviceKey>(catalog.delete(table, ['userId', 'deviceId'])),
	);
	const remove = (batch: Batch, device: DeviceKey) => {
		for (const removal of removals) removal(batch, device);
	};
	return {add: createAdd(core), addUpload, remove, forgetClaimed: createForgetting(core), setFallback};
}

function createReads(core: Core) {
	const {catalog} = core;
	const ofDevice = (table: typeof oneTimeKeys | typeof oneTimeKeyUploads | typeof fallbackKeys, p: Values<DeviceKey>) =>
		and(equals(table.userId, p.userId), equals(table.deviceId, p.deviceId));
	const find = core.many<DeviceKey & {keyIds: readonly string[]}, OneTimeKey>((p) =>
		build
			.select({keyId: oneTimeKeys.keyId, json: oneTimeKeys.json})
			.from(oneTimeKeys)
			.where(and(ofDevice(oneTimeKeys, p), catalog.isOneOf(oneTimeKeys.keyId, p.keyIds))),
	);
	const {firstId: first, lastId: last, algorithm} = oneTimeKeyUploads;
	const claimed = lastClaimed(oneTimeKeyUploads);
	const count = core.many<DeviceKey, {algorithm: string; count: number}>((p) =>
		build
			.select({
				algorithm,
				count: sql<number>`cast(sum(${last} - ${catalog.dialect.maxOf(sql`${first} - 1`, claimed)}) as bigint)`,
			})
			.from(oneTimeKeyUploads)
			.where(and(ofDevice(oneTimeKeyUploads, p), sql`${last} > ${claimed}`))
			.groupBy(algorithm),
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
			if (keys.length === 0) return;
			const owner = {userId, deviceId, pos};
			const byAlgorithm = keys.toSorted((a, b) => compare(algorithmOf(a.keyId), algorithmOf(b.keyId)));
			const algorithms = byAlgorithm.map(({keyId}) => algorithmOf(keyId));
			for (const algorithm of new Set(algorithms)) {
				writes.forgetClaimed(batch, {userId, deviceId, algorithm});
				const [firstIndex, lastIndex] = [algorithms.indexOf(algorithm), algorithms.lastIndexOf(algorithm)];
				writes.addUpload(batch, {...owner, algorithm, firstIndex, lastIndex});
			}
			writes.add(batch, owner, byAlgorithm);
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
