import {findPlaceByBits, type Glob, wordsPerCharacter} from '../../federation/rooms/index.ts';
import type {Effort} from './effort.ts';

const isWordCharacter = (text: string, index: number): boolean => /\w/.test(text.charAt(index));
const isBoundary = (text: string, index: number): boolean =>
	!isWordCharacter(text, index - 1) || !isWordCharacter(text, index);

/**
 * Tells whether a pattern occurs in a text as whole words: it begins where a word does not go on, and ends likewise. The
 * first piece is taken at its first fitting place and each later one at the first after it, which never needs to be taken
 * back, so the work grows with the text's length and the pattern's, whatever they are. Where no effort is left for it,
 * the pattern does not occur.
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules-conditions
 */
export function findsWords(
	{pieces, startsWithStar, endsWithStar, lengthMin}: Glob,
	text: string,
	effort: Effort,
): boolean {
	if (lengthMin > text.length) return false;
	if (pieces.length === 0) return startsWithStar;
	let position = 0;
	for (const [index, piece] of pieces.entries()) {
		const mustBegin = index === 0 && !startsWithStar;
		const mustEnd = index === pieces.length - 1 && !endsWithStar;
		const suits = (start: number): boolean => {
			const begins = !mustBegin || start === 0 || isBoundary(text, start);
			const end = start + piece.length;
			return begins && (!mustEnd || end === text.length || isBoundary(text, end));
		};
		const place = findPiece(piece, text, {from: position, suits, effort});
		if (place === -1) return false;
		position = place + piece.length;
	}
	return true;
}

interface Search {
	readonly from: number;
	readonly effort: Effort;
	readonly suits: (place: number) => boolean;
}

function findPiece(piece: string, text: string, {from, effort, suits}: Search): number {
	if (effort.isSpent) return -1;
	let start = from;
	if (!piece.includes('?')) {
		const place = text.indexOf(piece, start);
		effort.spend((place === -1 ? text.length : place) - start);
		if (place === -1 || suits(place)) return place;
		// From here the runtime's search would look at the same characters again for each place that does not suit.
		start = place + 1;
	}
	const place = findPlaceByBits(piece, text, {from: start, end: text.length, suits});
	effort.spendByBits((place === -1 ? text.length : place + piece.length) - start, wordsPerCharacter(piece));
	return place;
}
