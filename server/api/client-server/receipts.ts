import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Says how far the caller has read.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid
 */
export const postReceipt = route({
	id: 'postReceipt',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/receipt/:receiptType/:eventId',
	auth: 'user',
	rateLimit: 'message',
	body: v.object({thread_id: v.optional(v.any())}),
	async handle({caller, parameters: {roomId, receiptType, eventId}, body}, {receipts}) {
		const threadId = body.thread_id;
		if (threadId !== undefined && (typeof threadId !== 'string' || threadId === '')) {
			throw new MatrixError('M_INVALID_PARAM', 'thread_id: expected "main" or an event id');
		}
		switch (receiptType) {
			case 'm.fully_read':
				if (threadId !== undefined) {
					throw new MatrixError('M_INVALID_PARAM', 'thread_id: not for m.fully_read');
				}
				await receipts.setFullyRead(caller.userId, roomId, eventId);
				return {};
			case 'm.read':
			case 'm.read.private':
				await receipts.set(caller.userId, roomId, {type: receiptType, eventId, threadId});
				return {};
			default:
				throw new MatrixError('M_INVALID_PARAM', 'The receipt type is m.read, m.read.private or m.fully_read');
		}
	},
});
