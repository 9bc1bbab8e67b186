import {type JsonObject, type JsonValue, LosslessNumber} from './json.ts';
import {type JsonDefect, type JsonFault, JsonSyntaxError} from './json-fault.ts';

/** A body with more defects than this is refused whole, so that an attacker cannot make us list them for ever. */
export const defectsMax = 1000;
/** Deeper nesting is refused whole; what is too deep but not as deep costs only its part. */
const nestingMax = 1_000_000;
/** Shorter strings are copied by the engine when they are cut out; longer ones would keep the whole body alive. */
const copiedLengthMax = 12;

const array = 0;
const object = 1;
const started = 2;

type Container = {readonly items: JsonValue[]} | {readonly members: JsonObject; key: string};

/**
 * Parses a well-formed text without loss, with its defects; see `readJson`, which asks this parser only where the
 * engine's own is not enough. Parts nested deeper than the limit become null, lone surrogates U+FFFD, and of
 * duplicate keys the last counts; each is listed.
 */
export function parseJson(text: string, depthMax: number): {value: JsonValue; defects: JsonDefect[]} {
	return new Parser(text, depthMax).parse();
}

class Parser {
	readonly #text: string;
	readonly #depthMax: number;
	readonly #defects: JsonDefect[] = [];
	/** The open containers that are kept, outermost first; none that is too deep. */
	readonly #containers: Container[] = [];
	/** For every open array or object, its kind and whether its first item has come. */
	readonly #open: number[] = [];
	#index = 0;
	#root: JsonValue = null;

	constructor(text: string, depthMax: number) {
		this.#text = text;
		this.#depthMax = depthMax;
	}

	parse(): {value: JsonValue; defects: JsonDefect[]} {
		this.#readValue();
		for (let top = this.#open.at(-1); top !== undefined; top = this.#open.at(-1)) {
			if ((top & object) === object) this.#continueObject(top);
			else this.#continueArray(top);
		}
		this.#skipBlanks();
		if (this.#index < this.#text.length) this.#fail('syntax');
		return {value: this.#root, defects: this.#defects};
	}

	#continueArray(top: number): void {
		this.#skipBlanks();
		if (this.#take(']')) return this.#close();
		this.#separate(top);
		this.#readValue();
	}

	#continueObject(top: number): void {
		this.#skipBlanks();
		if (this.#take('}')) return this.#close();
		this.#separate(top);
		this.#skipBlanks();
		if (this.#text[this.#index] !== '"') this.#fail('syntax');
		const key = this.#readString();
		const container = this.#current();
		if (container !== undefined && 'members' in container) {
			container.key = key.toWellFormed();
			if (container.key !== key) this.#report('lone_surrogate');
			if (Object.hasOwn(container.members, container.key)) this.#report('duplicate_key');
		}
		this.#skipBlanks();
		if (!this.#take(':')) this.#fail('syntax');
		this.#readValue();
	}

	/** Takes the comma that stands before every item but the first. */
	#separate(top: number): void {
		if ((top & started) === 0) this.#open[this.#open.length - 1] = top | started;
		else if (!this.#take(',')) this.#fail('syntax');
	}

	#readValue(): void {
		this.#skipBlanks();
		switch (this.#text.charAt(this.#index)) {
			case '{':
				return this.#openContainer(object);
			case '[':
				return this.#openContainer(array);
			case '"':
				return this.#placeString(this.#readString());
			case 't':
				return this.#readWord('true', true);
			case 'f':
				return this.#readWord('false', false);
			case 'n':
				return this.#readWord('null', null);
			default:
				return this.#readNumber();
		}
	}

	#openContainer(kind: typeof array | typeof object): void {
		this.#index += 1;
		if (this.#open.length >= nestingMax) this.#fail('depth');
		if (this.#isKept()) {
			if (this.#open.length >= this.#depthMax) {
				this.#report('depth');
				this.#place(null);
			} else {
				this.#enter(kind);
			}
		}
		this.#open.push(kind);
	}

	#enter(kind: typeof array | typeof object): void {
		if (kind === array) {
			const items: JsonValue[] = [];
			this.#place(items);
			this.#containers.push({items});
		} else {
			// Unlike Object.create(null), this keeps the engine's fast layout.
			const members: JsonObject = {};
			Object.setPrototypeOf(members, null);
			this.#place(members);
			this.#containers.push({members, key: ''});
		}
	}

	#close(): void {
		if (this.#isKept()) this.#containers.pop();
		this.#open.pop();
	}

	/** False inside of what is too deep: that is checked for its grammar and thrown away. */
	#isKept(): boolean {
		return this.#open.length === this.#containers.length;
	}

	#current(): Container | undefined {
		return this.#isKept() ? this.#containers.at(-1) : undefined;
	}

