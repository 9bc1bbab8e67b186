import type {UserId} from '../../../crypto/index.ts';
import type {Device} from '../../devices/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Where a session was last seen from, if that is kept: of several connections only the last is known, and its day. */
function listConnections({address, lastSeenDay}: Device): object[] {
	if (address === undefined) return [];
	return [{ip: address, ...(lastSeenDay === null ? {} : {last_seen: lastSeenDay * 86_400_000})}];
}

/** Gives the sessions of somebody of this server as `whois` answers them. @throws MatrixError M_NOT_FOUND */
export async function whoIs({accounts, devices}: Services, userId: UserId): Promise<object> {
	if ((await accounts.find(userId)) === undefined) throw new MatrixError('M_NOT_FOUND', 'No such account');
	const sessions = (await devices.list(userId)).map((device) => [
		device.deviceId,
		{sessions: [{connections: listConnections(device)}]},
	]);
	return {user_id: userId, devices: Object.fromEntries(sessions) as object};
}

/**
 * Lists the sessions of a user, for themselves and administrators. Without addresses, which are not kept unless the
 * settings say so, each has no connections.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3adminwhoisuserid
 */
export const getWhoIs = route({
	id: 'getWhoIs',
	method: 'GET',
	path: '/_matrix/client/v3/admin/whois/:userId',
	auth: 'user',
	handle({caller, parameters: {userId}}, services) {
		// Refused before anything is looked up: the answer does not say who exists.
		if (caller.userId !== userId && !caller.isAdmin) {
			throw new MatrixError('M_FORBIDDEN', 'Only administrators may do this for others');
		}
		return whoIs(services, userId);
	},
});

/**
 * Tells an administrator whether an account is suspended.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1adminsuspenduserid
 */
export const getAdminSuspendUser = route({
	id: 'getAdminSuspendUser',
	method: 'GET',
	path: '/_matrix/client/v1/admin/suspend/:userId',
	auth: 'admin',
	handle: async ({caller, parameters: {userId}}, {moderation}) => ({
		suspended: await moderation.get(caller.userId, userId, 'isSuspended'),
	}),
});

/**
 * Suspends an account, or ends that: who is suspended reads and leaves, and says nothing.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminsuspenduserid
 */
export const setAdminSuspendUser = route({
	id: 'setAdminSuspendUser',
	method: 'PUT',
	path: '/_matrix/client/v1/admin/suspend/:userId',
	auth: 'admin',
	body: v.object({suspended: v.boolean()}),
	async handle({caller, parameters, body: {suspended}}, {moderation}) {
		await moderation.set(caller.userId, parameters.userId, 'isSuspended', suspended);
		return {suspended};
	},
});

/**
 * Tells an administrator whether an account is locked.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1adminlockuserid
 */
export const getAdminLockUser = route({
	id: 'getAdminLockUser',
	method: 'GET',
	path: '/_matrix/client/v1/admin/lock/:userId',
	auth: 'admin',
	handle: async ({caller, parameters: {userId}}, {moderation}) => ({
		locked: await moderation.get(caller.userId, userId, 'isLocked'),
	}),
});

/**
 * Locks an account, or ends that: who is locked can sign out, and nothing else.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv1adminlockuserid
 */
export const setAdminLockUser = route({
	id: 'setAdminLockUser',
	method: 'PUT',
	path: '/_matrix/client/v1/admin/lock/:userId',
	auth: 'admin',
	body: v.object({locked: v.boolean()}),
	async handle({caller, parameters, body: {locked}}, {moderation}) {
		await moderation.set(caller.userId, parameters.userId, 'isLocked', locked);
		return {locked};
	},
});
