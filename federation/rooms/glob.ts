/** A pattern in which `*` stands for any characters and `?` for exactly one. */
export interface Glob {
	/** What stands between the stars; empty pieces between neighbouring stars are left out. */
	readonly pieces: readonly string[];
	readonly startsWithStar: boolean;
	readonly endsWithStar: boolean;
	/** The least number of characters that match. */
	readonly lengthMin: number;
}

/** Takes a pattern apart. @see https://spec.matrix.org/v1.19/appendices/#glob-style-matching */
export function parseGlob(pattern: string): Glob {
	const pieces = pattern.split('*').filter((piece) => piece !== '');
	return {
		pieces,
		startsWithStar: pattern.startsWith('*'),
		endsWithStar: pattern.endsWith('*'),
		lengthMin: pieces.reduce((sum, piece) => sum + piece.length, 0),
	};
}

/**
 * Tells whether a whole text matches. Each piece is taken at its first possible place, which never needs to be taken
 * back: the work is at most the text's length times the pattern's, whatever the pattern.
 */
export function matchesGlob({pieces, startsWithStar, endsWithStar, lengthMin}: Glob, text: string): boolean {
	// Also keeps patterns longer than the text from costing anything.
	if (lengthMin > text.length) return false;
	const [only] = pieces;
	if (only === undefined) return startsWithStar || text === '';
	if (pieces.length === 1 && !startsWithStar && !endsWithStar) {
		return only.length === text.length && fits(only, text, 0);
	}
	let position = 0;
	let first = 0;
	let last = pieces.length;
	if (!startsWithStar) {
		if (!fits(only, text, 0)) return false;
		position = only.length;
		first = 1;
	}
	let end = text.length;
	if (!endsWithStar) {
		const final = pieces[last - 1] as string;
		end -= final.length;
		if (end < position || !fits(final, text, end)) return false;
		last -= 1;
	}
	for (let index = first; index < last; index += 1) {
		const piece = pieces[index] as string;
		const place = findPlace(piece, text, position, end);
		if (place === -1) return false;
		position = place + piece.length;
	}
	return true;
}

function findPlace(piece: string, text: string, from: number, end: number): number {
	if (!piece.includes('?')) {
		const place = text.indexOf(piece, from);
		return place + piece.length <= end ? place : -1;
	}
	for (let place = from; place + piece.length <= end; place += 1) {
		if (fits(piece, text, place)) return place;
	}
	return -1;
}

const anyCharacter = '?'.charCodeAt(0);

function fits(piece: string, text: string, place: number): boolean {
	for (let index = 0; index < piece.length; index += 1) {
		const unit = piece.charCodeAt(index);
		if (unit !== anyCharacter && unit !== text.charCodeAt(place + index)) return false;
	}
	return true;
}
