import {MatrixError, redirect} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {registerPath, signInWithPath, toClientPath} from '../../../web/index.ts';
import {route} from '../route.ts';

/**
 * Sends a browser to this server's own pages, where its person signs in and then lets the client in that sent them. The
 * address to come back to is looked at there. A client that knows of OAuth says whether its person wants an account.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirect
 */
export const redirectToSso = route({
	id: 'redirectToSSO',
	method: 'GET',
	path: '/_matrix/client/v3/login/sso/redirect',
	auth: 'none',
	query: v.object({redirectUrl: v.string({max: 2048}), action: v.optional(v.string({max: 255}))}),
	handle({query: {redirectUrl, action}}, {config}) {
		const to = `${toClientPath}?redirectUrl=${encodeURIComponent(redirectUrl)}`;
		const wantsAccount = action === 'register' && config.registration !== 'closed';
		return redirect(wantsAccount ? `${registerPath}?return_to=${encodeURIComponent(to)}` : to);
	},
});

/**
 * Sends a browser to one of the services that sign people in, by way of this server's own pages.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3loginssoredirectidpid
 */
export const redirectToIdp = route({
	id: 'redirectToIdP',
	method: 'GET',
	path: '/_matrix/client/v3/login/sso/redirect/:idpId',
	auth: 'none',
	query: v.object({redirectUrl: v.string({max: 2048})}),
	handle({parameters: {idpId}, query}, {identityProviders: {shown}}) {
		if (!shown.some(({id}) => id === idpId)) {
			throw new MatrixError('M_NOT_FOUND', 'Nobody signs in here by way of this service');
		}
		const returnTo = `${toClientPath}?redirectUrl=${encodeURIComponent(query.redirectUrl)}`;
		return redirect(`${signInWithPath(idpId)}?return_to=${encodeURIComponent(returnTo)}`);
	},
});
