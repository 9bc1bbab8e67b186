import type {ObjectSchema, SchemaKind} from '../validation/index.ts';
import {SchemaError} from '../validation/index.ts';
import {MatrixError} from './errors.ts';

/**
 * Reads the declared keys out of a query string: numbers and booleans are recognised where the schema wants them,
 * arrays take every value of a repeated key, everything else the first. Undeclared keys are left out.
 * @throws MatrixError M_MISSING_PARAM or M_INVALID_PARAM, naming the key
 */
export function readQuery<T>(schema: ObjectSchema<T>, search: URLSearchParams | undefined): T {
	const values: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
	if (search !== undefined) {
		for (const [key, part] of Object.entries(schema.shape)) {
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
