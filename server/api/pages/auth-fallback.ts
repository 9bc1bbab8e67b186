import {authFallbackDone, authFallbackForm, authFallbackGone, type TextKey} from '../../../web/index.ts';
import {isApprovalStage, isStage, type CheckedStage} from '../../accounts/index.ts';
import {PATHS} from '../../oauth/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {spendTry} from '../client-server/index.ts';
import {type PageAnswer, pageRoute} from './page-route.ts';
import {ANSWER_CHARACTERS_MAX} from './passkey.ts';

const path = '/_matrix/client/v3/auth/:authType/fallback/web';
const query = v.object({session: v.string({max: 255})});

/** What is said of a stage that did not pass. */
const problems: Readonly<Record<CheckedStage, TextKey>> = {
	'm.login.dummy': 'problem.unknown',
	'm.login.email.identity': 'fallback.openLink',
	'm.login.password': 'signIn.wrong',
	'm.login.registration_token': 'fallback.wrongToken',
	'org.broadsheet.login.second_factor': 'factor.wrong',
};

/** What a passkey is asked for on the page of a second factor, where its person has one. */
async function askOf(
	stage: string,
	sessionId: string,
	{uia, secondFactor}: Services,
): Promise<{readonly passkeyOptions?: object}> {
	const userId = uia.subjectOf(sessionId);
	const {passkeys} = secondFactor;
	if (stage !== 'org.broadsheet.login.second_factor' || userId === undefined || !passkeys.arePossible) return {};
	if ((await passkeys.list(userId)).length === 0) return {};
	return {passkeyOptions: await passkeys.beginAuthentication(sessionId, userId)};
}

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
	async handle({parameters, view, query: {session}}, services): Promise<PageAnswer> {
		const {authType} = parameters;
		// What a person approves is approved where they are known.
		if (isApprovalStage(authType)) return {to: `${PATHS.reset}?session=${encodeURIComponent(session)}`};
		return services.uia.isWaitingFor(session, authType)
			? {page: authFallbackForm(view, authType, await askOf(authType, session, services))}
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
		passkey: v.optional(v.string({max: ANSWER_CHARACTERS_MAX})),
	}),
	query,
	async handle(request, services): Promise<PageAnswer> {
		const {uia} = services;
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
			: {
					page: authFallbackForm(view, authType, {
						...(await askOf(authType, session, services)),
						problem: fields.passkey ? 'passkey.wrong' : problems[authType],
					}),
					status: 400,
				};
	},
});
