import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {checkOwn} from './own-user.ts';

/**
 * Stores a filter for the caller's other requests.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridfilter
 */
export const defineFilter = route({
	id: 'defineFilter',
	method: 'POST',
	path: '/_matrix/client/v3/user/:userId/filter',
	auth: 'user',
	allowsQuarantined: true,
	body: v.jsonObject(),
	async handle({caller, parameters, body}, {filters}) {
		checkOwn(caller, parameters.userId);
		return {filter_id: await filters.add(caller.userId, body)};
	},
});

/**
 * Gives a filter that the caller stored.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3useruseridfilterfilterid
 */
export const getFilter = route({
	id: 'getFilter',
	method: 'GET',
	path: '/_matrix/client/v3/user/:userId/filter/:filterId',
	auth: 'user',
	allowsQuarantined: true,
	handle({caller, parameters}, {filters}) {
		checkOwn(caller, parameters.userId);
		return filters.get(caller.userId, parameters.filterId);
	},
});
