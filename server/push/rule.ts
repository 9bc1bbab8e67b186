import {type Infer, v} from '../validation/index.ts';

/** The kinds of rules, the one that counts first at the beginning. */
export const ruleKinds = ['override', 'content', 'room', 'sender', 'underride'] as const;
export type RuleKind = (typeof ruleKinds)[number];

/** Bounds on what one rule may make the server do for every event. */
const CONDITIONS_MAX = 20;
const ACTIONS_MAX = 20;
const PATTERN_MAX = 512;

/** What a client says of a new rule. */
export const newRuleSchema = v.object({
	actions: v.array(v.union(v.string({max: PATTERN_MAX}), v.jsonObject()), {max: ACTIONS_MAX}),
	conditions: v.optional(v.array(v.jsonObject(), {max: CONDITIONS_MAX})),
	pattern: v.optional(v.string({max: PATTERN_MAX})),
});

/** The actions of a rule. */
export const actionsSchema = v.object({
	actions: v.array(v.union(v.string({max: PATTERN_MAX}), v.jsonObject()), {max: ACTIONS_MAX}),
});

export type NewRule = Infer<typeof newRuleSchema>;
export type Actions = Infer<typeof actionsSchema>['actions'];
export type Condition = NonNullable<NewRule['conditions']>[number];

/** A push rule as clients see it. @see https://spec.matrix.org/v1.19/client-server-api/#push-rules */
export interface PushRule {
	readonly rule_id: string;
	readonly default: boolean;
	readonly enabled: boolean;
	readonly actions: Actions;
	readonly conditions?: readonly Condition[];
	readonly pattern?: string;
}

/** All rules of a user, in order. */
export type Ruleset = Readonly<Record<RuleKind, readonly PushRule[]>>;
