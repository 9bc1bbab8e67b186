import {defaultLanguage, findLanguage, type Language} from '../mail/index.ts';

/** Gives the language of mails to somebody who sees pages in this one. */
export function mailLanguage(tag: string): Language {
	return findLanguage(tag) ?? defaultLanguage;
}
