import {Html, html} from './html.ts';
import type {Language, TextKey} from './languages/index.ts';

/** First-strong isolate and its end: a name in another script does not turn the sentence around it. */
const ISOLATE = '\u2068';
const ISOLATE_END = '\u2069';

/**
 * Gives a text in a language, with its places filled. What is filled in is escaped, and kept apart from text of the
 * other direction; numbers have the digits of the language; {@link Html} stays as it is.
 */
export function say(
	language: Language,
	key: TextKey,
	values: Readonly<Record<string, string | number | Html>> = {},
): Html {
	const parts = language.texts[key].split(/\{(\w+)\}/u);
	const filled = parts.map((part, index) => {
		if (index % 2 === 0) return html`${part}`;
		const value = values[part];
		if (value === undefined) throw new Error(`no value for {${part}} of the text ${key}`);
		if (value instanceof Html) return value;
		const text = typeof value === 'number' ? new Intl.NumberFormat(language.tag).format(value) : value;
		return html`${ISOLATE}${text}${ISOLATE_END}`;
	});
	return new Html(filled.map((part) => part.text).join(''));
}

/** Gives a day as people write it who read this language, by the calendar that is theirs. @param ts any of its milliseconds */
export function sayDay({tag}: Language, ts: number): Html {
	const day = new Intl.DateTimeFormat(tag, {dateStyle: 'long', timeZone: 'UTC'}).format(ts);
	return html`<time datetime="${new Date(ts).toISOString().slice(0, 10)}"><bdi>${day}</bdi></time>`;
}
