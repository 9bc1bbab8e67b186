import {ar} from './ar/index.ts';
import {de} from './de/index.ts';
import {en} from './en/index.ts';
import {es} from './es/index.ts';
import {fa} from './fa/index.ts';
import {fr} from './fr/index.ts';

/** The name of a text; the English one says what it means. */
export type TextKey = keyof typeof en;

/** A language that pages are shown in. */
export interface Language {
	/** As in BCP 47: `de`. */
	readonly tag: string;
	/** What the language calls itself. */
	readonly name: string;
	readonly direction: 'ltr' | 'rtl';
	readonly texts: Readonly<Record<TextKey, string>>;
}

const english: Language = {tag: 'en', name: 'English', direction: 'ltr', texts: en};

/** Every language; the first is for whoever asks for none of them. To add one, copy a folder and add a row. */
export const languages: readonly Language[] = [
	english,
	{tag: 'ar', name: 'العربية', direction: 'rtl', texts: ar},
	{tag: 'de', name: 'Deutsch', direction: 'ltr', texts: de},
	{tag: 'es', name: 'Español', direction: 'ltr', texts: es},
	{tag: 'fa', name: 'فارسی', direction: 'rtl', texts: fa},
	{tag: 'fr', name: 'Français', direction: 'ltr', texts: fr},
];

/** Browsers name a handful of languages; more are not looked at. */
const ASKED_MAX = 20;

/**
 * Chooses the language of a page.
 * @param chosen the tag that the person chose before, if any
 * @param accepted the browser's `Accept-Language`
 */
export function chooseLanguage(chosen: string | undefined, accepted: string | undefined): Language {
	return findLanguage(chosen) ?? listAsked(accepted).map(findLanguage).find(Boolean) ?? english;
}

/** Finds a language by its tag; regions do not count: `fr-CA` is `fr`. */
export function findLanguage(tag: string | undefined): Language | undefined {
	const primary = tag?.split('-', 1)[0]?.toLowerCase();
	return languages.find((language) => language.tag === primary);
}

/** The tags that a browser asks for, those it likes most first. */
function listAsked(accepted = ''): string[] {
	return accepted
		.split(',', ASKED_MAX)
		.map((part) => {
			const [tag = '', quality] = part.split(';', 2);
			const weight = quality === undefined ? 1 : Number(/^\s*q=([\d.]{1,5})\s*$/u.exec(quality)?.[1] ?? 0);
			return {tag: tag.trim(), weight};
		})
		.filter(({weight}) => weight > 0)
		.toSorted((left, right) => right.weight - left.weight)
		.map(({tag}) => tag);
}
