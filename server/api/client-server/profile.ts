import type {UserId} from '../../../crypto/index.ts';
import {MatrixError, type UserCaller} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Before anything is looked up, so that strangers learn nothing from the answer or its time. */
async function checkMayKnow(caller: UserCaller | undefined, userId: UserId, {visibility}: Services): Promise<void> {
	if (caller === undefined && !visibility.isOpen('profiles')) {
		throw new MatrixError('M_MISSING_TOKEN', 'An access token is needed');
	}
	if (!(await visibility.mayKnow(caller, userId, 'profiles'))) {
		throw new MatrixError('M_FORBIDDEN', 'You may not see this profile');
	}
}

function checkMayChange(caller: UserCaller, userId: UserId): void {
	if (caller.userId !== userId) {
		throw new MatrixError('M_FORBIDDEN', "Nobody may change another user's profile");
	}
	if (caller.isSuspended) {
		throw new MatrixError('M_USER_SUSPENDED', 'The profile cannot be changed while the account is suspended');
	}
}

/**
 * Gives a whole profile. Deviation from the specification's table, within its text: a token is needed unless
 * `privacy.profiles` is `open`.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuserid
 */
export const getUserProfile = route({
	id: 'getUserProfile',
	method: 'GET',
	path: '/_matrix/client/v3/profile/:userId',
	auth: 'optional',
	async handle({caller, parameters}, services) {
		await checkMayKnow(caller, parameters.userId, services);
		return services.profiles.get(parameters.userId);
	},
});

/**
 * Gives one field of a profile.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3profileuseridkeyname
 */
export const getProfileField = route({
	id: 'getProfileField',
	method: 'GET',
	path: '/_matrix/client/v3/profile/:userId/:keyName',
	auth: 'optional',
	async handle({caller, parameters}, services) {
		const {userId, keyName} = parameters;
		await checkMayKnow(caller, userId, services);
		return {[keyName]: await services.profiles.getField(userId, keyName)};
	},
});

/**
 * Sets one field of the caller's profile.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3profileuseridkeyname
 */
export const setProfileField = route({
	id: 'setProfileField',
	method: 'PUT',
	path: '/_matrix/client/v3/profile/:userId/:keyName',
	auth: 'guest',
	rateLimit: 'message',
	body: v.jsonObject(),
	async handle({caller, parameters, body}, {profiles}) {
		const {userId, keyName} = parameters;
		checkMayChange(caller, userId);
		const value = Object.hasOwn(body, keyName) ? body[keyName] : undefined;
		if (value === undefined) {
			throw new MatrixError('M_MISSING_PARAM', 'Expected a property of the name in the path');
		}
		await profiles.setField(userId, keyName, value);
		return {};
	},
});

/**
 * Removes one field of the caller's profile.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3profileuseridkeyname
 */
export const deleteProfileField = route({
	id: 'deleteProfileField',
	method: 'DELETE',
	path: '/_matrix/client/v3/profile/:userId/:keyName',
	auth: 'guest',
	rateLimit: 'message',
	async handle({caller, parameters}, {profiles}) {
		checkMayChange(caller, parameters.userId);
		await profiles.removeField(parameters.userId, parameters.keyName);
		return {};
	},
});
