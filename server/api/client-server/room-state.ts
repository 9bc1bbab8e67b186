import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

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
	body: v.jsonObject(),
	async handle({caller, parameters, body}, {rooms}) {
		const {roomId, eventType: type, stateKey} = parameters;
		return {event_id: await rooms.setState(caller, roomId, {type, stateKey, content: body})};
	},
});
