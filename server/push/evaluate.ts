import {isJsonObject, type JsonValue, type UserId} from '../../crypto/index.ts';
import type {Pdu} from '../../federation/rooms/index.ts';
import {compileCondition, compileContentPattern, type ConditionTest, type PushEvent} from './condition.ts';
import {Effort} from './effort.ts';
import {type Actions, type PushRule, type RuleKind, ruleKinds, type Ruleset} from './rule.ts';

/** What a user's rules make of an event. */
export interface Outcome {
	readonly notifies: boolean;
	readonly highlights: boolean;
	readonly actions: Actions;
}

const nothing: Outcome = {notifies: false, highlights: false, actions: []};

interface CompiledRule {
	readonly tests: readonly ConditionTest[];
	readonly outcome: Outcome;
}

/** A user's rules, ready for use. */
export interface CompiledRuleset {
	readonly userId: UserId;
	/** In the order in which they count, without those that are off. */
	readonly rules: readonly CompiledRule[];
	/** The same for all users whose rules say the same, but of invites and mentions. */
	readonly key: string;
}

/** Makes a user's rules ready for use. */
export function compileRuleset(ruleset: Ruleset, {userId, key}: Omit<CompiledRuleset, 'rules'>): CompiledRuleset {
	const rules = ruleKinds.flatMap((kind) =>
		ruleset[kind]
			.filter(({enabled}) => enabled)
			.map((rule) => ({tests: testsOf(kind, rule), outcome: outcomeOf(rule)})),
	);
	return {userId, rules, key};
}

/** What is known of an event. */
interface Known {
	readonly mentioned: ReadonlySet<JsonValue>;
	/** What rules make of it for those whom it does not mention, by the key of the rules. */
	readonly outcomes: Map<string, Promise<Outcome>>;
}

const known = new WeakMap<Pdu, Known>();

/** Says what the first rule that matches makes of an event; nothing where none does. */
export function evaluate({userId, rules, key}: CompiledRuleset, event: PushEvent): Promise<Outcome> {
	const {pdu} = event;
	const {mentioned, outcomes} = findKnown(pdu);
	// The server's own rules name their user for two things only.
	if (pdu.type === 'm.room.member' || mentioned.has(userId)) return findOutcome(rules, event);
	const shared = outcomes.get(key);
	if (shared) return shared;
	const outcome = findOutcome(rules, event);
	outcomes.set(key, outcome);
	// What could not be found out now is asked again.
	outcome.catch(() => outcomes.delete(key));
	return outcome;
}

function findKnown(pdu: Pdu): Known {
	const before = known.get(pdu);
	if (before) return before;
	const mentions = pdu.content['m.mentions'];
	const users = isJsonObject(mentions) ? mentions['user_ids'] : undefined;
	const made = {mentioned: new Set(Array.isArray(users) ? users : []), outcomes: new Map()};
	known.set(pdu, made);
	return made;
}

async function findOutcome(rules: readonly CompiledRule[], event: PushEvent): Promise<Outcome> {
	const effort = new Effort();
	for (const {tests, outcome} of rules) {
		if (await holdAll(tests, event, effort)) return outcome;
	}
	return nothing;
}

async function holdAll(tests: readonly ConditionTest[], event: PushEvent, effort: Effort): Promise<boolean> {
	for (const test of tests) {
		const held = test(event, effort);
		// Most conditions need no waiting, and a turn of the event loop for each would cost more than they do.
		if (!(typeof held === 'boolean' ? held : await held)) return false;
	}
	return true;
}

function testsOf(kind: RuleKind, {conditions = [], pattern = '', rule_id: ruleId}: PushRule): ConditionTest[] {
	if (kind === 'content') return [compileContentPattern(pattern)];
	if (kind === 'room') return [({pdu}) => pdu.roomId === ruleId];
	if (kind === 'sender') return [({pdu}) => pdu.sender === ruleId];
	return conditions.map(compileCondition);
}

function outcomeOf({actions}: PushRule): Outcome {
	const notifies = actions.includes('notify');
	const highlights = actions.some(
		(action) => typeof action === 'object' && action['set_tweak'] === 'highlight' && action['value'] !== false,
	);
	return {notifies, highlights: notifies && highlights, actions};
}
