/** Finds everything that a document says of a name, so that what is said of two names can be compared. */
import type {JsonValue} from '../../crypto/index.ts';
import {maskText} from './mask.ts';

/** Parts of documents that differ from one thing to the next whatever it is. */
const VOLATILE = new Set([
	'age',
	'age_ts',
	'auth_events',
	'depth',
	'event_id',
	'hashes',
	'last_active_ago',
	'next_batch',
	'origin_server_ts',
	'prev_batch',
	'prev_events',
	'replaces_state',
	'room_id',
	'signatures',
	'stream_id',
	'transaction_id',
	'ts',
	'unsigned',
]);

/** Who stands here, and in which of these places, follows from the order in which things were done. */
const BY_ORDER: ReadonlySet<string> = new Set(['m.heroes']);
const EITHER_PLACE = new Set(['timeline', 'state']);

/** Levels of nesting that are looked at; documents of a server are far from it. */
const DEPTH_MAX = 30;

/** Gives for each name what a document says of it: where it stands, and what stands with it, sorted. */
export function findTraces(document: JsonValue, names: ReadonlySet<string>): Map<string, string[]> {
	const found = new Map<string, string[]>();
	const add = (name: string, place: string, value: JsonValue): void => {
		const list = found.get(name) ?? [];
		const trace = `${place} ${maskText(JSON.stringify(withoutVolatile(value)), name)}`;
		if (!list.includes(trace)) list.push(trace);
		found.set(name, list);
	};
	const walk = (value: JsonValue, place: string, parent: JsonValue, depth: number): void => {
		if (depth > DEPTH_MAX) return;
		if (typeof value === 'string') {
			if (names.has(value)) add(value, place, parent);
		} else if (Array.isArray(value)) {
			for (const item of value) walk(item, `${place}/*`, typeof item === 'string' ? null : value, depth + 1);
		} else if (typeof value === 'object' && value !== null) {
			for (const [key, item] of Object.entries(value)) {
				if (names.has(key)) add(key, `${place}/NAME`, item ?? null);
				// What lies under an id of a room or of an event stands in the same place as under any other.
				const step = names.has(key) ? 'NAME' : /^[!$]/u.test(key) ? 'ID' : EITHER_PLACE.has(key) ? 'either' : key;
				if (BY_ORDER.has(key)) continue;
				if (!VOLATILE.has(key) || key === 'room_id') walk(item ?? null, `${place}/${step}`, value, depth + 1);
			}
		}
	};
	walk(document, '', document, 0);
	for (const list of found.values()) list.sort();
	return found;
}

function withoutVolatile(value: JsonValue): JsonValue {
	if (Array.isArray(value)) return value.map((item) => withoutVolatile(item));
	if (typeof value !== 'object' || value === null) return value;
	const kept = Object.entries(value)
		.filter(([key]) => !VOLATILE.has(key))
		.map(([key, item]): [string, JsonValue] => [key, withoutVolatile(item ?? null)])
		.toSorted(([a], [b]) => (a < b ? -1 : 1));
	return Object.fromEntries(kept);
}
