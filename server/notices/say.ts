import type {Language} from '../mail/index.ts';
import {type NoticeTexts, texts} from './languages/index.ts';

/** First-strong isolate and its end: a name in another script does not turn the sentence around it. */
const ISOLATE = '\u2068';
const ISOLATE_END = '\u2069';

/** Gives a text in a language, with its places filled; links stand bare, so that programs find their ends. */
export function say(
	language: Language,
	key: keyof NoticeTexts,
	values: Readonly<Record<string, string | number>> = {},
): string {
	return texts[language][key]
		.split(/\{(\w+)\}/u)
		.map((part, index) => {
			if (index % 2 === 0) return part;
			const value = values[part];
			if (value === undefined) throw new Error(`no value for {${part}} of the text ${key}`);
			return /^https?:/u.test(String(value)) ? String(value) : `${ISOLATE}${value}${ISOLATE_END}`;
		})
		.join('');
}

/** Says day and time in a language, in a time zone of the IANA database; in UTC where there is no such zone. */
export function sayTime(language: Language, ts: number, timeZone: unknown): string {
	const options: Intl.DateTimeFormatOptions = {
		weekday: 'long',
		year: 'numeric',
		month: 'long',
		day: 'numeric',
		hour: '2-digit',
		minute: '2-digit',
		timeZoneName: 'short',
	};
	if (typeof timeZone === 'string') {
		try {
			return new Intl.DateTimeFormat(language, {...options, timeZone}).format(ts);
		} catch (error) {
			if (!(error instanceof RangeError)) throw error;
		}
	}
	return new Intl.DateTimeFormat(language, {...options, timeZone: 'UTC'}).format(ts);
}
