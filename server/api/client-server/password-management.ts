import type {Flow} from '../../accounts/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {authField, requirePassword} from './interactive-auth.ts';

const mailFlows: readonly Flow[] = [{stages: ['m.login.email.identity']}];

/**
 * Changes the caller's password. Other sessions end unless `logout_devices` is false; the calling one stays. Who is not
 * signed in sets one by a link that was sent to the account's address, and confirmed.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountpassword
 */
export const changePassword = route({
	id: 'changePassword',
	method: 'POST',
	path: '/_matrix/client/v3/account/password',
	auth: 'optional',
	rateLimit: 'login',
	body: v.object({new_password: v.optional(v.string()), logout_devices: v.optional(v.boolean()), auth: authField}),
	async handle({caller, ...request}, services) {
		const {new_password: password, logout_devices: endsOtherSessions = true, auth} = request.body;
		if (caller?.isGuest === true) throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests have no password');
		if (caller === undefined && !services.addresses.areOn) {
			throw new MatrixError('M_MISSING_TOKEN', 'An access token is needed');
		}
		const completed =
			caller === undefined
				? await services.uia.require({
						purpose: 'changePassword',
						subject: undefined,
						flows: mailFlows,
						auth,
						source: request.network,
					})
				: await requirePassword({...request, caller}, services, {purpose: 'changePassword'});
		if (password === undefined) {
			throw new MatrixError('M_MISSING_PARAM', 'Expected a new_password');
		}
		if (caller === undefined) {
			const sid = completed.session.completed.get('m.login.email.identity') ?? '';
			await services.recovery.setPasswordByClient(sid, password, {endsOtherSessions});
		} else {
			await services.accounts.changePassword(caller.userId, password, {endsOtherSessions, keeps: caller.deviceId});
		}
		return {};
	},
});
