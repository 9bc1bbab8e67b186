import type {Schema, SchemaKind} from '../validation/index.ts';
import {SchemaError} from '../validation/index.ts';
import {MatrixError} from './errors.ts';

/**
 * Reads the declared keys out of a query string: numbers and booleans are recognised where the schema wants them,
 * arrays take every value of a repeated key, everything else the first. Undeclared keys are left out.
 * @throws MatrixError M_MISSING_PARAM or M_INVALID_PARAM, naming the key
 */
export function readQuery<T>(schema: Schema<T>, search: URLSearchParams | undefined): T {
	const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
	if (search !== undefined) {
		for (const [key, part] of Object.entries(schema.shape ?? {})) {
			const value = part.kind === 'array' ? search.getAll(key) : search.get(key);
			if (value !== null && !(Array.isArray(value) && value.length === 0)) {
				values[key] = typeof value === 'string' ? convert(value, part.kind) : value;
			}
		}
	}
	try {
		return schema.check(values, '');
	} catch (error) {
		if (error instanceof SchemaError) {
			throw new MatrixError(error.code === 'missing' ? 'M_MISSING_PARAM' : 'M_INVALID_PARAM', error.message);
		}
		throw error;
	}
}

/**
 * Reads the fields of a page's form (application/x-www-form-urlencoded) as those of a query.
 * @throws MatrixError as for a query
 */
export function readForm<T>(schema: Schema<T>, bytes: Uint8Array): T {
	return readQuery(schema, new URLSearchParams(Buffer.from(bytes).toString('utf8')));
}

/** What is not of the wanted form stays text, for the schema to refuse. */
function convert(text: string, kind: SchemaKind): unknown {
	if (kind === 'integer' && /^-?\d{1,16}$/u.test(text)) {
		return Number(text);
	}
	if (kind === 'number' && /^-?\d{1,16}(?:\.\d{1,16})?$/u.test(text)) {
		return Number(text);
	}
	if (kind === 'boolean' && (text === 'true' || text === 'false')) {
		return text === 'true';
	}
	return text;
}
