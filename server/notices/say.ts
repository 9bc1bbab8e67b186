import type {Language} from '../mail/index.ts';
import {type NoticeTexts, texts} from './languages/index.ts';

/** First-strong isolate and its end: a name in another script does not turn the sentence around it. */
const ISOLATE = '\u2068';
const ISOLATE_END = '\u2069';

/** What the places of a text are filled with, by their names. */
export type Values = Readonly<Record<string, string | number>>;

/** Gives a text in a language, with its places filled; links stand bare, so that programs find their ends. */
export function say(language: Language, key: keyof NoticeTexts, values: Values = {}): string {
	return fill(language, key, values, {text: (part) => part, link: (url) => url});
}

/** Gives the same text as HTML, in which links can be pressed. @param labels what stands for a link, by its place */
export function sayHtml(
	language: Language,
	key: keyof NoticeTexts,
	values: Values,
	labels: Readonly<Record<string, string>>,
): string {
	const link = (url: string, place: string) => `<a href="${escapeHtml(url)}">${escapeHtml(labels[place] ?? url)}</a>`;
	return fill(language, key, values, {text: escapeHtml, link});
}

const escapeHtml = (text: string): string => text.replaceAll(/[&<>"']/gu, (it) => `&#${it.codePointAt(0)};`);

/** How the parts of a text are written. */
interface Writing {
	readonly text: (part: string) => string;
	readonly link: (url: string, place: string) => string;
}

function fill(language: Language, key: keyof NoticeTexts, values: Values, {text, link}: Writing): string {
	return texts[language][key]
		.split(/\{(\w+)\}/u)
		.map((part, index) => {
			if (index % 2 === 0) return text(part);
			const value = values[part];
			if (value === undefined) throw new Error(`no value for {${part}} of the text ${key}`);
			const said = String(value);
			return /^https?:/u.test(said) ? link(said, part) : text(`${ISOLATE}${said}${ISOLATE_END}`);
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
