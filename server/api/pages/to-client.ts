import {problemPage, toClientForm, toClientPath} from '../../../web/index.ts';
import {v} from '../../validation/index.ts';
import {readClientAddress} from './client-address.ts';
import {pageRoute} from './page-route.ts';

const query = v.object({redirectUrl: v.string({max: 2048})});

/**
 * Asks whether a client may sign in as the person before the browser. Always: who it is that asks is known by its address
 * alone, and anybody can send anybody to this page.
 * @see https://spec.matrix.org/v1.19/client-server-api/#client-login-via-sso
 */
export const getToClient = pageRoute({
	id: 'getToClientPage',
	method: 'GET',
	path: toClientPath,
	access: 'recently-proven',
	query,
	handle({view, session, query: {redirectUrl}}) {
		const client = readClientAddress(redirectUrl);
		if (client === undefined) return {page: problemPage(view, 'toClient.badAddress'), status: 400};
		const {host, formTarget} = client;
		return {page: toClientForm(view, {userId: session.userId ?? '', host}), formTargets: [formTarget]};
	},
});

/** Sends a person back to the client with a token that signs it in once. */
export const postToClient = pageRoute({
	id: 'postToClientPage',
	method: 'POST',
	path: toClientPath,
	access: 'recently-proven',
	rateLimit: 'login',
	query,
	async handle({view, session, query: {redirectUrl}}, {loginTokens}) {
		const client = readClientAddress(redirectUrl);
		if (client === undefined || session.userId === undefined) {
			return {page: problemPage(view, 'toClient.badAddress'), status: 400};
		}
		const owner = {userId: session.userId, webSessionHash: session.tokenHash};
		const {token} = await loginTokens.issue(owner);
		return {to: client.with(token)};
	},
});
