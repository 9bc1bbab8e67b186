/** Joins JSON texts to the text of an array. */
export function arrayText(texts: readonly string[]): string {
	return `[${texts.join(',')}]`;
}

/**
 * Joins JSON texts to the text of an object; keys without a text are left out. For answers that embed events, which are
 * text already: the edge sends the result with `rawJson`.
 */
export function objectText(texts: Readonly<Record<string, string | undefined>>): string {
	let joined = '';
	for (const key in texts) {
		const text = texts[key];
		if (text !== undefined) {
			joined += `${joined === '' ? '' : ','}${JSON.stringify(key)}:${text}`;
		}
	}
	return `{${joined}}`;
}
