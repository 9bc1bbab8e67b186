import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {authField, requirePassword} from './interactive-auth.ts';

/**
 * Changes the caller's password. Other sessions end unless `logout_devices` is false; the calling one stays.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword
 */
export const changePassword = route({
	id: 'changePassword',
	method: 'POST',
	path: '/_matrix/client/v3/account/password',
	auth: 'user',
	body: v.object({new_password: v.optional(v.string()), logout_devices: v.optional(v.boolean()), auth: authField}),
	async handle(request, services) {
		await requirePassword(request, services, {purpose: 'changePassword'});
		const {body, caller} = request;
		if (body.new_password === undefined) {
			throw new MatrixError('M_MISSING_PARAM', 'Expected a new_password');
		}
		await services.accounts.changePassword(caller.userId, body.new_password, {
			endsOtherSessions: body.logout_devices ?? true,
			keeps: caller.deviceId,
		});
		return {};
	},
});
