import {loginFallbackDone, loginFallbackForm, loginFallbackPath, registerPath} from '../../../web/index.ts';
import {v} from '../../validation/index.ts';
import {deviceNameCharactersMax, sessionBody, toDeviceRequest} from '../client-server/index.ts';
import {pageRoute, userOf} from './page-route.ts';

const query = v.object({
	device_id: v.optional(v.string({max: 255})),
	initial_device_display_name: v.optional(v.string({max: deviceNameCharactersMax})),
	refresh_token: v.optional(v.literal('true', 'false')),
});

/**
 * Asks whether the client around the page may sign in, once its person is known by all that they have to give.
 * @see https://spec.matrix.org/v1.19/client-server-api/#login-fallback
 */
export const getLoginFallback = pageRoute({
	id: 'getLoginFallback',
	method: 'GET',
	path: loginFallbackPath,
	access: 'recently-proven',
	query,
	handle: ({view, session}) => ({page: loginFallbackForm(view, {userId: userOf(session)})}),
});

/** Opens a session for the client around the page, and hands it over. */
export const postLoginFallback = pageRoute({
	id: 'postLoginFallback',
	method: 'POST',
	path: loginFallbackPath,
	access: 'recently-proven',
	rateLimit: 'login',
	query,
	async handle({view, session, query: {refresh_token: wantsRefresh, ...device}}, {loginTokens}) {
		const {token} = await loginTokens.issue({userId: userOf(session), webSessionHash: session.tokenHash});
		const request = toDeviceRequest({...device, refresh_token: wantsRefresh === 'true'});
		return {page: loginFallbackDone(view, sessionBody(await loginTokens.signIn(token, request)))};
	},
});

/**
 * Has somebody make an account, and lets the client around the page in then. The specification has no such page; Element's
 * older apps come here where they know no stage of a registration.
 */
export const getRegistrationFallback = pageRoute({
	id: 'getRegistrationFallback',
	method: 'GET',
	path: '/_matrix/static/client/register/',
	access: 'anyone',
	handle: () => ({to: `${registerPath}?return_to=${encodeURIComponent(loginFallbackPath)}`}),
});
