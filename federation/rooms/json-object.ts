import {type JsonObject, type JsonValue, LosslessNumber} from '../../crypto/index.ts';

/** Tells whether a JSON value is an object: no array, no null, no number. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}

/** Makes an object to which keys from outside may be assigned: without a prototype, `__proto__` is a key like any other. */
export function emptyJsonObject(): JsonObject {
	return Object.create(null) as JsonObject;
}

/** Gives the value of a key that came from outside; undefined for what an object merely inherits. */
export function ownValue(object: JsonObject, key: string): JsonValue | undefined {
	return Object.hasOwn(object, key) ? object[key] : undefined;
}
