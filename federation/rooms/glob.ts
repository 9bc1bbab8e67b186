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
 * back: the work grows with the text's length and the pattern's, whatever the pattern.
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
	if (piece.includes('?')) return findPlaceByBits(piece, text, {from, end});
	const place = text.indexOf(piece, from);
	return place + piece.length <= end ? place : -1;
}

const wordBits = 32;

/** Says how many words of bits each character of a text costs {@link findPlaceByBits}. */
export function wordsPerCharacter(piece: string): number {
	return Math.ceil(piece.length / wordBits);
}

/**
 * Finds the first place of a piece, in which `?` stands for any character, that begins at or after `from`, ends by `end`
 * and suits; -1 where there is none. It does so by the shift-and algorithm: a bit for each beginning of the piece that
 * ends at the current character, so 32 characters of the piece are compared at once, and no repetition in piece or text
 * makes it slower.
 */
export function findPlaceByBits(
	piece: string,
	text: string,
	{from, end, suits}: {readonly from: number; readonly end: number; readonly suits?: (place: number) => boolean},
): number {
	const masks = masksOf(piece);
	const other = masks.get(anyCharacter) as Int32Array;
	const state = new Int32Array(other.length);
	const last = piece.length - 1;
	for (let index = from; index < end; index += 1) {
		const mask = masks.get(text.charCodeAt(index)) ?? other;
		let carry = 1;
		for (let word = 0; word < state.length; word += 1) {
			const bits = state[word] as number;
			state[word] = ((bits << 1) | carry) & (mask[word] as number);
			carry = bits >>> (wordBits - 1);
		}
		const top = state[state.length - 1] as number;
		const isFound = (top & (1 << (last % wordBits))) !== 0;
		if (isFound && (suits === undefined || suits(index - last))) return index - last;
	}
	return -1;
}

/** Gives for each character the places of a piece where it may stand; for all not in the piece, those of `?`. */
function masksOf(piece: string): Map<number, Int32Array> {
	const any = new Int32Array(wordsPerCharacter(piece));
	const masks = new Map([[anyCharacter, any]]);
	for (let index = 0; index < piece.length; index += 1) {
		if (piece.charCodeAt(index) === anyCharacter) setBit(any, index);
	}
	for (let index = 0; index < piece.length; index += 1) {
		const unit = piece.charCodeAt(index);
		if (unit === anyCharacter) continue;
		const mask = masks.get(unit) ?? any.slice();
		setBit(mask, index);
		masks.set(unit, mask);
	}
	return masks;
}

function setBit(mask: Int32Array, index: number): void {
	const word = Math.floor(index / wordBits);
	mask[word] = (mask[word] as number) | (1 << (index % wordBits));
}

const anyCharacter = '?'.charCodeAt(0);

function fits(piece: string, text: string, place: number): boolean {
	for (let index = 0; index < piece.length; index += 1) {
		const unit = piece.charCodeAt(index);
		if (unit !== anyCharacter && unit !== text.charCodeAt(place + index)) return false;
	}
	return true;
}
