import {readClaimedName} from '../../accounts/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {deviceFields, sessionBody, toDeviceRequest} from './device-fields.ts';
import {spendSignIn} from './interactive-auth.ts';

/**
 * Clients that know of OAuth and cannot use it offer the browser alone: there people give what a password is not enough for.
 * The second key is what it was called before it was specified.
 * @see https://spec.matrix.org/v1.19/client-server-api/#oauth-20-aware-clients
 */
const oauthAware = {oauth_aware_preferred: true, 'org.matrix.msc3824.delegated_oidc_compatibility': true};

/**
 * Lists the ways to sign in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3login
 */
export const getLoginFlows = route({
	id: 'getLoginFlows',
	method: 'GET',
	path: '/_matrix/client/v3/login',
	auth: 'none',
	handle(_request, {oauth, identityProviders: {shown}}) {
		const providers = shown.map(({id, name}) => ({id, name}));
		const sso = {
			type: 'm.login.sso',
			...(oauth.isEnabled && oauthAware),
			...(providers.length > 0 && {identity_providers: providers}),
		};
		return {flows: [{type: 'm.login.password'}, sso, {type: 'm.login.token', get_login_token: true}]};
	},
});

/**
 * Signs in. A name that nobody has is answered as a wrong password is: same bytes, same cost.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login
 */
export const login = route({
	id: 'login',
	method: 'POST',
	path: '/_matrix/client/v3/login',
	auth: 'none',
	// Tries are counted by what they claim, in the handler.
	work: 'sign-in',
	body: v.object({
		type: v.string(),
		identifier: v.optional(v.jsonObject()),
		user: v.optional(v.string()),
		password: v.optional(v.string()),
		token: v.optional(v.string()),
		...deviceFields,
	}),
	async handle(request, services) {
		const {accounts, loginTokens} = services;
		const {body} = request;
		if (body.type === 'm.login.token') {
			request.spend('login', request.network);
			if (body.token === undefined) throw new MatrixError('M_MISSING_PARAM', 'Expected a token');
			return sessionBody(await loginTokens.signIn(body.token, toDeviceRequest(body)));
		}
		if (body.type !== 'm.login.password') {
			throw new MatrixError('M_UNKNOWN', 'Expected the login type m.login.password or m.login.token', {status: 400});
		}
		if (body.password === undefined) {
			throw new MatrixError('M_MISSING_PARAM', 'Expected a password');
		}
		if (body.identifier === undefined && body.user === undefined) {
			throw new MatrixError('M_MISSING_PARAM', 'Expected an identifier');
		}
		// Phone numbers and addresses sign nobody in: they are names that nobody has.
		const name = readClaimedName(body);
		const userId = name === undefined ? undefined : accounts.claimedUserId(name);
		await spendSignIn(request, services, {name: userId ?? name ?? '', userId, deviceId: body.device_id});
		return sessionBody(await accounts.signIn({userId, password: body.password, device: toDeviceRequest(body)}));
	},
});
