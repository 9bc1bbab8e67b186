import type {JsonValue} from '../../crypto/index.ts';
import {MatrixError} from './errors.ts';

/** Deeper bodies are refused before anything recurses over them. */
const depthMax = 100;

/** With the u flag a surrogate that is half of a pair is no match. */
const loneSurrogate = /\p{Surrogate}/u;
const utf8 = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});

/**
 * Reads the JSON of a client. Fractions are allowed (the order of a tag is one); what an event may hold is checked
 * where events are made.
 * @throws MatrixError M_NOT_JSON for what is no JSON in UTF-8, M_BAD_JSON for JSON that cannot be kept: too deep,
 * lone surrogates, numbers beyond a double
 */
export function readClientBody(bytes: Uint8Array): JsonValue {
	let value: JsonValue;
	try {
		value = JSON.parse(utf8.decode(bytes)) as JsonValue;
	} catch {
		throw new MatrixError('M_NOT_JSON', 'The body is not JSON in UTF-8');
	}
	checkValue(value, 1);
	return value;
}

function checkValue(value: JsonValue, depth: number): void {
	if (typeof value === 'string') {
		if (loneSurrogate.test(value)) {
			throw new MatrixError('M_BAD_JSON', 'A string of the body has a lone surrogate');
		}
	} else if (typeof value === 'number') {
		if (!Number.isFinite(value)) {
			throw new MatrixError('M_BAD_JSON', 'A number of the body is too large');
		}
	} else if (typeof value === 'object' && value !== null) {
		if (depth > depthMax) {
			throw new MatrixError('M_BAD_JSON', `The body is nested deeper than ${depthMax} levels`);
		}
		if (Array.isArray(value)) {
			for (const item of value) {
				checkValue(item, depth + 1);
			}
		} else {
			for (const [key, item] of Object.entries(value)) {
				checkValue(key, depth);
				checkValue(item as JsonValue, depth + 1);
			}
		}
	}
}
