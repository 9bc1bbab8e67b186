import {StorageError} from './errors.ts';

// NUL is legal in event strings but not in PostgreSQL's text. U+0001 escapes it, and itself; both databases store the
// same. The escape keeps the bytewise order of texts, and prefixes.
const escape = '\u0001';

/** Gives the form in which text is stored. @throws StorageError('invalid_text') for a lone surrogate. */
export function encodeText(text: string): string {
	if (!text.isWellFormed()) throw new StorageError('invalid_text', 'text with a lone surrogate cannot be stored');
	if (!text.includes('\0') && !text.includes(escape)) return text;
	return text.replaceAll(escape, `${escape}1`).replaceAll('\0', `${escape}0`);
}

/** Gives the text that was stored. */
export function decodeText(stored: string): string {
	if (!stored.includes(escape)) return stored;
	const [first, ...rest] = stored.split(escape);
	return first + rest.map((part) => (part.startsWith('0') ? '\0' : escape) + part.slice(1)).join('');
}
