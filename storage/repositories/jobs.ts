import {and, sql} from 'drizzle-orm';
import type {JsonObject} from '../../crypto/index.ts';
import {Batch} from '../batch.ts';
import {bind, build, equals} from '../catalog.ts';
import {type Core, freshId} from '../core.ts';
import {StorageError} from '../errors.ts';
import type {JobRow, JobsRepository, MetaRepository} from '../interfaces/transport.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';

const {jobs, meta} = tables;

/** Makes the repository of background jobs. */
export function createJobs(core: Core): JobsRepository {
	const {catalog, dialect} = core;
	const earlier = dialect.minOf(sql`${jobs.dueTs}`, sql`excluded.due_ts`);
	const add = core.put(catalog.insertOrUpdate(jobs, ['kind', 'key'], {dueTs: earlier}));
	const isFree = (now: Parameters<typeof bind>[1]) =>
		sql`(${jobs.leasedUntilTs} is null or ${jobs.leasedUntilTs} <= ${bind(jobs.leasedUntilTs, now)})`;
	const lease = core.put(
		catalog.write<{id: number; nowMs: number; untilMs: number}>(
			(p) => sql`update ${jobs} set leased_until_ts = ${bind(jobs.leasedUntilTs, p.untilMs)}
				where ${equals(jobs.id, p.id)} and ${isFree(p.nowMs)}`,
		),
		{expect: {changes: 1, condition: 'job'}},
	);
	const postpone = core.put(
		catalog.write<{id: number; dueTs: number; payload: JsonObject | null}>(
			(
				p,
			) => sql`update ${jobs} set due_ts = ${bind(jobs.dueTs, p.dueTs)}, attempts = attempts + 1, leased_until_ts = null,
				payload = coalesce(${bind(jobs.payload, p.payload)}, payload) where ${equals(jobs.id, p.id)}`,
		),
	);
	const remove = core.put(catalog.delete(jobs, ['id']));
	const listDue = core.many<{nowMs: number; limit: number}, JobRow>((p) =>
		build
			.select()
			.from(jobs)
			.where(and(sql`${jobs.dueTs} <= ${bind(jobs.dueTs, p.nowMs)}`, isFree(p.nowMs)))
			.orderBy(jobs.dueTs, jobs.id)
			.limit(p.limit.placeholder),
	);
	const find = core.one<{kind: string; key: string}, JobRow>((p) =>
		build
			.select()
			.from(jobs)
			.where(and(equals(jobs.kind, p.kind), equals(jobs.key, p.key))),
	);
	const nextDue = core.one<object, {dueTs: number}>(() =>
		build.select({dueTs: jobs.dueTs}).from(jobs).orderBy(jobs.dueTs).limit(1),
	);
	return {
		add: (batch, job) => add(batch, {...job, id: freshId, attempts: 0, leasedUntilTs: null}),
		lease: (batch, id, nowMs, untilMs) => lease(batch, {id, nowMs, untilMs}),
		postpone: (batch, id, dueTs, payload) => postpone(batch, {id, dueTs, payload: payload ?? null}),
		remove: (batch, id) => remove(batch, {id}),
		listDue: (nowMs, limit) => listDue({nowMs, limit: pageOf(limit)}),
		find: (kind, key) => find({kind, key}),
		findNextDue: async () => (await nextDue({}))?.dueTs,
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
