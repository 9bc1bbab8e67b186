import {LosslessNumber} from './json.ts';

/** How deep arrays and objects may be nested in what is encoded: twice what the reader lets in, so that wrapping never fails. */
const depthMax = 1024;

/** Why a value has no canonical form. */
export type CanonicalJsonFault = 'depth' | 'number' | 'surrogate' | 'type';

const faultTexts: Record<CanonicalJsonFault, string> = {
	depth: `at most ${depthMax} levels of nesting`,
	number: 'an integer from -(2^53)+1 to (2^53)-1',
	surrogate: 'strings without lone surrogates',
	type: 'null, a boolean, a number, a string, an array or a plain object',
};

/** Thrown for a value that canonical JSON cannot express. The text never repeats the value. */
export class CanonicalJsonError extends TypeError {
	override name = 'CanonicalJsonError' as const;
	readonly fault: CanonicalJsonFault;
	constructor(fault: CanonicalJsonFault) {
		super(`Canonical JSON: expected ${faultTexts[fault]}`);
		this.fault = fault;
	}
}

/**
 * Encodes a value as canonical JSON: the shortest form, keys sorted by code point.
 *
 * Throws {@link CanonicalJsonError} for what has no such form: fractions and unsafe integers given as JavaScript
 * numbers, lone surrogates, `undefined`, instances of classes, nesting beyond 1,024 levels. A {@link LosslessNumber}
 * (events of room versions 1 to 5) is written as the servers that made such events hash it.
 * @see https://spec.matrix.org/v1.19/appendices/#canonical-json
 */
export function canonicalJson(value: unknown): string {
	return encode(value, 0);
}

/** Encodes a value as the UTF-8 bytes of its canonical JSON: what is hashed and signed. */
export function canonicalJsonBytes(value: unknown): Uint8Array {
	return Buffer.from(encode(value, 0), 'utf8');
}

/**
 * Tells what keeps a value from being canonical by the letter, as room versions 6 and later demand: a number with a
 * fraction, an exponent or a minus before zero, an integer out of range, a lone surrogate. Absent if nothing does.
 * @see https://spec.matrix.org/v1.19/rooms/v6/#canonical-json
 */
export function findCanonicalFault(value: unknown): CanonicalJsonFault | undefined {
	const pending: {value: unknown; depth: number}[] = [{value, depth: 0}];
	for (let item = pending.pop(); item !== undefined; item = pending.pop()) {
		const fault = faultOf(item.value, item.depth);
		if (fault !== undefined) return fault;
		if (typeof item.value !== 'object' || item.value === null) continue;
		// Neither plain objects nor arrays inherit anything that is listed here, and nothing is made for it.
		for (const key in item.value) {
			if (!key.isWellFormed()) return 'surrogate';
			const child = (item.value as Readonly<Record<string, unknown>>)[key];
			// Most values are strings and numbers, and need not wait for their turn.
			if (typeof child === 'object') pending.push({value: child, depth: item.depth + 1});
			else {
				const childFault = faultOf(child, item.depth + 1);
				if (childFault !== undefined) return childFault;
			}
		}
	}
	return undefined;
}

function faultOf(value: unknown, depth: number): CanonicalJsonFault | undefined {
	if (typeof value === 'string') return value.isWellFormed() ? undefined : 'surrogate';
	if (typeof value === 'number') return Number.isSafeInteger(value) && !Object.is(value, -0) ? undefined : 'number';
	if (typeof value === 'boolean' || value === null) return undefined;
	if (typeof value !== 'object') return 'type';
	if (value instanceof LosslessNumber) return 'number';
	if (depth >= depthMax) return 'depth';
	return Array.isArray(value) || isPlainObject(value) ? undefined : 'type';
}

function encode(value: unknown, depth: number): string {
	if (typeof value === 'string') return encodeString(value);
	if (typeof value === 'number') {
		// -0 becomes 0, as in the specification's last example.
		if (!Number.isSafeInteger(value)) throw new CanonicalJsonError('number');
		return String(value);
	}
	if (typeof value === 'boolean') return value ? 'true' : 'false';
	if (value === null) return 'null';
	if (typeof value !== 'object') throw new CanonicalJsonError('type');
	if (depth >= depthMax) throw new CanonicalJsonError('depth');
	if (Array.isArray(value)) return encodeArray(value, depth);
	if (isPlainObject(value)) return encodeObject(value, depth);
	if (value instanceof LosslessNumber) return encodeLosslessNumber(value.raw);
	throw new CanonicalJsonError('type');
}

