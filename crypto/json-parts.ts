import type {JsonObject, JsonValue} from './json.ts';
import {type JsonDefect, JsonSyntaxError} from './json-fault.ts';
import {defectsMax} from './json-parser.ts';
import {decodeText, federationDepthMax, type JsonReading, readJson} from './json-reader.ts';

/** Characters that are read before others get their turn: a few milliseconds, or some tens where the text is odd. */
const charactersAtOnce = 262_144;

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

/**
 * Reads what `readJson` reads, to the same end, a part at a time: the members of an outermost object, and the elements of
 * those that are lists. Between parts `breathe` is awaited. An answer of 100 MB would otherwise take a second of the
 * thread, and several where a single number in it is odd.
 */
export async function readJsonInParts(input: Uint8Array, breathe: () => Promise<void>): Promise<JsonReading> {
	return new PartReader(decodeText(input), breathe).read();
}

class PartReader {
	readonly #text: string;
	readonly #breathe: () => Promise<void>;
	readonly #defects: JsonDefect[] = [];
	#index = 0;
	#breathedAt = 0;

	constructor(text: string, breathe: () => Promise<void>) {
		this.#text = text;
		this.#breathe = breathe;
	}

	async read(): Promise<JsonReading> {
		if (!this.#take(openBrace)) return readJson(this.#text);
		const value: JsonObject = {};
		Object.setPrototypeOf(value, null);
		for (let members = 0; !this.#isAt(closeBrace); members += 1) {
			if (members > 0 && !this.#take(comma)) return this.#readWhole();
			const key = this.#readKey();
			// Of two members with one key the last counts, and more follows from it than is said here.
			if (key === undefined || !this.#take(colon) || Object.hasOwn(value, key)) return this.#readWhole();
			value[key] = this.#isAt(openBracket) ? await this.#readList(key) : this.#readPart(1, [key]);
			await this.#breatheInTime();
		}
		this.#index += 1;
		if (this.#nextUnit() !== undefined) return this.#readWhole();
		return {value, defects: this.#defects};
	}

	/** What is not as expected is left to the reader that says what is wrong with it, and where. */
	#readWhole(): JsonReading {
		return readJson(this.#text);
	}

	async #readList(key: string): Promise<JsonValue[]> {
		const items: JsonValue[] = [];
		this.#index += 1;
		while (!this.#isAt(closeBracket)) {
			if (items.length > 0 && !this.#take(comma)) throw new JsonSyntaxError('syntax', this.#index);
			items.push(this.#readPart(2, [key, items.length]));
			await this.#breatheInTime();
		}
		this.#index += 1;
		return items;
	}

	#breatheInTime(): Promise<void> | undefined {
		if (this.#index - this.#breathedAt < charactersAtOnce) return undefined;
		this.#breathedAt = this.#index;
		return this.#breathe();
	}

	/** Reads a value whose first character is next; so many arrays and objects are around it. */
	#readPart(depth: number, path: readonly (string | number)[]): JsonValue {
		const start = this.#index;
		this.#skipValue();
		const part = readJson(this.#text.slice(start, this.#index), {depthMax: federationDepthMax - depth});
		for (const defect of part.defects) this.#defects.push({...defect, path: [...path, ...defect.path]});
		if (this.#defects.length > defectsMax) throw new JsonSyntaxError('defects', start);
		return part.value;
	}

	/** Goes to the comma or closing bracket after a value, whatever the value is made of. */
	#skipValue(): void {
		for (let depth = 0; this.#index < this.#text.length; this.#index += 1) {
			const unit = this.#text.charCodeAt(this.#index);
			if (unit === quote) this.#index = this.#findEndOfString();
			else if (unit === openBrace || unit === openBracket) depth += 1;
			else if (unit === comma && depth === 0) return;
			else if (unit === closeBrace || unit === closeBracket) {
				if (depth === 0) return;
				depth -= 1;
			}
		}
	}

	#readKey(): string | undefined {
		if (!this.#isAt(quote)) return undefined;
		const end = this.#findEndOfString();
		const key = readJson(this.#text.slice(this.#index, end + 1));
		this.#index = end + 1;
		return typeof key.value === 'string' && key.defects.length === 0 ? key.value : undefined;
	}

	/** Gives the place of the quotation mark that ends the string that begins here. */
	#findEndOfString(): number {
		const text = this.#text;
		let end = text.indexOf('"', this.#index + 1);
		while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
		return end === -1 ? text.length : end;
	}

	#take(unit: number): boolean {
		if (!this.#isAt(unit)) return false;
		this.#index += 1;
		return true;
	}

	#isAt(unit: number): boolean {
		return this.#nextUnit() === unit;
	}

	/** Gives the next character that is no blank. */
	#nextUnit(): number | undefined {
		for (; this.#index < this.#text.length; this.#index += 1) {
			const unit = this.#text.charCodeAt(this.#index);
			if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return unit;
		}
		return undefined;
	}
}

/** Tells whether an odd number of reverse solidi stands before a place. */
function isEscaped(text: string, place: number): boolean {
	let index = place;
	while (text[index - 1] === '\\') index -= 1;
	return (place - index) % 2 === 1;
}