	#place(value: JsonValue): void {
		const container = this.#current();
		if (container === undefined) {
			if (this.#open.length === 0) this.#root = value;
		} else if ('items' in container) {
			container.items.push(value);
		} else {
			container.members[container.key] = value;
		}
	}

	#placeString(text: string): void {
		const wellFormed = text.toWellFormed();
		if (wellFormed !== text) this.#report('lone_surrogate');
		this.#place(wellFormed);
	}

	/** Cuts out a string, whose opening quotation mark is next. */
	#readString(): string {
		const start = this.#index;
		let end = this.#text.indexOf('"', start + 1);
		while (end !== -1 && this.#isEscaped(end)) end = this.#text.indexOf('"', end + 1);
		if (end === -1) this.#fail('syntax');
		this.#index = end + 1;
		if (end - start <= copiedLengthMax) {
			const text = this.#text.slice(start + 1, end);
			if (/^[ !#-[\]-\uffff]*$/.test(text)) return text;
		}
		try {
			return unquote(this.#text.slice(start, end + 1));
		} catch {
			this.#index = start;
			return this.#fail('syntax');
		}
	}

	/** Tells whether an odd number of reverse solidi stands before a place. */
	#isEscaped(place: number): boolean {
		let index = place;
		while (this.#text[index - 1] === '\\') index -= 1;
		return (place - index) % 2 === 1;
	}

	#readWord(word: string, value: boolean | null): void {
		if (!this.#text.startsWith(word, this.#index)) this.#fail('syntax');
		this.#index += word.length;
		this.#place(value);
	}

	#readNumber(): void {
		const pattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
		pattern.lastIndex = this.#index;
		const raw = pattern.exec(this.#text)?.[0];
		if (raw === undefined) return this.#fail('syntax');
		this.#index += raw.length;
		const value = Number(raw);
		const isPlain = Number.isSafeInteger(value) && raw !== '-0' && /^-?\d+$/.test(raw);
		this.#place(isPlain ? value : new LosslessNumber(copy(raw)));
	}

	#skipBlanks(): void {
		for (;;) {
			const unit = this.#text.charCodeAt(this.#index);
			if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
			this.#index += 1;
		}
	}

	#take(character: string): boolean {
		if (this.#text[this.#index] !== character) return false;
		this.#index += 1;
		return true;
	}

	#report(reason: JsonDefect['reason']): void {
		if (!this.#isKept()) return;
		if (this.#defects.length >= defectsMax) this.#fail('defects');
		const innermost = this.#containers.length - 1;
		const path = this.#containers.map((container, index) => {
			if ('members' in container) return container.key;
			// What is open has been placed already; what is being read has not.
			return index === innermost ? container.items.length : container.items.length - 1;
		});
		this.#defects.push({path, reason});
	}

	#fail(fault: JsonFault): never {
		throw new JsonSyntaxError(fault, Buffer.byteLength(this.#text.slice(0, this.#index)));
	}
}

/** Makes a copy that does not keep the text alive which it was cut from. */
function copy(text: string): string {
	return unquote(`"${text}"`);
}

/** Reads one string with its quotation marks. Throws SyntaxError for control characters and unknown escapes. */
function unquote(token: string): string {
	const text: unknown = JSON.parse(token);
	return String(text);
}
