import {isJsonObject, type JsonObject, type JsonValue, type UserId} from '../../crypto/index.ts';
import {SchemaError, v} from '../validation/index.ts';
import {defaultOverrideRules, defaultUnderrideRules, masterRule} from './default-rules.ts';
import {actionsSchema, newRuleSchema, type PushRule, type RuleKind, ruleKinds, type Ruleset} from './rule.ts';

/** What a user has made of the rules: rules of their own, and changes to the server's. */
export interface StoredRules {
	readonly own: Readonly<Record<RuleKind, readonly PushRule[]>>;
	/** By rule id; rule ids of the server begin with a dot. */
	readonly changed: ReadonlyMap<string, Partial<Pick<PushRule, 'enabled' | 'actions'>>>;
}

const storedRuleSchema = v.object({rule_id: v.string(), enabled: v.boolean()});

/** The type of account data that holds them. */
export const RULES_TYPE = 'm.push_rules';

/** Reads what is stored; what cannot be read of it is left out, so that it costs nobody a sync. */
export function readStoredRules(content: JsonObject | undefined): StoredRules {
	const own = content?.['own'];
	const changed = content?.['changed'];
	return {
		own: Object.fromEntries(
			ruleKinds.map((kind) => [kind, readOwn(isJsonObject(own) ? own[kind] : undefined)]),
		) as Record<RuleKind, PushRule[]>,
		changed: new Map(
			Object.entries(isJsonObject(changed) ? changed : {})
				.filter(([, change]) => isJsonObject(change))
				.map(([ruleId, change]) => [ruleId, readChange(change as JsonObject)]),
		),
	};
}

/** Gives the form in which rules are stored. */
export function writeStoredRules({own, changed}: StoredRules): JsonObject {
	return {own, changed: Object.fromEntries(changed)} as unknown as JsonObject;
}

function readOwn(rules: JsonValue | undefined): PushRule[] {
	if (!Array.isArray(rules)) return [];
	return rules.flatMap((rule) => {
		const about = checked(storedRuleSchema, rule);
		const what = checked(newRuleSchema, rule);
		if (!about || !what) return [];
		return {
			rule_id: about.rule_id,
			default: false,
			enabled: about.enabled,
			actions: what.actions,
			...(what.conditions && {conditions: what.conditions}),
			...(what.pattern !== undefined && {pattern: what.pattern}),
		};
	});
}

function readChange(change: JsonObject): Partial<Pick<PushRule, 'enabled' | 'actions'>> {
	const actions = checked(actionsSchema, change)?.actions;
	return {
		...(typeof change['enabled'] === 'boolean' && {enabled: change['enabled']}),
		...(actions && {actions}),
	};
}

function checked<T>(schema: {check(value: unknown, path: string): T}, value: unknown): T | undefined {
	try {
		return schema.check(value, '');
	} catch (error) {
		if (error instanceof SchemaError) return undefined;
		throw error;
	}
}

/** Gives all rules of a user in the order in which they count within their kind. */
export function rulesetOf(userId: UserId, {own, changed}: StoredRules): Ruleset {
	const withChanges = (rules: readonly PushRule[]): PushRule[] =>
		rules.map((rule) => ({...rule, ...changed.get(rule.rule_id)}));
	return {
		override: [...withChanges([masterRule]), ...own.override, ...withChanges(defaultOverrideRules(userId))],
		content: own.content,
		room: own.room,
		sender: own.sender,
		underride: [...own.underride, ...withChanges(defaultUnderrideRules)],
	};
}
