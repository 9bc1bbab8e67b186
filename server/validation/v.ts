import {
	type DeviceId,
	type EventId,
	isDeviceId,
	isEventId,
	isJsonObject,
	isRoomAlias,
	isRoomId,
	isServerName,
	isUserId,
	type JsonObject,
	type JsonValue,
	type RoomAlias,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import {
	joinPath,
	type Infer,
	type ObjectSchema,
	type OptionalSchema,
	type Schema,
	SchemaError,
	type SchemaKind,
	schemaOf,
} from './schema.ts';

/** Keys whose schema is optional become optional properties; the others are required. */
type Shape = Readonly<Record<string, Schema<unknown>>>;
type OptionalKeys<S extends Shape> = {[K in keyof S]: S[K] extends OptionalSchema<unknown> ? K : never}[keyof S];
type ShapeType<S extends Shape> = {readonly [K in Exclude<keyof S, OptionalKeys<S>>]: Infer<S[K]>} & {
	readonly [K in OptionalKeys<S>]?: Infer<S[K]>;
};
type Simplify<T> = {[K in keyof T]: T[K]};

interface StringBounds {
	/** In UTF-16 code units; default 0. */
	readonly min?: number;
	/** In UTF-16 code units; default: whatever fits in the request body. */
	readonly max?: number;
	/** A linear-time expression; `description` says in words what it accepts. */
	readonly pattern?: RegExp;
	readonly description?: string;
}

interface NumberBounds {
	readonly min?: number;
	readonly max?: number;
}

interface ListBounds {
	readonly min?: number;
	/** Default: whatever fits in the request body. */
	readonly max?: number;
}

function string({min = 0, max = Number.POSITIVE_INFINITY, pattern, description}: StringBounds = {}): Schema<string> {
	const length =
		max === Number.POSITIVE_INFINITY
			? min > 0
				? ` of at least ${min} characters`
				: ''
			: ` of ${min} to ${max} characters`;
	return schemaOf<string>(
		description ?? `a string${length}${pattern ? ` like ${pattern.source}` : ''}`,
		(value) =>
			typeof value === 'string' &&
			value.length >= min &&
			value.length <= max &&
			(pattern === undefined || pattern.test(value)),
		'string',
	);
}

function integer({min = Number.MIN_SAFE_INTEGER, max = Number.MAX_SAFE_INTEGER}: NumberBounds = {}): Schema<number> {
	const isBounded = min !== Number.MIN_SAFE_INTEGER || max !== Number.MAX_SAFE_INTEGER;
	return schemaOf<number>(
		isBounded ? `an integer from ${min} to ${max}` : 'an integer',
		(value) => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
		'integer',
	);
}

function number({min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY}: NumberBounds = {}): Schema<number> {
	return schemaOf<number>(
		Number.isFinite(min) || Number.isFinite(max) ? `a number from ${min} to ${max}` : 'a number',
		(value) => typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max,
		'number',
	);
}

function boolean(): Schema<boolean> {
	return schemaOf<boolean>('true or false', (value) => typeof value === 'boolean', 'boolean');
}

function literal<const T extends readonly (string | number | boolean | null)[]>(...values: T): Schema<T[number]> {
	const names = values.map((value) => JSON.stringify(value)).join(', ');
	return schemaOf<T[number]>(
		values.length === 1 ? names : `one of ${names}`,
		(value) => (values as readonly unknown[]).includes(value),
		typeof values[0] === 'string' ? 'string' : 'other',
	);
}

function any(): Schema<JsonValue> {
	return schemaOf<JsonValue>('any JSON value', (value) => value !== undefined);
}

function jsonObject(): Schema<JsonObject> {
	return schemaOf<JsonObject>('an object', isJsonObject);
}

function array<T>(item: Schema<T>, {min = 0, max = Number.POSITIVE_INFINITY}: ListBounds = {}): Schema<readonly T[]> {
	const bounds = Number.isFinite(max) ? ` of ${min} to ${max} items` : min > 0 ? ` of at least ${min} items` : '';
	const expected = `an array${bounds}`;
	return {
		kind: 'array',
		isOptional: false,
		expected,
		check(value, path) {
			if (!Array.isArray(value) || value.length < min || value.length > max) {
				throw new SchemaError('invalid', path, expected);
			}
			try {
				for (const one of value) item.check(one, path);
			} catch {
				// Where each part stands is only of interest when one is wrong.
				for (const [index, one] of value.entries()) item.check(one, `${path}[${index}]`);
			}
			return value as readonly T[];
		},
	};
}

function record<T>(
	item: Schema<T>,
	{max = Number.POSITIVE_INFINITY}: ListBounds = {},
): Schema<Readonly<Record<string, T>>> {
	const expected = Number.isFinite(max) ? `an object of at most ${max} keys` : 'an object';
	return {
		kind: 'other',
		isOptional: false,
		expected,
		check(value, path) {
			if (!isJsonObject(value)) {
				throw new SchemaError('invalid', path, expected);
			}
			const keys = Object.keys(value);
			if (keys.length > max) {
				throw new SchemaError('invalid', path, expected);
			}
			for (const key of keys) {
				item.check(value[key], joinPath(path, key));
			}
			return value as Readonly<Record<string, T>>;
		},
	};
}

function objectWith<S extends Shape>(shape: S, refusesUnknownKeys: boolean): ObjectSchema<Simplify<ShapeType<S>>> {
	const entries = Object.entries(shape);
	const expected = 'an object';
	return {
		kind: 'other',
		isOptional: false,
		expected,
		shape,
		check(value, path) {
			if (!isJsonObject(value)) {
				throw new SchemaError('invalid', path, expected);
			}
			for (const [key, schema] of entries) {
				// Only own keys: `constructor` and `__proto__` of Object.prototype are nobody's input.
				const part = Object.hasOwn(value, key) ? value[key] : undefined;
				if (part !== undefined) {
					schema.check(part, joinPath(path, key));
				} else if (!schema.isOptional) {
					throw new SchemaError('missing', joinPath(path, key), schema.expected);
				}
			}
			if (refusesUnknownKeys) {
				for (const key of Object.keys(value)) {
					if (!Object.hasOwn(shape, key)) {
						throw new SchemaError('unknown-key', joinPath(path, key), `one of ${Object.keys(shape).join(', ')}`);
					}
				}
			}
			return value as Simplify<ShapeType<S>>;
		},
	};
}

function object<S extends Shape>(shape: S): ObjectSchema<Simplify<ShapeType<S>>> {
	return objectWith(shape, false);
}

function strictObject<S extends Shape>(shape: S): ObjectSchema<Simplify<ShapeType<S>>> {
	return objectWith(shape, true);
}

function optional<T>(schema: Schema<T>): OptionalSchema<T> {
	return {
		kind: schema.kind,
		isOptional: true,
		expected: schema.expected,
		...(schema.shape && {shape: schema.shape}),
		check: (value, path) => schema.check(value, path),
	};
}

function nullable<T>(schema: Schema<T>): Schema<T | null> {
	return {
		kind: schema.kind,
		isOptional: schema.isOptional,
		expected: `${schema.expected}, or null`,
		...(schema.shape && {shape: schema.shape}),
		check: (value, path) => (value === null ? null : schema.check(value, path)),
	};
}

function union<const T extends readonly Schema<unknown>[]>(...schemas: T): Schema<Infer<T[number]>> {
	const expected = schemas.map((schema) => schema.expected).join(', or ');
	const kinds = new Set(schemas.map((schema) => schema.kind));
	const kind: SchemaKind = kinds.size === 1 ? [...kinds][0]! : 'other';
	const shape = schemas.find((schema) => schema.shape !== undefined)?.shape;
	return {
		kind,
		isOptional: false,
		expected,
		...(shape && {shape}),
		check(value, path) {
			let error: SchemaError | undefined;
			for (const schema of schemas) {
				try {
					return schema.check(value, path) as Infer<T[number]>;
				} catch (cause) {
					// What went wrong inside says more than that no alternative fits.
					if (cause instanceof SchemaError && cause.path !== path) {
						error = cause;
					}
				}
			}
			throw error ?? new SchemaError('invalid', path, expected);
		},
	};
}

const deviceId = (): Schema<DeviceId> => schemaOf<DeviceId>('a device id', isDeviceId, 'string');
const eventId = (): Schema<EventId> => schemaOf<EventId>('an event id', isEventId, 'string');
const roomAlias = (): Schema<RoomAlias> => schemaOf<RoomAlias>('a room alias', isRoomAlias, 'string');
const roomId = (): Schema<RoomId> => schemaOf<RoomId>('a room id', isRoomId, 'string');
const serverName = (): Schema<ServerName> => schemaOf<ServerName>('a server name', isServerName, 'string');
const userId = (): Schema<UserId> => schemaOf<UserId>('a user id', isUserId, 'string');

/**
 * Schemas for what comes from outside. Unknown keys are kept (except by `strictObject`), and objects may have a null
 * prototype. `literal` takes several values and accepts any of them; `record` is an object with keys of the caller's
 * choosing; `jsonObject` is any object at all.
 */
export const v = {
	any,
	array,
	boolean,
	deviceId,
	eventId,
	integer,
	jsonObject,
	literal,
	nullable,
	number,
	object,
	optional,
	record,
	roomAlias,
	roomId,
	serverName,
	strictObject,
	string,
	union,
	userId,
} as const;
