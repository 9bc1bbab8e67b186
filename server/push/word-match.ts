import type {Glob} from '../../federation/rooms/index.ts';

const isWordCharacter = (text: string, index: number): boolean => /\w/.test(text.charAt(index));
const isBoundary = (text: string, index: number): boolean =>
	!isWordCharacter(text, index - 1) || !isWordCharacter(text, index);

/**
 * Tells whether a pattern occurs in a text as whole words: it begins where a word does not go on, and ends likewise. The
 * first piece is taken at its first fitting place and each later one at the first after it, which never needs to be taken
 * back, so the work grows with the product of the lengths at worst.
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules-conditions
 */
export function findsWords({pieces, startsWithStar, endsWithStar, lengthMin}: Glob, text: string): boolean {
	if (lengthMin > text.length) return false;
	if (pieces.length === 0) return startsWithStar;
	let position = 0;
	for (const [index, piece] of pieces.entries()) {
		const mustBegin = index === 0 && !startsWithStar;
		const mustEnd = index === pieces.length - 1 && !endsWithStar;
		const place = findPiece(text, piece, position, (start) => {
			const begins = !mustBegin || start === 0 || isBoundary(text, start);
			const end = start + piece.length;
			return begins && (!mustEnd || end === text.length || isBoundary(text, end));
		});
		if (place === -1) return false;
		position = place + piece.length;
	}
	return true;
}

function findPiece(text: string, piece: string, from: number, isFit: (start: number) => boolean): number {
	const hasWildcard = piece.includes('?');
	for (let start = from; start + piece.length <= text.length; start += 1) {
		const place = hasWildcard ? start : text.indexOf(piece, start);
		if (place === -1) return -1;
		if ((!hasWildcard || fits(text, piece, place)) && isFit(place)) return place;
		start = place;
	}
	return -1;
}

function fits(text: string, piece: string, place: number): boolean {
	for (let index = 0; index < piece.length; index += 1) {
		if (piece[index] !== '?' && piece[index] !== text[place + index]) return false;
	}
	return true;
}
