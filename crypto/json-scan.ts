/** What a look at a JSON text's tokens tells before anything is parsed. Holds only if the text is valid JSON. */
export interface JsonScan {
	/** How many members all objects have together. */
	readonly members: number;
	/** The deepest nesting; the outermost array or object counts as 1. */
	readonly depth: number;
	/** There is a number that a JavaScript number may not hold, or not give back as it was written. */
	readonly hasLossyNumber: boolean;
	/** There is an escape sequence of a surrogate without its other half. */
	readonly hasLoneSurrogate: boolean;
}

/** Every integer of up to so many digits is below 2^53. */
const safeDigitsMax = 15;

const quote = 0x22;
const minus = 0x2d;
const dot = 0x2e;
const digit0 = 0x30;
const digit9 = 0x39;
const colon = 0x3a;
const reverseSolidus = 0x5c;

/**
 * Looks through a JSON text once, in linear time and without recursion. It checks no grammar: it is there to tell
 * whether the engine's own, much faster parser can be trusted with the text.
 */
export function scanJson(text: string): JsonScan {
	const strings = new StringSkipper(text);
	let members = 0;
	let depth = 0;
	let depthNow = 0;
	let hasLossyNumber = false;
	for (let index = 0; index < text.length; index += 1) {
		const unit = text.charCodeAt(index);
		if (unit === quote) {
			index = strings.skip(index);
		} else if (unit === colon) {
			members += 1;
		} else if (unit === 0x7b || unit === 0x5b) {
			depthNow += 1;
			if (depthNow > depth) depth = depthNow;
		} else if (unit === 0x7d || unit === 0x5d) {
			depthNow -= 1;
		} else if (unit === minus || (unit >= digit0 && unit <= digit9)) {
			const end = skipDigits(text, index + 1);
			hasLossyNumber ||= isLossyNumber(text, index, end);
			index = end - 1;
		}
	}
	return {members, depth, hasLossyNumber, hasLoneSurrogate: strings.hasLoneSurrogate};
}

function skipDigits(text: string, from: number): number {
	let index = from;
	for (let unit = text.charCodeAt(index); unit >= digit0 && unit <= digit9; unit = text.charCodeAt(index)) index += 1;
	return index;
}

/** Judges a run of digits with its sign and what follows it; errs on the side of lossy. */
function isLossyNumber(text: string, start: number, end: number): boolean {
	if (end - start > safeDigitsMax) return true;
	const next = text.charCodeAt(end);
	if (next === dot || next === 0x65 || next === 0x45) return true;
	return text.charCodeAt(start) === minus && text.charCodeAt(start + 1) === digit0;
}

/** Jumps over strings with the engine's own search; knows the next reverse solidus, so that none is searched twice. */
export class StringSkipper {
	hasLoneSurrogate = false;
	readonly #text: string;
	#escape: number;

	constructor(text: string) {
		this.#text = text;
		this.#escape = this.#findEscape(0);
	}

	/** Takes the place of an opening quotation mark, gives that of the closing one, or the end of an unfinished text. */
	skip(open: number): number {
		const text = this.#text;
		let end = text.indexOf('"', open + 1);
		if (this.#escape < open) this.#escape = this.#findEscape(open);
		while (this.#escape < end) {
			const next = this.#skipEscape(this.#escape);
			if (end < next) end = text.indexOf('"', next);
			this.#escape = this.#findEscape(next);
		}
		return end === -1 ? text.length : end;
	}

	#findEscape(from: number): number {
		const found = this.#text.indexOf('\\', from);
		return found === -1 ? Infinity : found;
	}

	#skipEscape(escape: number): number {
		const unit = escapedUnit(this.#text, escape);
		if (unit < 0xd800 || unit > 0xdfff) return escape + 2;
		const following = escapedUnit(this.#text, escape + 6);
		if (unit < 0xdc00 && following >= 0xdc00 && following <= 0xdfff) return escape + 12;
		this.hasLoneSurrogate = true;
		return escape + 2;
	}
}

/** Gives the code unit that `\uXXXX` at this place stands for, or -1 where there is no such escape. */
function escapedUnit(text: string, place: number): number {
	if (text.charCodeAt(place) !== reverseSolidus || text.charCodeAt(place + 1) !== 0x75) return -1;
	const digits = text.slice(place + 2, place + 6);
	return /^[\dA-Fa-f]{4}$/.test(digits) ? Number.parseInt(digits, 16) : -1;
}
