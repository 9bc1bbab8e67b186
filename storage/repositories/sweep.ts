import {sql} from 'drizzle-orm';
import type {AnySQLiteColumn, SQLiteTable} from 'drizzle-orm/sqlite-core';
import type {Batch} from '../batch.ts';
import {below} from '../catalog.ts';
import type {Core} from '../core.ts';

/** Distinct times whose rows one sweep removes at most, so that a commit stays short. */
const timesMax = 10_000;

/** Makes a removal of rows older than a time, oldest first, a bounded number at once. */
export function sweepOlder(
	core: Core,
	table: SQLiteTable,
	time: AnySQLiteColumn,
): (batch: Batch, beforeTs: number) => void {
	const sweep = core.put(
		core.catalog.write<{beforeTs: number}>(
			(p) => sql`delete from ${table} where ${time} in
				(select distinct ${time} from ${table} where ${below(time, p.beforeTs)} order by ${time} limit ${sql.raw(String(timesMax))})`,
		),
	);
	return (batch, beforeTs) => sweep(batch, {beforeTs});
}
