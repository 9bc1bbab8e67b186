import {type SQL, sql} from 'drizzle-orm';
import type {AnySQLiteColumn, SQLiteTable} from 'drizzle-orm/sqlite-core';
import {type Batch, Outcome} from '../batch.ts';
import {below} from '../catalog.ts';
import type {Core} from '../core.ts';

/** Distinct values whose rows one sweep removes at most: a commit with so many deletions takes the writer some milliseconds. */
const valuesMax = 500;

/** A removal of old rows, a bounded number at once. How many there were is known after the commit; 0: all are gone. */
export type Sweep = (batch: Batch, before: number) => Outcome<number>;

/** Makes a removal of the rows whose time or position is below a value, lowest first; `condition` narrows it down. */
export function sweepOlder(core: Core, table: SQLiteTable, order: AnySQLiteColumn, condition?: SQL): Sweep {
	const narrowed = condition === undefined ? sql`` : sql` and ${condition}`;
	const sweep = core.putReturning<{before: number}, {order: number}>(
		core.catalog.write<{before: number}>(
			(p) => sql`delete from ${table} where ${order} in
				(select distinct ${order} from ${table} where ${below(order, p.before)}${narrowed}
					order by ${order} limit ${sql.raw(String(valuesMax))})${narrowed}
				returning ${sql.identifier(order.name)}`,
			{order},
		),
	);
	return (batch, before) => {
		const rows = sweep(batch, {before});
		return new Outcome(() => rows.value.length);
	};
}

/** Makes one removal of several; its outcome is their sum. */
export function sweepAll(sweeps: readonly Sweep[]): Sweep {
	return (batch, before) => {
		const outcomes = sweeps.map((sweep) => sweep(batch, before));
		return new Outcome(() => outcomes.reduce((sum, {value}) => sum + value, 0));
	};
}
