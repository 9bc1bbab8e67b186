/** Longer addresses are none of ours: the one of a client fits in, its characters percent-encoded. */
const CHARACTERS_MAX = 8192;

/** An origin that is nobody's, to read paths against. */
const NOWHERE = 'http://nowhere.invalid';

/**
 * Gives a path of our own with its query, as browsers read it; `undefined` where the text leads anywhere else. Browsers
 * take `//host`, `/\host` and texts with tabs in them for other hosts.
 */
export function ownPath(text: string | undefined): string | undefined {
	if (text === undefined || !text.startsWith('/') || text.length > CHARACTERS_MAX) return undefined;
	if (!URL.canParse(text, NOWHERE)) return undefined;
	const url = new URL(text, NOWHERE);
	const path = url.pathname + url.search;
	return url.origin === NOWHERE && !path.startsWith('//') ? path : undefined;
}
