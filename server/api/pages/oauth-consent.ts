import type {DeviceId, UserId} from '../../../crypto/index.ts';
import {type Consent, consentFailed, consentForm, registerPath, signInPath, type View} from '../../../web/index.ts';
import {type AuthorizationRequest, PATHS} from '../../oauth/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import type {WebSession} from '../../web-sessions/index.ts';
import {type PageAnswer, pageRoute} from './page-route.ts';

const searchOf = (uri: string): URLSearchParams => new URL(uri, 'http://localhost').searchParams;

type Asking = AuthorizationRequest & {readonly kind: 'consent'};

/**
 * Says what is wrong with a request that nobody is asked about. Anybody can register a program, so whoever follows a link to
 * this server is sent to no other one by it: they are shown where the program is, and go there by themselves.
 * @see https://www.rfc-editor.org/rfc/rfc9700#section-4.11.2
 */
function explain(view: View, request: Exclude<AuthorizationRequest, Asking>): PageAnswer {
	if (request.kind === 'failure') return {page: consentFailed(view, request.error), status: 400};
	const href = request.answer.headers['location'];
	if (href === undefined) return {page: consentFailed(view, 'invalid_request'), status: 400};
	const {host, protocol, searchParams, hash} = new URL(href);
	const error = searchParams.get('error') ?? new URLSearchParams(hash.slice(1)).get('error') ?? 'invalid_request';
	return {page: consentFailed(view, error, {href, host: host === '' ? protocol : host}), status: 400};
}

/** Whose consent is asked for, and who has just shown that it is they: a session is all that an account is worth. */
function proven({isRecent, userId}: WebSession): WebSession['userId'] {
	return isRecent ? userId : undefined;
}

/** Says what becomes of a session that somebody has under the device id that a client asks for. */
export async function findKnown(
	{devices, quarantine}: Pick<Services, 'devices' | 'quarantine'>,
	userId: UserId,
	deviceId: DeviceId,
): Promise<Consent['knownSession']> {
	if (!(await devices.isKnown(userId, deviceId))) return 'none';
	return (await quarantine.isHeld(userId)) ? 'stays' : 'replaced';
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
		if (request.kind !== 'consent') return explain(view, request);
		const userId = proven(session);
		if (userId === undefined) {
			const path = request.wantsAccount && !session.isSignedIn ? registerPath : signInPath;
			return {to: `${path}?return_to=${encodeURIComponent(uri)}`};
		}
		const {client, deviceId, formTarget} = request;
		const knownSession = await findKnown(services, userId, deviceId);
		return {page: consentForm(view, {userId, client, deviceId, knownSession}), formTargets: [formTarget]};
	},
});

/** Sends the browser back to the client, with a code or without. */
export const postOAuthConsent = pageRoute({
	id: 'postOAuthConsent',
	method: 'POST',
	path: PATHS.authorization,
	access: 'recently-proven',
	fields: v.object({decision: v.optional(v.literal('allow', 'deny'))}),
	async handle({session: {tokenHash: webSessionHash, userId, upstream}, view, uri, fields}, {oauth}) {
		if (userId === undefined) throw new Error('expected whoever is signed in');
		const decision = {userId, upstream, webSessionHash, isApproved: fields.decision === 'allow'};
		const answer = await oauth.decide(searchOf(uri), decision);
		const location = answer.headers['location'];
		return location === undefined ? explain(view, {kind: 'answer', answer}) : {to: location};
	},
});
