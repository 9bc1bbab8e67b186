import {type Param, type SQL, sql} from 'drizzle-orm';
import type {AnySQLiteColumn} from 'drizzle-orm/sqlite-core';
import type {Word, WordQuery} from './interfaces/search.ts';

/** What is looked for in the full-text index, as parameters of a statement. */
export interface WordSearch {
	readonly id: AnySQLiteColumn;
	/** As `encodeWordQuery` writes it. */
	readonly query: Param;
	readonly before: Param;
	readonly limit: Param;
}

/** The part of a dialect that is about full text. */
interface Words {
	encodeWords(words: readonly Word[]): string;
	encodeWordQuery(query: WordQuery): string;
	holdsWords(search: WordSearch): SQL;
}

const phraseOfFts = (words: readonly Word[]) => `"${words.join(' ').replaceAll('"', '""')}"`;
const choiceOfFts = (phrases: readonly (readonly Word[])[]) => `(${phrases.map(phraseOfFts).join(' OR ')})`;

/** FTS5 cuts words as we do, so text is words with spaces between. It walks matches from the highest rowid down. */
export const sqliteWords: Words = {
	encodeWords: (words) => words.join(' '),
	encodeWordQuery({all, none}) {
		const wanted = all.map(choiceOfFts).join(' AND ');
		return none.length === 0 ? wanted : `(${wanted}) NOT ${choiceOfFts(none)}`;
	},
	holdsWords: ({id, query, before, limit}) => sql`${id} in (select rowid from search_words
		where search_words match ${query} and rowid < ${before} order by rowid desc limit ${limit})`,
};

const lexeme = (word: Word) => `'${word.replaceAll(/['\\]/gu, '$&$&')}'`;
const phraseOfTs = (words: readonly Word[]) => words.map(lexeme).join(' <-> ');
const choiceOfTs = (phrases: readonly (readonly Word[])[]) =>
	`(${phrases.map((words) => `(${phraseOfTs(words)})`).join(' | ')})`;

/** A tsvector is written with the places of each word, so that PostgreSQL's own idea of words is not asked. */
export const postgresWords: Words = {
	encodeWords(words) {
		const places = new Map<Word, number[]>();
		for (const [index, word] of words.entries()) {
			const known = places.get(word);
			if (known) known.push(index + 1);
			else places.set(word, [index + 1]);
		}
		return [...places].map(([word, at]) => `${lexeme(word)}:${at.join(',')}`).join(' ');
	},
	encodeWordQuery({all, none}) {
		const wanted = all.map(choiceOfTs).join(' & ');
		return none.length === 0 ? wanted : `${wanted} & !${choiceOfTs(none)}`;
	},
	holdsWords: ({id, query, before}) => sql`lexemes @@ ${query}::tsquery and ${id} < ${before}`,
};
