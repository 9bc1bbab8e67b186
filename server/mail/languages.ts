/** The languages in which people are written to. */
const languages = ['en', 'fa', 'ar', 'de', 'fr', 'es'] as const;

/** One of {@link languages}. */
export type Language = (typeof languages)[number];

/** The one that people are written to in who have not said any. */
export const defaultLanguage: Language = 'en';

/** Narrows a text that came from outside or the database to a language that there is; otherwise `undefined`. */
export function findLanguage(text: unknown): Language | undefined {
	return languages.find((language) => language === text);
}
