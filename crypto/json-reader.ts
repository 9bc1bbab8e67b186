import {isAscii, isUtf8} from 'node:buffer';
import {isJsonObject, type JsonObject, type JsonValue, LosslessNumber} from './json.ts';
import {type JsonDefect, JsonSyntaxError} from './json-fault.ts';
import {parseJson} from './json-parser.ts';
import {scanJson} from './json-scan.ts';

/** The deepest nesting of a federation body, counted from the body's outermost array or object. */
export const federationDepthMax = 512;
/** The deepest nesting of a client's body. */
const clientDepthMax = 100;

/** Limits of a reading. */
export interface ReadJsonOptions {
	/** How deep arrays and objects may be nested; the outermost counts as 1. */
	readonly depthMax?: number;
}

/** How a client's body is read. */
export interface ReadClientJsonOptions extends ReadJsonOptions {
	/**
	 * `plain` (the default): every number is a JavaScript number, so `1.0` is 1. `lossless`: as {@link readJson} does,
	 * for content that becomes an event.
	 */
	readonly numbers?: 'plain' | 'lossless';
}

/** What was read, and what is wrong with parts of it. */
export interface JsonReading {
	readonly value: JsonValue;
	/** In the order of the text; empty for nearly all. */
	readonly defects: readonly JsonDefect[];
}

/**
 * Reads JSON from bytes, strictly and without loss: integers within ±(2^53−1) become numbers, all other numbers (`1.0`,
 * `1e2`, `-0`, long integers) become LosslessNumber; objects have a null prototype, so that `__proto__` is a key like any
 * other. Text already decoded may be given instead of bytes.
 *
 * Defects that concern one part of the body (duplicate keys, lone surrogates, nesting beyond the limit of 512) are listed,
 * so that a transaction loses only that part. Throws {@link JsonSyntaxError} for everything else that is not JSON, invalid
 * UTF-8 and a byte order mark included. Takes linear time and no recursion, whatever comes.
 */
export function readJson(input: Uint8Array | string, options: ReadJsonOptions = {}): JsonReading {
	const text = decodeText(input);
	const depthMax = options.depthMax ?? federationDepthMax;
	const scan = scanJson(text);
	if (!scan.hasLossyNumber && !scan.hasLoneSurrogate && scan.depth <= depthMax) {
		const value = parseNatively(text);
		// A duplicate key leaves fewer members than there are colons.
		if (value !== undefined && adopt(value).members === scan.members) return {value, defects: []};
	}
	return parseJson(text, depthMax);
}

/** Reads JSON as {@link readJson} does, and throws {@link JsonSyntaxError} for any defect too. */
export function readStrictJson(input: Uint8Array | string, options: ReadJsonOptions = {}): JsonValue {
	const {value, defects} = readJson(input, options);
	const [defect] = defects;
	if (defect !== undefined) throw new JsonSyntaxError(defect.reason);
	return value;
}

/**
 * Reads a client's body: as strict as {@link readStrictJson} about bytes, surrogates and nesting (at most 100), but numbers
 * are plain unless asked otherwise, and where a key occurs twice the last one counts. Numbers too large for a double are
 * refused.
 */
export function readClientJson(input: Uint8Array | string, options: ReadClientJsonOptions = {}): JsonValue {
	const text = decodeText(input);
	const depthMax = options.depthMax ?? clientDepthMax;
	const scan = scanJson(text);
	const wantsParser = scan.hasLossyNumber && options.numbers === 'lossless';
	if (!wantsParser && !scan.hasLoneSurrogate && scan.depth <= depthMax) {
		const value = parseNatively(text);
		if (value !== undefined) {
			if (!adopt(value).isFinite) throw new JsonSyntaxError('number_range');
			return value;
		}
	}
	const {value, defects} = parseJson(text, depthMax);
	const defect = defects.find(({reason}) => reason !== 'duplicate_key');
	if (defect !== undefined) throw new JsonSyntaxError(defect.reason);
	// Nothing that a client does, in a room of any version, has a number beyond a double.
	if (!adopt(value).isFinite) throw new JsonSyntaxError('number_range');
	return value;
}

/** Gives the text of a body. @throws JsonSyntaxError for what is no UTF-8, and for a byte order mark */
export function decodeText(input: Uint8Array | string): string {
	if (typeof input === 'string') {
		if (!input.isWellFormed()) throw new JsonSyntaxError('lone_surrogate');
		if (input.startsWith('\ufeff')) throw new JsonSyntaxError('byte_order_mark', 0);
		return input;
	}
	const bytes = Buffer.from(input.buffer, input.byteOffset, input.byteLength);
	// Nearly all bodies are, and are copied where others have to be decoded.
	if (isAscii(bytes)) return bytes.toString('latin1');
	const text = bytes.toString('utf8');
	if (!isUtf8(bytes)) {
		// Decoding has put U+FFFD where the bytes went wrong, which is the first place where encoding differs.
		const again = Buffer.from(text, 'utf8');
		throw new JsonSyntaxError(
			'utf8',
			bytes.findIndex((byte, index) => byte !== again[index]),
		);
	}
	if (text.startsWith('\ufeff')) throw new JsonSyntaxError('byte_order_mark', 0);
	return text;
}

/** Absent if the text is not JSON: the thorough parser then finds out where. */
function parseNatively(text: string): JsonValue | undefined {
	try {
		const value: JsonValue = JSON.parse(text);
		return value;
	} catch {
		return undefined;
	}
}

/** Takes every object's prototype away, in place, counts their members and looks for infinite numbers. */
function adopt(value: JsonValue): {members: number; isFinite: boolean} {
	let members = 0;
	let isFinite = true;
	const pending: (JsonValue[] | JsonObject)[] = [];
	const visit = (child: JsonValue | undefined) => {
		if (Array.isArray(child) || isJsonObject(child)) pending.push(child);
		else if (isInfinite(child)) isFinite = false;
	};
	visit(value);
	for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
		if (Array.isArray(item)) {
			for (const child of item) visit(child);
		} else {
			Object.setPrototypeOf(item, null);
			for (const key in item) {
				members += 1;
				visit(item[key]);
			}
		}
	}
	return {members, isFinite};
}

function isInfinite(value: JsonValue | undefined): boolean {
	const number = value instanceof LosslessNumber ? value.toJSON() : value;
	return typeof number === 'number' && !Number.isFinite(number);
}
