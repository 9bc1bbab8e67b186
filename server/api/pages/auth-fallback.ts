import {authFallbackDone, authFallbackForm, authFallbackGone, type TextKey} from '../../../web/index.ts';
import {isStage, type CheckedStage} from '../../accounts/index.ts';
import {v} from '../../validation/index.ts';
import {spendTry} from '../client-server/index.ts';
import {pageRoute} from './page-route.ts';

const path = '/_matrix/client/v3/auth/:authType/fallback/web';
const query = v.object({session: v.string({max: 255})});

/** What is said of a stage that did not pass. */
const problems: Readonly<Record<CheckedStage, TextKey>> = {
	'm.login.dummy': 'problem.unknown',
	'm.login.password': 'signIn.wrong',
	'm.login.registration_token': 'fallback.wrongToken',
	'org.broadsheet.login.second_factor': 'factor.wrong',
};

/**
 * Shows the page on which a stage is completed by people whose client cannot.
 * @see https://spec.matrix.org/v1.19/client-server-api/#fallback
 */
export const getAuthFallback = pageRoute({
	id: 'getAuthFallback',
	method: 'GET',
	path,
	access: 'address',
	query,
	handle({parameters, view, query: {session}}, {uia}) {
		return uia.isWaitingFor(session, parameters.authType)
			? {page: authFallbackForm(view, parameters.authType, undefined)}
			: {page: authFallbackGone(view), status: 404};
	},
});

/** Completes a stage by what the page's form sent. The session's id is the proof: nobody else can have it sent. */
export const postAuthFallback = pageRoute({
	id: 'postAuthFallback',
	method: 'POST',
	path,
	access: 'address',
	rateLimit: 'login',
	fields: v.object({
		user: v.optional(v.string()),
		password: v.optional(v.string()),
		token: v.optional(v.string()),
		code: v.optional(v.string()),
	}),
	query,
	async handle(request, {uia}) {
		const {view, fields} = request;
		const {authType} = request.parameters;
		const {session} = request.query;
		if (!isStage(authType) || !uia.isWaitingFor(session, authType)) {
			return {page: authFallbackGone(view), status: 404};
		}
		if (authType === 'm.login.password') {
			spendTry(request, `session ${session}`);
		}
		if (authType === 'm.login.registration_token') request.spend('registration-token', request.network);
		const verdict = await uia.attempt(session, {stage: authType, auth: {...fields}, source: request.network});
		if (verdict === undefined) {
			return {page: authFallbackGone(view), status: 404};
		}
		return verdict.passed
			? {page: authFallbackDone(view)}
			: {page: authFallbackForm(view, authType, problems[authType]), status: 400};
	},
});
