import {isEventId} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {roomTransaction} from './transactions.ts';

/**
 * Takes the content of an event away. A repetition of the same request gets the same redaction.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid
 */
export const redactEvent = route({
	id: 'redactEvent',
	method: 'PUT',
	path: '/_matrix/client/v3/rooms/:roomId/redact/:eventId/:txnId',
	auth: 'user',
	rateLimit: 'message',
	numbers: 'lossless',
	body: v.jsonObject(),
	async handle({caller, parameters, body}, {rooms}) {
		const {roomId, eventId, txnId} = parameters;
		if (!isEventId(eventId)) throw new MatrixError('M_NOT_FOUND', 'There is no such event in the room');
		const transaction = roomTransaction(caller, `redactEvent ${eventId}`, roomId, txnId);
		const {redacts: _redacts, ...content} = body;
		return {event_id: await rooms.redact(caller, roomId, {redacts: eventId, content, transaction})};
	},
});
