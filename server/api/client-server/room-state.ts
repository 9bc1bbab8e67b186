import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {DELAY, delayQuery, scheduled} from './msc4140-delayed-events.ts';

/**
 * Sets an entry of a room's state.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey
 */
export const setRoomStateWithKey = route({
	id: 'setRoomStateWithKey',
	method: 'PUT',
	path: '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey',
	alsoAt: ['/_matrix/client/v3/rooms/:roomId/state/:eventType', '/_matrix/client/v3/rooms/:roomId/state/:eventType/'],
	auth: 'guest',
	rateLimit: 'message',
	numbers: 'lossless',
	query: delayQuery,
	body: v.jsonObject(),
	async handle({caller, parameters, query, body}, {rooms, delayedEvents}) {
		const {roomId, eventType: type, stateKey} = parameters;
		const delayMs = query[DELAY];
		if (delayMs !== undefined) {
			return scheduled(delayedEvents, caller, roomId, {type, stateKey, content: body, delayMs});
		}
		return {event_id: await rooms.setState(caller, roomId, {type, stateKey, content: body})};
	},
});
