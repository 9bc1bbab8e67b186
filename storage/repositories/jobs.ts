import {and, sql} from 'drizzle-orm';
import type {JsonObject} from '../../crypto/index.ts';
import {Batch} from '../batch.ts';
import {atMost, bind, build, equals, type Value} from '../catalog.ts';
import {type Core, freshId} from '../core.ts';
import {StorageError} from '../errors.ts';
import type {JobRow, JobsRepository, MetaRepository} from '../interfaces/transport.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';

const {jobs, meta} = tables;

/** Makes what changes a job that somebody has; it must still be theirs. */
function createLeases(core: Core) {
	const {catalog} = core;
	const held = {expect: {changes: 1, condition: 'job'}} as const;
	type Lease = {id: number; untilTs: number};
	type Parameters = {readonly [K in keyof Lease]: Value<number>};
	const isMine = (p: Parameters) => and(equals(jobs.id, p.id), equals(jobs.leasedUntilTs, p.untilTs));
	const renew = core.put(
		catalog.write<Lease & {longerTs: number}>(
			(p) => sql`update ${jobs} set leased_until_ts = ${bind(jobs.leasedUntilTs, p.longerTs)} where ${isMine(p)}`,
		),
		held,
	);
	const release = core.put(
		catalog.write<Lease & {dueTs: number; attempts: number; payload: JsonObject}>(
			(p) => sql`update ${jobs} set leased_until_ts = null, due_ts = ${bind(jobs.dueTs, p.dueTs)},
				attempts = ${bind(jobs.attempts, p.attempts)}, payload = ${bind(jobs.payload, p.payload)} where ${isMine(p)}`,
		),
		held,
	);
	const remove = core.put(
		catalog.write<Lease>((p) => build.delete(jobs).where(isMine(p))),
		held,
	);
	return {renew, release, remove};
}

/** Makes the repository of background jobs. */
export function createJobs(core: Core): JobsRepository {
	const {catalog, dialect} = core;
	const earlier = dialect.minOf(sql`${jobs.dueTs}`, sql`excluded.due_ts`);
	const add = core.put(catalog.insertOrUpdate(jobs, ['kind', 'key'], {dueTs: earlier}));
	const reset = core.put(catalog.update(jobs, ['payload', 'dueTs'], ['kind', 'key']));
	const isFree = (now: Parameters<typeof bind>[1]) =>
		sql`(${jobs.leasedUntilTs} is null or ${jobs.leasedUntilTs} <= ${bind(jobs.leasedUntilTs, now)})`;
	const lease = core.put(
		catalog.write<{id: number; nowMs: number; untilTs: number}>(
			(p) => sql`update ${jobs} set leased_until_ts = ${bind(jobs.leasedUntilTs, p.untilTs)}
				where ${equals(jobs.id, p.id)} and ${atMost(jobs.dueTs, p.nowMs)} and ${isFree(p.nowMs)}`,
		),
		{expect: {changes: 1, condition: 'job'}},
	);
	const leases = createLeases(core);
	const releaseAll = core.put(
		catalog.write<object>(() => sql`update ${jobs} set leased_until_ts = null where leased_until_ts is not null`),
	);
	type Due = {kinds: readonly string[]; nowMs: number; limit: number};
	const listDue = core.many<Due, JobRow>((p) =>
		build
			.select()
			.from(jobs)
			.where(and(atMost(jobs.dueTs, p.nowMs), isFree(p.nowMs), catalog.isOneOf(jobs.kind, p.kinds)))
			.orderBy(jobs.dueTs, jobs.id)
			.limit(p.limit.placeholder),
	);
	const find = core.one<{kind: string; key: string}, JobRow>((p) =>
		build
			.select()
			.from(jobs)
			.where(and(equals(jobs.kind, p.kind), equals(jobs.key, p.key))),
	);
	const free = dialect.maxOf(sql`${jobs.dueTs}`, sql`coalesce(${jobs.leasedUntilTs}, 0)`);
	const nextDue = core.one<{kinds: readonly string[]}, {dueTs: number | null}>((p) =>
		build
			.select({dueTs: sql<number | null>`min(${free})`})
			.from(jobs)
			.where(catalog.isOneOf(jobs.kind, p.kinds)),
	);
	const fresh = {id: freshId, attempts: 0, leasedUntilTs: null} as const;
	return {
		add(batch, job) {
			add(batch, {...job, ...fresh});
			batch.announce({kind: 'job', subject: job.kind});
		},
		addRegular: (batch, kind, dueTs) => add(batch, {kind, key: '', payload: {}, dueTs, ...fresh}),
		resetRegular: (batch, kind, dueTs) => reset(batch, {kind, key: '', payload: {}, dueTs}),
		lease: (batch, id, nowMs, untilTs) => lease(batch, {id, nowMs, untilTs}),
		renew: (batch, {id, untilTs}, longerTs) => leases.renew(batch, {id, untilTs, longerTs}),
		release: (batch, {id, untilTs}, {dueTs, attempts, payload}) =>
			leases.release(batch, {id, untilTs, dueTs, attempts, payload}),
		remove: (batch, {id, untilTs}) => leases.remove(batch, {id, untilTs}),
		releaseAll: (batch) => releaseAll(batch, {}),
		listDue: (kinds, nowMs, limit) => listDue({kinds, nowMs, limit: pageOf(limit)}),
		find: (kind, key) => find({kind, key}),
		findNextDue: async (kinds) => (await nextDue({kinds}))?.dueTs ?? undefined,
	};
}

/** Makes the repository of the server's own facts. */
export function createMeta(core: Core, commit: (batch: Batch) => Promise<void>): MetaRepository {
	const set = core.put(core.catalog.upsert(meta, ['name']));
	const add = core.put(core.catalog.insert(meta, {orIgnore: true}));
	const find = core.one<{name: string}, {value: string}>((p) =>
		build.select({value: meta.value}).from(meta).where(equals(meta.name, p.name)),
	);
	return {
		find: async (name) => (await find({name}))?.value,
		set: (batch, name, value) => set(batch, {name, value}),
		async findOrSet(name, value) {
			const known = await find({name});
			if (known !== undefined) return known.value;
			const batch = new Batch();
			add(batch, {name, value});
			await commit(batch);
			const stored = await find({name});
			if (stored === undefined) throw new StorageError('corrupt', 'a fact of the server vanished while it was stored');
			return stored.value;
		},
	};
}
