import {authFallbackDone, authFallbackForm, authFallbackGone} from '../../pages/index.ts';
import {isStage} from '../../accounts/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {spendTry} from '../client-server/index.ts';
import {formBytesMax, pageResponse} from './page-response.ts';

const path = '/_matrix/client/v3/auth/:authType/fallback/web';
const query = v.object({session: v.string({max: 255})});

/**
 * Shows the page on which a stage is completed by people whose client cannot.
 * @see https://spec.matrix.org/v1.19/client-server-api/#fallback
 */
export const getAuthFallback = route({
	id: 'getAuthFallback',
	method: 'GET',
	path,
	auth: 'none',
	query,
	handle({parameters, query: {session}}, {uia}) {
		return uia.isWaitingFor(session, parameters.authType)
			? pageResponse(authFallbackForm(parameters.authType, undefined))
			: pageResponse(authFallbackGone(), 404);
	},
});

/** Completes a stage by what the page's form sent. The session's id is the proof: nobody else can have it sent. */
export const postAuthFallback = route({
	id: 'postAuthFallback',
	method: 'POST',
	path,
	auth: 'none',
	rateLimit: 'login',
	bodyFormat: 'form',
	bodyBytesMax: formBytesMax,
	body: v.object({
		user: v.optional(v.string()),
		password: v.optional(v.string()),
		token: v.optional(v.string()),
	}),
	query,
	async handle(request, {uia}) {
		const {authType} = request.parameters;
		const {session} = request.query;
		if (!isStage(authType) || !uia.isWaitingFor(session, authType)) {
			return pageResponse(authFallbackGone(), 404);
		}
		if (authType === 'm.login.password') {
			spendTry(request, `session ${session}`);
		}
		if (authType === 'm.login.registration_token') request.spend('registration-token', request.network);
		const verdict = await uia.attempt(session, {stage: authType, auth: request.body, source: request.address});
		if (verdict === undefined) {
			return pageResponse(authFallbackGone(), 404);
		}
		return verdict.passed
			? pageResponse(authFallbackDone())
			: pageResponse(authFallbackForm(authType, `${verdict.error}.`), 400);
	},
});
