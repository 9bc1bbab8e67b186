import {sql} from 'drizzle-orm';
import {JsonText} from '../batch.ts';

/** Where ids that follow the stream begin: above every id that was leased, 2^50. */
export const firstId = sql.raw('1125899906842624');

/**
 * Gives rows as one JSON list for a statement that inserts them all; their values are JSON texts and numbers. What costs
 * is each value that is handed to the writer, and a text that has to be escaped once more.
 */
export function listOf(rows: readonly (readonly (number | string)[])[]): JsonText {
	return new JsonText(`[${rows.map((row) => `[${row.join(',')}]`).join(',')}]`);
}
