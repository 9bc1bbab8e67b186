/** How a value from a query string is read before it is checked. */
export type SchemaKind = 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'other';

/**
 * Checks one JSON value. Schemas never copy or change what they check: unknown keys are kept,
 * and the value that comes out is the one that went in, with a type.
 */
export interface Schema<T> {
	readonly kind: SchemaKind;
	/** An absent key is fine; the checker is not asked then. */
	readonly isOptional: boolean;
	/** Of objects: the schemas of their keys. */
	readonly shape?: Readonly<Record<string, Schema<unknown>>>;
	/** What a caller is told to send, as in "expected a string". */
	readonly expected: string;
	/**
	 * Returns the value, typed.
	 * @param path where the value stands in the document (`content.body`), empty for the document itself
	 * @throws SchemaError naming the path of the first part that is wrong
	 */
	check(value: unknown, path: string): T;
}

/** A schema of an object whose keys are known. */
export interface ObjectSchema<T> extends Schema<T> {
	readonly shape: Readonly<Record<string, Schema<unknown>>>;
}

/** A schema of a key that may be absent. */
export interface OptionalSchema<T> extends Schema<T> {
	readonly isOptional: true;
}

/** The type that a schema gives to what it has checked. */
export type Infer<S> = S extends Schema<infer T> ? T : never;

/** A value from outside did not have the declared form. */
export class SchemaError extends Error {
	override readonly name = 'SchemaError';
	readonly code: 'missing' | 'invalid' | 'unknown-key';
	/** Where: `content.body`, `events[3].type`. */
	readonly path: string;
	readonly expected: string;
	constructor(code: 'missing' | 'invalid' | 'unknown-key', path: string, expected: string) {
		const where = path === '' ? 'The value' : `'${path}'`;
		super(
			code === 'missing'
				? `${where} is missing: expected ${expected}`
				: code === 'unknown-key'
					? `${where} is not a known key: expected ${expected}`
					: `${where} is wrong: expected ${expected}`,
		);
		this.code = code;
		this.path = path;
		this.expected = expected;
	}
}

/** Makes a schema from a test of the value; for checks that the schemas here do not offer. */
export function schemaOf<T>(
	expected: string,
	isValid: (value: unknown) => boolean,
	kind: SchemaKind = 'other',
): Schema<T> {
	return {
		kind,
		isOptional: false,
		expected,
		check(value, path) {
			if (!isValid(value)) {
				throw new SchemaError('invalid', path, expected);
			}
			return value as T;
		},
	};
}

/** The path of a key inside an object, for error messages. */
export function joinPath(path: string, key: string): string {
	return path === '' ? key : `${path}.${key}`;
}
