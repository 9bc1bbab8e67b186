import {breathe} from '../../crypto/index.ts';

/** Rows that one page gives at most: a longer read would keep the event loop from others. */
const pageMax = 1000;

/** Gives the limit of a page. */
export function pageOf(limit: number): number {
	return Math.max(0, Math.min(Math.trunc(limit), pageMax));
}

/** Ids that one statement is asked for at most. */
const chunkMax = 1000;

/** Reads by many ids in steps that are each short. */
export async function readInChunks<Id, Row>(
	ids: readonly Id[],
	read: (chunk: readonly Id[]) => Promise<Row[]>,
): Promise<Row[]> {
	if (ids.length === 0) return [];
	if (ids.length <= chunkMax) return await read(ids);
	const rows: Row[] = [];
	for (let from = 0; from < ids.length; from += chunkMax) {
		for (const row of await read(ids.slice(from, from + chunkMax))) rows.push(row);
		// Reads of SQLite are done when they are asked for, so that a loop of them never waits.
		await breathe();
	}
	return rows;
}
