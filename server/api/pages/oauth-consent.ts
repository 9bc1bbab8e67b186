import {consentFailed, consentForm, registerPath, signInPath, type View} from '../../../web/index.ts';
import {type AuthorizationRequest, PATHS} from '../../oauth/index.ts';
import {v} from '../../validation/index.ts';
import type {WebSession} from '../../web-sessions/index.ts';
import {type PageAnswer, pageRoute} from './page-route.ts';

const searchOf = (uri: string): URLSearchParams => new URL(uri, 'http://localhost').searchParams;

type Asking = AuthorizationRequest & {readonly kind: 'consent'};

/** What of a request is answered without asking anybody. */
function answerAtOnce(view: View, request: Exclude<AuthorizationRequest, Asking>): PageAnswer {
	const location = request.kind === 'answer' ? request.answer.headers['location'] : undefined;
	if (location !== undefined) return {to: location};
	return {page: consentFailed(view, request.kind === 'failure' ? request.error : 'invalid_request'), status: 400};
}

/** Whose consent is asked for, and who has just shown that it is they: a session is all that an account is worth. */
function proven({isRecent, userId}: WebSession): WebSession['userId'] {
	return isRecent ? userId : undefined;
}

/**
 * Asks whoever is signed in at this browser whether a client may sign in as them; has them sign in first.
 * @see https://spec.matrix.org/v1.19/client-server-api/#authorisation-code-flow
 */
export const getOAuthConsent = pageRoute({
	id: 'getOAuthConsent',
	method: 'GET',
	path: PATHS.authorization,
	access: 'anyone',
	async handle({session, view, uri}, services) {
		const request = await services.oauth.readRequest(searchOf(uri));
		if (request.kind !== 'consent') return answerAtOnce(view, request);
		const userId = proven(session);
		if (userId === undefined) {
			const path = request.wantsAccount && !session.isSignedIn ? registerPath : signInPath;
			return {to: `${path}?return_to=${encodeURIComponent(uri)}`};
		}
		const {client, deviceId, formTarget} = request;
		const replacesSession = await services.devices.isKnown(userId, deviceId);
		return {page: consentForm(view, {userId, client, deviceId, replacesSession}), formTargets: [formTarget]};
	},
});

/** Sends the browser back to the client, with a code or without. */
export const postOAuthConsent = pageRoute({
	id: 'postOAuthConsent',
	method: 'POST',
	path: PATHS.authorization,
	access: 'recently-proven',
	fields: v.object({decision: v.optional(v.literal('allow', 'deny'))}),
	async handle({session: {userId, upstream}, view, uri, fields}, {oauth}) {
		if (userId === undefined) throw new Error('expected whoever is signed in');
		const answer = await oauth.decide(searchOf(uri), {userId, upstream, isApproved: fields.decision === 'allow'});
		return answerAtOnce(view, {kind: 'answer', answer});
	},
});
