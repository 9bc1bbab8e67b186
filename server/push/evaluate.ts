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
	/** In the order in which they count, without those that are off. */
	readonly rules: readonly CompiledRule[];
	/** Whether the user has changed nothing: then all such users' rules say the same, but of invites and mentions. */
	readonly isDefault: boolean;
}

/** Makes a user's rules ready for use. */
export function compileRuleset(ruleset: Ruleset, isDefault: boolean): CompiledRuleset {
	const rules = ruleKinds.flatMap((kind) =>
		ruleset[kind]
			.filter(({enabled}) => enabled)
			.map((rule) => ({tests: testsOf(kind, rule), outcome: outcomeOf(rule)})),
	);
	return {rules, isDefault};
}

/** What the default rules make of events that are about nobody in particular. */
const defaultOutcomes = new WeakMap<Pdu, Promise<Outcome>>();

/** Says what the first rule that matches makes of an event; nothing where none does. */
export function evaluate({rules, isDefault}: CompiledRuleset, event: PushEvent): Promise<Outcome> {
	const {pdu} = event;
	const isShared = isDefault && pdu.type !== 'm.room.member' && pdu.content['m.mentions'] === undefined;
	if (!isShared) return findOutcome(rules, event);
	const known = defaultOutcomes.get(pdu);
	if (known) return known;
	const outcome = findOutcome(rules, event);
	defaultOutcomes.set(pdu, outcome);
	// What could not be found out now is asked again.
	outcome.catch(() => defaultOutcomes.delete(pdu));
	return outcome;
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
