import type {Database} from 'better-sqlite3';
import {sqliteWords, postgresWords} from '../words.ts';
import {tables} from '../schema/index.ts';
import {getTableName} from 'drizzle-orm';

/** A table as it is copied: every column as the database stores it. */
export interface CopiedTable {
	readonly name: string;
	readonly columns: readonly {readonly name: string; readonly type: 'integer' | 'text' | 'blob'}[];
	/** Which column holds the words of the full-text index, which each database writes in its own way; −1: none. */
	readonly wordsAt: number;
}

/** A row with its values in the order of the columns. */
export type CopiedRow = readonly unknown[];

const SEARCH_ENTRIES = getTableName(tables.searchEntries);

/** Lists the tables of ours that an SQLite database of this schema or an older one holds. */
export function listTables(db: Database): CopiedTable[] {
	const describe = db.prepare<[string], {name: string; type: string}>('select name, type from pragma_table_info(?)');
	return Object.values(tables)
		.map((table) => getTableName(table))
		.map((name) => {
			const columns = describe.all(name).map((column) => ({
				name: column.name,
				type: column.type.toLowerCase() as 'integer' | 'text' | 'blob',
			}));
			const wordsAt = name === SEARCH_ENTRIES ? columns.findIndex((column) => column.name === 'words') : -1;
			return {name, columns, wordsAt};
		})
		.filter(({columns}) => columns.length > 0);
}

/** Writes the names of columns for a statement; both databases quote alike. */
export function columnsOf({columns}: CopiedTable): string {
	return columns.map(({name}) => `"${name}"`).join(', ');
}

/** Gives a row with the words of the full-text index as the other database writes them. */
export function translateRow(row: CopiedRow, {wordsAt}: CopiedTable, to: 'sqlite' | 'postgres'): CopiedRow {
	if (wordsAt < 0) return row;
	const words = row[wordsAt] as string;
	return row.with(wordsAt, to === 'sqlite' ? sqliteWords.encodeWords(readLexemes(words)) : encodeLexemes(words));
}

const encodeLexemes = (words: string): string => postgresWords.encodeWords(words.split(' '));

/** Reads the words that PostgreSQL's side was given, back into their order. */
function readLexemes(text: string): string[] {
	const words: string[] = [];
	for (const [, lexeme = '', places = ''] of text.matchAll(/'((?:[^'\\]|''|\\\\)*)':([\d,]+)/gu)) {
		const word = lexeme.replaceAll(/(['\\])\1/gu, '$1');
		for (const place of places.split(',')) words[Number(place) - 1] = word;
	}
	return words.filter((word) => word !== undefined);
}
