import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {roomTransaction} from './transactions.ts';

/**
 * Sends an event that is not state. A repetition of the same request gets the same event.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid
 */
export const sendMessage = route({
	id: 'sendMessage',
	method: 'PUT',
	path: '/_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId',
	auth: 'guest',
	rateLimit: 'message',
	numbers: 'lossless',
	body: v.jsonObject(),
	async handle({caller, parameters, body}, {rooms}) {
		const {roomId, eventType, txnId} = parameters;
		// A request with another event type has another path, and so is another request.
		const transaction = roomTransaction(caller, `sendMessage ${eventType}`, roomId, txnId);
		return {event_id: await rooms.send(caller, roomId, {type: eventType, content: body, transaction})};
	},
});
