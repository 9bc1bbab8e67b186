import {isJsonObject, type JsonValue} from '../../crypto/index.ts';
import {matchesGlob, parseGlob, type Pdu, wordsPerCharacter} from '../../federation/rooms/index.ts';
import {type FieldPath, parseFieldPath} from '../filters/index.ts';
import type {Effort} from './effort.ts';
import type {Condition} from './rule.ts';
import {findsWords} from './word-match.ts';

/** What conditions ask of an event and its room. */
export interface PushEvent {
	readonly pdu: Pdu;
	/** Joined members at the event, or soon after. */
	memberCount(): Promise<number>;
	/** Whether the sender has the level that the room's `notifications` ask for this kind of mention. */
	maySenderNotify(key: string): Promise<boolean>;
}

/** Whether a condition holds; one for which no effort is left does not. */
export type ConditionTest = (event: PushEvent, effort: Effort) => boolean | Promise<boolean>;

const never: ConditionTest = () => false;

/**
 * Makes a condition ready for use. One of an unknown kind, or without what its kind needs, never holds.
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules-conditions
 */
export function compileCondition({kind, key, pattern, value, is}: Condition): ConditionTest {
	switch (typeof kind === 'string' ? kind : '') {
		case 'event_match':
			return typeof key === 'string' && typeof pattern === 'string' ? compileEventMatch(key, pattern) : never;
		case 'event_property_is':
			return typeof key === 'string' && isScalar(value) ? compileProperty(key, (found) => found === value) : never;
		case 'event_property_contains':
			return typeof key === 'string' && isScalar(value)
				? compileProperty(key, (found, effort) => Array.isArray(found) && includes(found, value, effort))
				: never;
		case 'room_member_count':
			return typeof is === 'string' ? compileMemberCount(is) : never;
		case 'sender_notification_permission':
			return typeof key === 'string' ? (event) => event.maySenderNotify(key) : never;
		default:
			return never;
	}
}

/** Makes the test of a `content` rule's pattern. */
export function compileContentPattern(pattern: string): ConditionTest {
	return compileEventMatch('content.body', pattern);
}

function compileEventMatch(key: string, pattern: string): ConditionTest {
	const glob = parseGlob(pattern.toLowerCase());
	if (key === 'content.body') return compileText(key, (text, effort) => findsWords(glob, text, effort));
	const words = Math.max(0, ...glob.pieces.filter((piece) => piece.includes('?')).map(wordsPerCharacter));
	return compileText(key, (text, effort) => {
		if (glob.lengthMin > text.length || effort.isSpent) return false;
		if (words === 0) effort.spend(text.length);
		else effort.spendByBits(text.length, words);
		return matchesGlob(glob, text);
	});
}

function includes(list: readonly JsonValue[], value: JsonValue, effort: Effort): boolean {
	if (effort.isSpent) return false;
	effort.spend(list.length);
	return list.includes(value);
}

function compileText(key: string, test: (text: string, effort: Effort) => boolean): ConditionTest {
	return compileProperty(key, (found, effort) => typeof found === 'string' && test(effort.lower(found), effort));
}

function compileProperty(key: string, test: (found: JsonValue | undefined, effort: Effort) => boolean): ConditionTest {
	const path = parseFieldPath(key);
	return ({pdu}, effort) => test(findProperty(pdu, path), effort);
}

function compileMemberCount(is: string): ConditionTest {
	const match = /^(==|<=|>=|<|>)?(\d{1,9})$/u.exec(is);
	if (!match) return never;
	const bound = Number(match[2]);
	const compare = comparisons[match[1] ?? '=='] ?? (() => false);
	return async (event) => compare(await event.memberCount(), bound);
}

const comparisons: Readonly<Record<string, (count: number, bound: number) => boolean>> = {
	'==': (count, bound) => count === bound,
	'<': (count, bound) => count < bound,
	'>': (count, bound) => count > bound,
	'<=': (count, bound) => count <= bound,
	'>=': (count, bound) => count >= bound,
};

function findProperty(pdu: Pdu, [first, ...rest]: FieldPath): JsonValue | undefined {
	let found: JsonValue | undefined = first === undefined ? undefined : topLevel(pdu, first);
	for (const name of rest) {
		if (!isJsonObject(found) || !Object.hasOwn(found, name)) return undefined;
		found = found[name];
	}
	return found;
}

function topLevel(pdu: Pdu, name: string): JsonValue | undefined {
	switch (name) {
		case 'content':
			return pdu.content;
		case 'room_id':
			return pdu.roomId;
		case 'sender':
			return pdu.sender;
		case 'state_key':
			return pdu.stateKey;
		case 'type':
			return pdu.type;
		default:
			return undefined;
	}
}

function isScalar(value: JsonValue | undefined): value is string | number | boolean | null {
	return value !== undefined && (value === null || typeof value !== 'object');
}
