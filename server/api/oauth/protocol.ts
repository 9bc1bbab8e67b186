import {OAuthError, PATHS, type ProtocolAnswer} from '../../oauth/index.ts';
import {HttpResponse, json, type MatrixError, type RateLimitClass} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** The longest form has a code, an address and a secret. */
const BYTES_MAX = 16 * 1024;

/** Tokens and codes are for who asked, and for no cache. */
const noStore = {'cache-control': 'no-store'};

/** The fields of a form, of which each endpoint's own are looked at. */
const fields = {
	client_id: v.optional(v.string()),
	client_secret: v.optional(v.string()),
	code: v.optional(v.string()),
	code_verifier: v.optional(v.string()),
	device_code: v.optional(v.string()),
	grant_type: v.optional(v.string()),
	redirect_uri: v.optional(v.string()),
	refresh_token: v.optional(v.string()),
	scope: v.optional(v.string()),
};

/** Answers with what the protocol says. */
export function toResponse({status, headers, body}: ProtocolAnswer): HttpResponse {
	return new HttpResponse(status, {...noStore, ...headers}, body === '' ? undefined : body);
}

function toForm(values: Readonly<Record<string, string | undefined>>): string {
	return new URLSearchParams(
		Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
	).toString();
}

/** Shows a limit by a code of the protocol, beside the specification's, for clients that know of OAuth alone. */
function showError(error: MatrixError): HttpResponse {
	const body = error.toJSON();
	const isLimit = error.errcode === 'M_LIMIT_EXCEEDED';
	const shown = isLimit ? {...body, error: 'temporarily_unavailable', error_description: error.message} : body;
	return json(shown, {status: error.status, headers: {...noStore, ...error.headers}});
}

/** What a device is told that is waited for, or that came too late: its code is, or was, a good one. */
const WAITING = ['authorization_pending', 'slow_down', 'access_denied', 'expired_token'];

function isFailure({status, body}: ProtocolAnswer): boolean {
	if (status < 400 || status >= 500) return false;
	const {error} = JSON.parse(body) as {readonly error?: string};
	return error === undefined || !WAITING.includes(error);
}

/**
 * Counts a token or a code that was not good, once that is known: whoever tries them is refused soon, and whoever comes from
 * the same place, or while many try, with what is good gets what they came for.
 * @throws MatrixError M_LIMIT_EXCEEDED
 */
function spendFailure(request: {
	readonly network: string;
	spend(limitClass: RateLimitClass, key: string): void;
	take(limitClass: RateLimitClass, key: string): boolean;
}): void {
	request.spend('token-failure', request.network);
	if (!request.take('token-failure-whole', '')) request.spend('token-failure-besieged', request.network);
}

/**
 * Registers a client by what it says of itself.
 * @see https://spec.matrix.org/v1.19/client-server-api/#dynamic-client-registration-flow
 */
export const registerClient = route({
	id: 'registerOAuthClient',
	method: 'POST',
	path: PATHS.registration,
	auth: 'none',
	rateLimit: 'registration',
	body: v.jsonObject(),
	async handle(request, {oauth}) {
		request.spend('oauth-whole', '');
		try {
			return json(await oauth.register(request.body), {status: 201, headers: noStore});
		} catch (error) {
			if (!(error instanceof OAuthError) || error.code === 'off') throw error;
			return json({error: error.code, error_description: error.message}, {status: 400, headers: noStore});
		}
	},
});

/**
 * Gives tokens for a code, a device code or a refresh token.
 * @see https://spec.matrix.org/v1.19/client-server-api/#grant-types
 */
export const getToken = route({
	id: 'getOAuthToken',
	method: 'POST',
	path: PATHS.token,
	auth: 'none',
	bodyFormat: 'form',
	bodyBytesMax: BYTES_MAX,
	body: v.object(fields),
	showError,
	async handle(request, {oauth}) {
		const answer = await oauth.token(toForm(request.body));
		if (isFailure(answer)) spendFailure(request);
		return toResponse(answer);
	},
});

/**
 * Gives a device without a browser the code that its person types in one.
 * @see https://spec.matrix.org/v1.19/client-server-api/#device-authorisation-flow
 */
export const startDeviceAuthorization = route({
	id: 'startDeviceAuthorization',
	method: 'POST',
	path: PATHS.deviceAuthorization,
	auth: 'none',
	rateLimit: 'login',
	bodyFormat: 'form',
	bodyBytesMax: BYTES_MAX,
	body: v.object(fields),
	showError,
	async handle(request, {oauth}) {
		request.spend('oauth-whole', '');
		return toResponse(await oauth.startDevice(toForm(request.body)));
	},
});

/**
 * Ends the session of a token, whichever client brings it: who finds a token that leaked can end what it opens.
 * @see https://spec.matrix.org/v1.19/client-server-api/#token-revocation
 */
export const revokeToken = route({
	id: 'revokeOAuthToken',
	method: 'POST',
	path: PATHS.revocation,
	auth: 'none',
	bodyFormat: 'form',
	bodyBytesMax: BYTES_MAX,
	body: v.object({token: v.optional(v.string())}),
	showError,
	async handle(request, {oauth}) {
		const {token} = request.body;
		if (token === undefined) {
			return json({error: 'invalid_request', error_description: 'expected token'}, {status: 400, headers: noStore});
		}
		if (!(await oauth.revoke(token))) spendFailure(request);
		return json({}, {headers: noStore});
	},
});
