import {
	breathe,
	decodeText,
	type JsonDefect,
	type JsonValue,
	JsonSyntaxError,
	readClientJson,
	readJson,
	readJsonInParts,
} from '../../crypto/index.ts';
import {MatrixError} from './errors.ts';

/**
 * Gives the text of a client's body.
 * @throws MatrixError M_NOT_JSON for what is no UTF-8, and for a byte order mark
 */
export function readClientText(bytes: Uint8Array): string {
	try {
		return decodeText(bytes);
	} catch (error) {
		throw toMatrixError(error);
	}
}

/**
 * Reads the JSON of a client.
 * @param numbers `lossless` for what becomes an event, where a fraction must be told from an integer; `plain` otherwise
 * @throws MatrixError M_NOT_JSON for what is no JSON in UTF-8; M_BAD_JSON for JSON that cannot be kept: too deep, lone
 * surrogates, numbers beyond a double
 */
export function readClientBody(body: Uint8Array | string, numbers: 'plain' | 'lossless'): JsonValue {
	try {
		return readClientJson(body, {numbers});
	} catch (error) {
		throw toMatrixError(error);
	}
}

/** The JSON of another server, and what is wrong with parts of it. */
export interface ServerBody {
	readonly value: JsonValue;
	readonly defects: readonly JsonDefect[];
}

/**
 * Bytes of a body that are read at once; longer ones are read in parts, so that others get their turn: the signature of a
 * server that may be anybody is known only after its body.
 */
const READ_WHOLE_MAX = 262_144;

/**
 * Reads the JSON of another server, without loss, as its hashes and signatures need it.
 * @throws MatrixError M_NOT_JSON for what is no JSON in UTF-8
 */
export function readServerBody(bytes: Uint8Array): ServerBody | Promise<ServerBody> {
	if (bytes.length > READ_WHOLE_MAX) return readLongBody(bytes);
	try {
		return readJson(bytes);
	} catch (error) {
		throw toMatrixError(error);
	}
}

async function readLongBody(bytes: Uint8Array): Promise<ServerBody> {
	try {
		return await readJsonInParts(bytes, breathe);
	} catch (error) {
		throw toMatrixError(error);
	}
}

function toMatrixError(error: unknown): unknown {
	if (!(error instanceof JsonSyntaxError)) {
		return error;
	}
	const isNoJson = error.fault === 'syntax' || error.fault === 'utf8' || error.fault === 'byte_order_mark';
	return new MatrixError(isNoJson ? 'M_NOT_JSON' : 'M_BAD_JSON', error.message);
}
