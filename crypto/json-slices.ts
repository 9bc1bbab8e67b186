import {StringSkipper} from './json-scan.ts';

const quote = 0x22;
const comma = 0x2c;
const colon = 0x3a;
const [objectOpener, arrayOpener] = [0x7b, 0x5b];
const [objectCloser, arrayCloser] = [0x7d, 0x5d];

/**
 * Cuts the members of the members of one member out of a JSON text: with `messages`, from
 * `{"messages": {"a": {"b": {}}}}` the text `{}` of `a` and `b`. What was cut out says the same as what a parser reads
 * there, and is cheaper than writing that down again.
 *
 * The text must have been read as JSON, and found to be an object whose member is an object of objects; of keys that occur
 * twice the last one counts. Takes linear time and no recursion.
 */
export function sliceMembers(text: string, member: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
	return new Slicer(text, member).slice();
}

class Slicer {
	readonly #text: string;
	readonly #member: string;
	readonly #found = new Map<string, Map<string, string>>();
	#isWanted = false;
	#inner = new Map<string, string>();
	#innerKey = '';
	/** Where the value of the inner key begins; −1 where there is none. */
	#valueFrom = -1;
	/** Where the last string begins and ends, quotation marks included. */
	#stringFrom = 0;
	#stringTo = 0;

	constructor(text: string, member: string) {
		this.#text = text;
		this.#member = member;
	}

	slice(): ReadonlyMap<string, ReadonlyMap<string, string>> {
		const text = this.#text;
		const strings = new StringSkipper(text);
		let depth = 0;
		for (let index = 0; index < text.length; index += 1) {
			const unit = text.charCodeAt(index);
			if (unit === quote) {
				this.#stringFrom = index;
				index = strings.skip(index);
				this.#stringTo = index + 1;
			} else if (unit === colon) {
				if (depth <= 3) this.#begin(depth, index + 1);
			} else if (unit === objectOpener || unit === arrayOpener) {
				depth += 1;
			} else if (unit === objectCloser || unit === arrayCloser) {
				if (depth === 3) this.#end(index);
				depth -= 1;
			} else if (unit === comma && depth === 3) {
				this.#end(index);
			}
		}
		return this.#found;
	}

	#begin(depth: number, index: number): void {
		if (depth === 1) {
			this.#isWanted = this.#readKey() === this.#member;
			if (this.#isWanted) this.#found.clear();
		} else if (this.#isWanted && depth === 2) {
			this.#inner = new Map();
			this.#found.set(this.#readKey(), this.#inner);
		} else if (this.#isWanted) {
			this.#innerKey = this.#readKey();
			this.#valueFrom = index;
		}
	}

	#end(index: number): void {
		if (this.#valueFrom === -1) return;
		this.#inner.set(this.#innerKey, this.#text.slice(this.#valueFrom, index).trim());
		this.#valueFrom = -1;
	}

	#readKey(): string {
		const key = this.#text.slice(this.#stringFrom, this.#stringTo);
		return key.includes('\\') ? (JSON.parse(key) as string) : key.slice(1, -1);
	}
}
