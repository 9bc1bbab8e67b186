import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {DELAY, delayQuery, scheduled} from './msc4140-delayed-events.ts';
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
	query: delayQuery,
	body: v.jsonObject(),
	async handle({caller, parameters, query, body}, {rooms, delayedEvents}) {
		const {roomId, eventType, txnId} = parameters;
		const delayMs = query[DELAY];
		if (delayMs !== undefined) {
			const transaction = roomTransaction(caller, `delayMessage ${eventType}`, roomId, txnId);
			return scheduled(delayedEvents, caller, roomId, {type: eventType, content: body, delayMs, transaction});
		}
		// A request with another event type has another path, and so is another request.
		const transaction = roomTransaction(caller, `sendMessage ${eventType}`, roomId, txnId);
		return {event_id: await rooms.send(caller, roomId, {type: eventType, content: body, transaction})};
	},
});
