import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Says whether a registration token is good now.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1registermloginregistration_tokenvalidity
 */
export const registrationTokenValidity = route({
	id: 'registrationTokenValidity',
	method: 'GET',
	path: '/_matrix/client/v1/register/m.login.registration_token/validity',
	auth: 'none',
	rateLimit: 'registration-token',
	query: v.object({token: v.string()}),
	async handle({query}, {accounts, config}) {
		if (config.registration !== 'token') {
			throw new MatrixError('M_FORBIDDEN', 'Nobody can register here with a token');
		}
		return {valid: (await accounts.findRegistrationToken(query.token)) !== undefined};
	},
});
