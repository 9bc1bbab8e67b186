import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {authField, requirePassword} from './interactive-auth.ts';

/**
 * Ends the caller's account for good; nobody gets its name again.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
export const deactivateAccount = route({
	id: 'deactivateAccount',
	method: 'POST',
	path: '/_matrix/client/v3/account/deactivate',
	auth: 'user',
	body: v.object({id_server: v.optional(v.string()), erase: v.optional(v.boolean()), auth: authField}),
	async handle(request, services) {
		await requirePassword(request, services, {purpose: 'deactivateAccount'});
		await services.accounts.deactivate(request.caller.userId, {erase: request.body.erase ?? false});
		// No account here has identifiers bound to an identity server.
		return {id_server_unbind_result: 'success'};
	},
});
