import {
	actionsSchema,
	newRuleSchema,
	type PushRules,
	type RuleKind,
	ruleKinds,
	type Ruleset,
} from '../../push/index.ts';
import {MatrixError, type UserCaller} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

const rulePath = '/_matrix/client/v3/pushrules/global/:kind/:ruleId';

/** Of other kinds there are no rules: clients ask whether there are some of kinds that are proposed. */
function readKind(kind: string, errcode: 'M_NOT_FOUND' | 'M_INVALID_PARAM' = 'M_NOT_FOUND'): RuleKind {
	const known = ruleKinds.find((candidate) => candidate === kind);
	if (known === undefined) throw new MatrixError(errcode, `kind: expected one of ${ruleKinds.join(', ')}`);
	return known;
}

/** Clients do not come up without rules: a session that waits is given those that everybody has. */
function rulesOf({userId, isQuarantined}: UserCaller, pushRules: PushRules): Promise<Ruleset> | Ruleset {
	return isQuarantined ? pushRules.fromAccountData(userId, undefined) : pushRules.getAll(userId);
}

/**
 * Gives all push rules of the caller.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrules
 */
export const getPushRules = route({
	id: 'getPushRules',
	method: 'GET',
	path: '/_matrix/client/v3/pushrules/',
	alsoAt: ['/_matrix/client/v3/pushrules'],
	auth: 'user',
	allowsQuarantined: true,
	handle: async ({caller}, {pushRules}) => ({global: await rulesOf(caller, pushRules)}),
});

/**
 * Gives the caller's one set of push rules.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobal
 */
export const getPushRulesGlobal = route({
	id: 'getPushRulesGlobal',
	method: 'GET',
	path: '/_matrix/client/v3/pushrules/global/',
	alsoAt: ['/_matrix/client/v3/pushrules/global'],
	auth: 'user',
	allowsQuarantined: true,
	handle: ({caller}, {pushRules}) => rulesOf(caller, pushRules),
});

/**
 * Gives one push rule.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleid
 */
export const getPushRule = route({
	id: 'getPushRule',
	method: 'GET',
	path: rulePath,
	auth: 'user',
	handle: ({caller, parameters: {kind, ruleId}}, {pushRules}) => pushRules.get(caller.userId, readKind(kind), ruleId),
});

/**
 * Adds or replaces a push rule of the caller.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleid
 */
export const setPushRule = route({
	id: 'setPushRule',
	method: 'PUT',
	path: rulePath,
	auth: 'user',
	query: v.object({before: v.optional(v.string()), after: v.optional(v.string())}),
	body: newRuleSchema,
	async handle({caller, parameters: {kind, ruleId}, query, body}, {pushRules}) {
		await pushRules.set(caller.userId, readKind(kind, 'M_INVALID_PARAM'), ruleId, body, query);
		return {};
	},
});

/**
 * Removes a push rule of the caller.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3pushrulesglobalkindruleid
 */
export const deletePushRule = route({
	id: 'deletePushRule',
	method: 'DELETE',
	path: rulePath,
	auth: 'user',
	async handle({caller, parameters: {kind, ruleId}}, {pushRules}) {
		await pushRules.remove(caller.userId, readKind(kind), ruleId);
		return {};
	},
});

/**
 * Tells whether a push rule is on.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidenabled
 */
export const isPushRuleEnabled = route({
	id: 'isPushRuleEnabled',
	method: 'GET',
	path: `${rulePath}/enabled`,
	auth: 'user',
	async handle({caller, parameters: {kind, ruleId}}, {pushRules}) {
		return {enabled: (await pushRules.get(caller.userId, readKind(kind), ruleId)).enabled};
	},
});

/**
 * Turns a push rule on or off.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidenabled
 */
export const setPushRuleEnabled = route({
	id: 'setPushRuleEnabled',
	method: 'PUT',
	path: `${rulePath}/enabled`,
	auth: 'user',
	body: v.object({enabled: v.boolean()}),
	async handle({caller, parameters: {kind, ruleId}, body}, {pushRules}) {
		await pushRules.change(caller.userId, readKind(kind), ruleId, {enabled: body.enabled});
		return {};
	},
});

/**
 * Gives what a push rule does.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3pushrulesglobalkindruleidactions
 */
export const getPushRuleActions = route({
	id: 'getPushRuleActions',
	method: 'GET',
	path: `${rulePath}/actions`,
	auth: 'user',
	async handle({caller, parameters: {kind, ruleId}}, {pushRules}) {
		return {actions: (await pushRules.get(caller.userId, readKind(kind), ruleId)).actions};
	},
});

/**
 * Changes what a push rule does.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3pushrulesglobalkindruleidactions
 */
export const setPushRuleActions = route({
	id: 'setPushRuleActions',
	method: 'PUT',
	path: `${rulePath}/actions`,
	auth: 'user',
	body: actionsSchema,
	async handle({caller, parameters: {kind, ruleId}, body}, {pushRules}) {
		await pushRules.change(caller.userId, readKind(kind), ruleId, {actions: body.actions});
		return {};
	},
});
