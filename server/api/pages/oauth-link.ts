import {linkConsentForm, linkDone, linkForm, type View} from '../../../web/index.ts';
import {OAuthError, PATHS} from '../../oauth/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import type {WebSession} from '../../web-sessions/index.ts';
import {findKnown} from './oauth-consent.ts';
import {type PageAnswer, pageRoute} from './page-route.ts';

const userCode = v.optional(v.string({max: 32}));

/** Codes are short: whoever is signed in may try a few, wherever they are. */
async function showDevice(
	{view, session, spend}: {readonly view: View; readonly session: WebSession; readonly spend: Spend},
	services: Services,
	code: string,
): Promise<PageAnswer> {
	const {userId} = session;
	if (userId === undefined) throw new Error('expected whoever is signed in');
	spend('login-name', `link ${userId}`);
	const device = await services.oauth.findDevice(code);
	if (device === undefined) return {page: linkForm(view, 'link.wrong'), status: 404};
	const {client, deviceId} = device;
	const knownSession = await findKnown(services, userId, deviceId);
	return {page: linkConsentForm(view, {userId, client, deviceId, knownSession, userCode: code.toUpperCase()})};
}

type Spend = (limitClass: 'login-name', key: string) => void;

/**
 * Asks for the code that a device shows; with the code in the address, whether that device may sign in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#device-authorisation-flow
 */
export const getOAuthLink = pageRoute({
	id: 'getOAuthLink',
	method: 'GET',
	path: PATHS.link,
	access: 'recently-proven',
	query: v.object({user_code: userCode}),
	handle(request, services) {
		const {user_code: code} = request.query;
		return code === undefined ? {page: linkForm(request.view, undefined)} : showDevice(request, services, code);
	},
});

/** Takes the code, and then what the person says of the device. */
export const postOAuthLink = pageRoute({
	id: 'postOAuthLink',
	method: 'POST',
	path: PATHS.link,
	access: 'recently-proven',
	query: v.object({user_code: userCode}),
	fields: v.object({user_code: userCode, decision: v.optional(v.literal('allow', 'deny'))}),
	async handle(request, services) {
		const {view, session, fields} = request;
		const {user_code: code = '', decision} = fields;
		if (decision === undefined) return showDevice(request, services, code);
		const {userId, upstream} = session;
		if (userId === undefined) throw new Error('expected whoever is signed in');
		const isApproved = decision === 'allow';
		request.spend('login-name', `link ${userId}`);
		try {
			await services.oauth.decideDevice(code, {userId, upstream, isApproved, webSessionHash: session.tokenHash});
		} catch (error) {
			if (!(error instanceof OAuthError)) throw error;
			return {page: linkForm(view, 'link.wrong'), status: 404};
		}
		return {page: linkDone(view, isApproved)};
	},
});
