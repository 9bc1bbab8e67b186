import type {JsonObject, UserId} from '../../../crypto/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {checkOwn} from './own-user.ts';

/** Push rules are account data in another form than the one they are stored in. */
async function getGlobal(userId: UserId, type: string, {accountData, pushRules}: Services): Promise<object> {
	if (type === 'm.push_rules') return {global: await pushRules.getAll(userId)};
	return accountData.get({userId, roomId: null, type});
}

/**
 * Sets the caller's account data of one type.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridaccount_datatype
 */
export const setAccountData = route({
	id: 'setAccountData',
	method: 'PUT',
	path: '/_matrix/client/v3/user/:userId/account_data/:type',
	auth: 'user',
	body: v.jsonObject(),
	async handle({caller, parameters, body}, {accountData}) {
		checkOwn(caller, parameters.userId);
		await accountData.set({userId: caller.userId, roomId: null, type: parameters.type}, body);
		return {};
	},
});

/**
 * Gives the caller's account data of one type.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridaccount_datatype
 */
export const getAccountData = route({
	id: 'getAccountData',
	method: 'GET',
	path: '/_matrix/client/v3/user/:userId/account_data/:type',
	auth: 'user',
	handle({caller, parameters}, services) {
		checkOwn(caller, parameters.userId);
		return getGlobal(caller.userId, parameters.type, services);
	},
});

/**
 * Sets what the caller keeps for a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3useruseridroomsroomidaccount_datatype
 */
export const setAccountDataPerRoom = route({
	id: 'setAccountDataPerRoom',
	method: 'PUT',
	path: '/_matrix/client/v3/user/:userId/rooms/:roomId/account_data/:type',
	auth: 'user',
	body: v.jsonObject(),
	async handle({caller, parameters: {userId, roomId, type}, body}, {accountData}) {
		checkOwn(caller, userId);
		await accountData.set({userId, roomId, type}, body);
		return {};
	},
});

/**
 * Gives what the caller keeps for a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridroomsroomidaccount_datatype
 */
export const getAccountDataPerRoom = route({
	id: 'getAccountDataPerRoom',
	method: 'GET',
	path: '/_matrix/client/v3/user/:userId/rooms/:roomId/account_data/:type',
	auth: 'user',
	handle({caller, parameters: {userId, roomId, type}}, {accountData}): Promise<JsonObject> {
		checkOwn(caller, userId);
		return accountData.get({userId, roomId, type});
	},
});
