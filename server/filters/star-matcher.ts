/**
 * Gives a test for texts that match any of the patterns, in which `*` stands for any characters. Each piece between stars
 * is taken at its first possible place, so that the work grows with the lengths and not with their powers.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter_request_eventfilter
 */
export function starMatcher(patterns: readonly string[]): (text: string) => boolean {
	const exact = new Set(patterns.filter((pattern) => !pattern.includes('*')));
	const starred = patterns.filter((pattern) => pattern.includes('*')).map((pattern) => pattern.split('*'));
	return (text) => exact.has(text) || starred.some((pieces) => matchesPieces(pieces, text));
}

function matchesPieces(pieces: readonly string[], text: string): boolean {
	const first = pieces[0] ?? '';
	const last = pieces.at(-1) ?? '';
	if (!text.startsWith(first) || !text.endsWith(last) || text.length < first.length + last.length) return false;
	const end = text.length - last.length;
	let position = first.length;
	for (const piece of pieces.slice(1, -1)) {
		const place = text.indexOf(piece, position);
		if (place === -1 || place + piece.length > end) return false;
		position = place + piece.length;
	}
	return true;
}
