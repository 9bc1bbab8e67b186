/** A JSON number that a JavaScript number cannot hold without loss: a fraction, an exponent, `-0`, or an integer beyond ±(2^53−1). */
export class LosslessNumber {
	/** The number's own characters, as they came: `1.0`, `1e2`, `9223372036854775807`. */
	readonly raw: string;
	constructor(raw: string) {
		this.raw = raw;
	}

	/** For JSON that no hash or signature covers: the nearest JavaScript number. */
	toJSON(): number {
		return Number(this.raw);
	}
}

/** Any JSON value as the strict reader gives it. Objects from outside have a null prototype. */
export type JsonValue = null | boolean | number | string | LosslessNumber | JsonValue[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
	[key: string]: JsonValue;
}

/** Tells whether a value is a JSON object: no array, no null, no {@link LosslessNumber}. Its members are not looked at. */
export function isJsonObject(value: unknown): value is JsonObject {
	return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof LosslessNumber);
}