function isPlainObject(value: object): value is Record<string, unknown> {
	const prototype: unknown = Object.getPrototypeOf(value);
	return prototype === null || prototype === Object.prototype;
}

function encodeArray(values: unknown[], depth: number): string {
	let text = '[';
	let separator = '';
	for (const value of values) {
		text += separator + encode(value, depth + 1);
		separator = ',';
	}
	return `${text}]`;
}

function encodeObject(object: Record<string, unknown>, depth: number): string {
	let text = '{';
	let separator = '';
	for (const key of sortKeys(Object.keys(object))) {
		text += `${separator}${encodeString(key)}:${encode(object[key], depth + 1)}`;
		separator = ',';
	}
	return `${text}}`;
}

// Printable ASCII without the quotation mark and the reverse solidus stands for itself.
const plainText = /^[ !#-[\]-~]*$/;

function encodeString(text: string): string {
	if (plainText.test(text)) return `"${text}"`;
	if (!text.isWellFormed()) throw new CanonicalJsonError('surrogate');
	// For well-formed text the language's own form is the shortest: \b \t \n \f \r \" \\ and \u00xx in lower case.
	return JSON.stringify(text);
}

function sortKeys(keys: string[]): string[] {
	// UTF-16 order differs from code-point order only where a surrogate meets a unit above the surrogates.
	if (keys.some((key) => surrogate.test(key))) return keys.toSorted(compareCodePoints);
	return isSorted(keys) ? keys : keys.toSorted();
}

const surrogate = /[\ud800-\udfff]/;

/** What was read from canonical JSON is sorted already, and looking costs a tenth of sorting. */
function isSorted(keys: string[]): boolean {
	let previous = '';
	for (const key of keys) {
		if (key < previous) return false;
		previous = key;
	}
	return true;
}

/** Orders two strings by code point, which is also the order of their UTF-8 bytes. */
export function compareCodePoints(left: string, right: string): number {
	const length = Math.min(left.length, right.length);
	for (let index = 0; index < length; index += 1) {
		const a = left.charCodeAt(index);
		const b = right.charCodeAt(index);
		// Moving the surrogates above all other units makes the order of units that of code points.
		if (a !== b) return aboveSurrogates(a) - aboveSurrogates(b);
	}
	return left.length - right.length;
}

function aboveSurrogates(unit: number): number {
	if (unit < 0xd800) return unit;
	return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}

/**
 * Writes a number as Python's json module does after reading it, which is how the servers that made the events of room
 * versions 1 to 5 hashed them: integers of any length as they are, all else as the repr of a double.
 */
function encodeLosslessNumber(raw: string): string {
	if (/^-?\d+$/.test(raw)) return raw === '-0' ? '0' : raw;
	const value = Number(raw);
	if (!Number.isFinite(value)) throw new CanonicalJsonError('number');
	return encodeDouble(value);
}

/** Gives Python's repr of a double: `1.0`, `1e+16`, `1.5e-07`. */
function encodeDouble(value: number): string {
	if (value === 0) return Object.is(value, -0) ? '-0.0' : '0.0';
	const [mantissa = '', exponentText = ''] = Math.abs(value).toExponential().split('e');
	const digits = mantissa.replace('.', '');
	const exponent = Number(exponentText);
	const sign = value < 0 ? '-' : '';
	if (exponent < -4 || exponent >= 16) {
		const exponentDigits = String(Math.abs(exponent)).padStart(2, '0');
		return `${sign}${mantissa}e${exponent < 0 ? '-' : '+'}${exponentDigits}`;
	}
	if (exponent < 0) return `${sign}0.${'0'.repeat(-exponent - 1)}${digits}`;
	const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, '0');
	return `${sign}${whole}.${digits.slice(exponent + 1) || '0'}`;
}
