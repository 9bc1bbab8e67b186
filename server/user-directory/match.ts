import {localpartOf, type UserId} from '../../crypto/index.ts';

/** Words of a search that are looked for; names have few. */
const WORDS_MAX = 10;

/** Somebody who may be found, with the texts that are compared. */
export interface Person {
	readonly userId: UserId;
	readonly displayName: string | undefined;
	readonly avatarUrl: string | undefined;
	/** {@link fold} of user id and name. */
	readonly folded: {readonly userId: string; readonly localpart: string; readonly name: string};
}

/** What is looked for. */
export interface Term {
	readonly whole: string;
	readonly words: readonly string[];
}

/** How well somebody matches; the lower, the better. */
export type Rank = 0 | 1 | 2 | 3;

/** Gives the form in which texts are compared: neither case nor the way that a character is composed tells them apart. */
export function fold(text: string): string {
	return text.normalize('NFKC').toLowerCase();
}

/** Makes somebody who may be found. */
export function toPerson(
	userId: UserId,
	profile: {readonly displayname?: unknown; readonly avatar_url?: unknown},
): Person {
	const displayName = typeof profile.displayname === 'string' ? profile.displayname : undefined;
	return {
		userId,
		displayName,
		avatarUrl: typeof profile.avatar_url === 'string' ? profile.avatar_url : undefined,
		folded: {userId: fold(userId), localpart: fold(localpartOf(userId)), name: fold(displayName ?? '')},
	};
}

/** Reads what is looked for; `undefined` where that is nothing. */
export function readTerm(text: string): Term | undefined {
	const whole = fold(text).trim();
	const words = whole.split(/\s+/u).filter((word) => word !== '');
	return words.length === 0 ? undefined : {whole, words: words.slice(0, WORDS_MAX)};
}

/** Tells how well somebody matches: each word must be in the user id or in the name. */
export function rankOf({folded: {userId, localpart, name}}: Person, {whole, words}: Term): Rank | undefined {
	if (!words.every((word) => name.includes(word) || userId.includes(word))) return undefined;
	if (whole === userId || whole === localpart || whole === name) return 0;
	if (name.startsWith(whole) || localpart.startsWith(whole) || userId.startsWith(whole)) return 1;
	const beginnings = ` ${name} ${localpart.replaceAll(/[._=/+-]/gu, ' ')}`;
	return words.every((word) => beginnings.includes(` ${word}`)) ? 2 : 3;
}

/** Who comes before whom: by rank, then those of whom there is a profile, then by user id. */
export function compareFound(a: Found, b: Found): number {
	return a.rank - b.rank || hasProfile(b) - hasProfile(a) || (a.person.userId < b.person.userId ? -1 : 1);
}

/** Somebody who matches. */
export interface Found {
	readonly person: Person;
	readonly rank: Rank;
}

const hasProfile = ({person: {displayName, avatarUrl}}: Found): number =>
	displayName === undefined && avatarUrl === undefined ? 0 : 1;
