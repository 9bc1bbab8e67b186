import {and, eq, sql} from 'drizzle-orm';
import {above, bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {CursorRow, CursorsRepository} from '../interfaces/transport.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';

const {cursors} = tables;

type Stored = typeof cursors.$inferSelect;

/** Counts characters as both databases' `substr` does: by code point. */
const characterCount = (text: string) => Array.from(text).length;

const rowOf = (row: Stored): CursorRow => ({
	name: row.name,
	acked: row.acked,
	inFlight:
		row.inFlightTxnId === null || row.inFlightTo === null || row.inFlightBody === null
			? null
			: {txnId: row.inFlightTxnId, to: row.inFlightTo, body: row.inFlightBody},
	failure:
		row.failingSinceTs === null || row.retryTs === null
			? null
			: {sinceTs: row.failingSinceTs, attempts: row.attempts, retryTs: row.retryTs},
});

function createWrites(core: Core) {
	const {catalog} = core;
	const held = {expect: {changes: 1, condition: 'cursor'}} as const;
	const freeze = core.put(
		catalog.write<{name: string; acked: number; txnId: string; to: number; body: string}>(
			(p) => sql`update ${cursors} set in_flight_txn_id = ${bind(cursors.inFlightTxnId, p.txnId)},
				in_flight_to = ${bind(cursors.inFlightTo, p.to)}, in_flight_body = ${bind(cursors.inFlightBody, p.body)}
				where ${equals(cursors.name, p.name)} and ${equals(cursors.acked, p.acked)} and in_flight_txn_id is null`,
		),
		held,
	);
	const advance = core.put(
		catalog.write<{name: string; from: number; to: number}>(
			(
				p,
			) => sql`update ${cursors} set acked = ${bind(cursors.acked, p.to)}, in_flight_txn_id = null, in_flight_to = null,
				in_flight_body = null, failing_since_ts = null, attempts = 0, retry_ts = null
				where ${equals(cursors.name, p.name)} and ${equals(cursors.acked, p.from)}`,
		),
		held,
	);
	return {
		add: core.put(catalog.insert(cursors, {orIgnore: true})),
		setFailure: core.put(catalog.update(cursors, ['failingSinceTs', 'attempts', 'retryTs'], ['name'])),
		remove: core.put(catalog.delete(cursors, ['name'])),
		freeze,
		advance,
	};
}

/** Makes the repository of cursors. */
export function createCursors(core: Core): CursorsRepository {
	const {add, setFailure, remove, freeze, advance} = createWrites(core);
	const find = core.one<{name: string}, Stored>((p) =>
		build.select().from(cursors).where(equals(cursors.name, p.name)),
	);
	const list = core.many<{prefix: string; length: number; after: string; limit: number}, Stored>((p) =>
		build
			.select()
			.from(cursors)
			.where(
				and(
					above(cursors.name, p.after),
					eq(
						sql`substr(${cursors.name}, 1, cast(${bind(cursors.acked, p.length)} as integer))`,
						bind(cursors.name, p.prefix),
					),
				),
			)
			.orderBy(cursors.name)
			.limit(p.limit.placeholder),
	);
	return {
		add: (batch, name, acked) =>
			add(batch, {
				name,
				acked,
				inFlightTxnId: null,
				inFlightTo: null,
				inFlightBody: null,
				failingSinceTs: null,
				attempts: 0,
				retryTs: null,
			}),
		freeze: (batch, name, acked, inFlight) => freeze(batch, {name, acked, ...inFlight}),
		advance: (batch, name, from, to) => advance(batch, {name, from, to}),
		setFailure: (batch, name, failure) =>
			setFailure(batch, {
				name,
				failingSinceTs: failure?.sinceTs ?? null,
				attempts: failure?.attempts ?? 0,
				retryTs: failure?.retryTs ?? null,
			}),
		remove: (batch, name) => remove(batch, {name}),
		async find(name) {
			const row = await find({name});
			return row === undefined ? undefined : rowOf(row);
		},
		async list(prefix, {after, limit}) {
			const rows = await list({prefix, length: characterCount(prefix), after: after ?? '', limit: pageOf(limit)});
			return rows.map(rowOf);
		},
	};
}
