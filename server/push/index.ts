export type {PushEvent} from './condition.ts';
export {PushError, type PushErrorCode} from './errors.ts';
export {type CompiledRuleset, evaluate, type Outcome} from './evaluate.ts';
export {notifiesByDefault} from './notifies-by-default.ts';
export {createPushRules, type PushRules} from './push-rules.ts';
export {actionsSchema, newRuleSchema, type PushRule, type RuleKind, ruleKinds, type Ruleset} from './rule.ts';
export {RULES_TYPE} from './stored-rules.ts';
