import {isJsonObject, type JsonObject, type JsonValue} from '../../crypto/index.ts';

/** Names of nested fields, outermost first. */
export type FieldPath = readonly string[];

/** Takes `content.body` apart; a dot or backslash after a backslash stands for itself. */
export function parseFieldPath(field: string): FieldPath {
	const names: string[] = [];
	let name = '';
	for (let index = 0; index < field.length; index += 1) {
		const next = field[index + 1];
		if (field[index] === '\\' && (next === '.' || next === '\\')) {
			name += next;
			index += 1;
		} else if (field[index] === '.') {
			names.push(name);
			name = '';
		} else {
			name += field[index];
		}
	}
	return [...names, name];
}

/** Gives an object with only the fields named; those it lacks are left out. */
export function pickFields(event: JsonObject, fields: readonly FieldPath[]): JsonObject {
	const picked = empty();
	for (const path of fields) copyField(event, picked, path);
	return picked;
}

function copyField(from: JsonObject, to: JsonObject, path: FieldPath): void {
	let source = from;
	let target = to;
	for (const name of path.slice(0, -1)) {
		const inner: JsonValue | undefined = Object.hasOwn(source, name) ? source[name] : undefined;
		if (!isJsonObject(inner)) return;
		const existing = Object.hasOwn(target, name) ? target[name] : undefined;
		// A field that was asked for as a whole has this one already.
		if (existing === inner) return;
		const next: JsonObject = isJsonObject(existing) ? existing : empty();
		target[name] = next;
		source = inner;
		target = next;
	}
	const last = path.at(-1) ?? '';
	const value = Object.hasOwn(source, last) ? source[last] : undefined;
	if (value !== undefined) target[last] = value;
}

/** Keys are anybody's words, `__proto__` too. */
const empty = (): JsonObject => Object.create(null) as JsonObject;
