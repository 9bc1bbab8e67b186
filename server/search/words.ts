import {isJsonObject, type JsonObject, sha256} from '../../crypto/index.ts';
import type {Pdu} from '../../federation/rooms/index.ts';
import type {Word} from '../../storage/index.ts';

/** Characters of a word that are told apart. */
const WORD_LENGTH_MAX = 64;
/** Words of one event that are indexed; the text of an event may have more than 10,000. */
const WORDS_MAX = 1_900;
/** Phrases of a search, and words of a phrase. */
const PHRASES_MAX = 20;
const PHRASE_WORDS_MAX = 20;

/** What of events is searched. */
export type SearchKey = 'content.body' | 'content.name' | 'content.topic';

export const searchKeys: readonly SearchKey[] = ['content.body', 'content.name', 'content.topic'];

const wordForm = /[\p{L}\p{N}\p{M}]+/gu;
/** Scripts that put no spaces between words: each character is a word, and a word is a phrase. */
const denseForm =
	/[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** Accents of Latin, Greek and Cyrillic, vowel signs of Hebrew and Arabic: people leave them out when they search. */
const accents = /[\u0300-\u036F\u0591-\u05C7\u064B-\u065F\u0670]/gu;
/** What stands before words that nobody said; no text has it among its words. */
const NAME_MARK = '\uE000';

/** Cuts a text into words: letters, digits and their marks, in lower case, without accents. */
export function wordsOf(text: string): Word[] {
	const plain = text.normalize('NFKD').replaceAll(accents, '').normalize('NFC').toLowerCase();
	const words: Word[] = [];
	for (const [run] of plain.matchAll(wordForm)) {
		if (!denseForm.test(run)) words.push(run.slice(0, WORD_LENGTH_MAX));
		else words.push(...cutDense(run));
	}
	return words;
}

function cutDense(run: string): Word[] {
	const words: Word[] = [];
	let word = '';
	for (const character of run) {
		if (!denseForm.test(character)) {
			word += character;
			continue;
		}
		if (word !== '') words.push(word.slice(0, WORD_LENGTH_MAX));
		words.push(character);
		word = '';
	}
	return word === '' ? words : [...words, word.slice(0, WORD_LENGTH_MAX)];
}

/** The word by which events of a room, of a sender, or with a key are found. */
export function nameWord(kind: 'key' | 'room' | 'sender', name: string): Word {
	// Only a part of a hash: what it finds is looked at again.
	return `${NAME_MARK}${kind}${Buffer.from(sha256(name)).toString('hex', 0, 8)}`;
}

/** Gives the text of an event that is searched, and the key that it is under; `undefined` where there is none. */
export function searchableOf({
	type,
	stateKey,
	content,
}: Pdu): {readonly key: SearchKey; readonly text: string} | undefined {
	if (type === 'm.room.message' && stateKey === undefined) return textUnder('content.body', content['body']);
	if (stateKey !== '') return undefined;
	if (type === 'm.room.name') return textUnder('content.name', content['name']);
	if (type !== 'm.room.topic') return undefined;
	return textUnder('content.topic', [content['topic'], plainTopicOf(content)].filter(isText).join('\n'));
}

const isText = (value: unknown): value is string => typeof value === 'string';

function textUnder(key: SearchKey, text: unknown): {readonly key: SearchKey; readonly text: string} | undefined {
	return isText(text) && text !== '' ? {key, text} : undefined;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#mroomtopic */
function plainTopicOf(content: JsonObject): string | undefined {
	const topic = content['m.topic'];
	const forms = isJsonObject(topic) ? topic['m.text'] : undefined;
	if (!Array.isArray(forms)) return undefined;
	const plain = forms.find((form) => isJsonObject(form) && (form['mimetype'] ?? 'text/plain') === 'text/plain');
	const body = isJsonObject(plain) ? plain['body'] : undefined;
	return isText(body) ? body : undefined;
}

/** Gives the words of an event as they are indexed; none where the event is not searched. */
export function indexedWordsOf(pdu: Pdu): Word[] {
	const searchable = searchableOf(pdu);
	if (!searchable) return [];
	const names = [nameWord('room', pdu.roomId), nameWord('sender', pdu.sender), nameWord('key', searchable.key)];
	return [...names, ...wordsOf(searchable.text).slice(0, WORDS_MAX)];
}

/** What somebody looks for: phrases that must be there, and phrases that must not. */
export interface SearchTerm {
	readonly phrases: readonly (readonly Word[])[];
	readonly excluded: readonly (readonly Word[])[];
}

/** Reads what somebody looks for: words, phrases in quotation marks, and, after a minus, what is not wanted. */
export function readTerm(term: string): SearchTerm {
	const phrases: Word[][] = [];
	const excluded: Word[][] = [];
	for (const [, minus, quoted, plain] of term.matchAll(/(-?)(?:"([^"]*)"?|([^\s"]+))/gu)) {
		const words = wordsOf(quoted ?? plain ?? '').slice(0, PHRASE_WORDS_MAX);
		if (words.length > 0 && phrases.length + excluded.length < PHRASES_MAX) (minus ? excluded : phrases).push(words);
	}
	return {phrases, excluded};
}

/** Says how well words fit what is looked for: the higher the better; 0 where they do not. */
export function rankOf(words: readonly Word[], {phrases, excluded}: SearchTerm): number {
	if (words.length === 0 || excluded.some((phrase) => countPhrase(words, phrase) > 0)) return 0;
	let rank = 0;
	for (const phrase of phrases) {
		const count = countPhrase(words, phrase);
		if (count === 0) return 0;
		// A word said twice says more, but not twice as much; in a long text it says less.
		rank += 1 + Math.log(count);
	}
	return rank / Math.sqrt(words.length);
}

function countPhrase(words: readonly Word[], phrase: readonly Word[]): number {
	let count = 0;
	for (let index = 0; index + phrase.length <= words.length; index += 1) {
		if (phrase.every((word, offset) => words[index + offset] === word)) count += 1;
	}
	return count;
}
