import {sliceMembers} from '../../../crypto/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {transactionOf} from './transactions.ts';

/** Keys of a room for 250 devices take about half of this. */
const bodyBytesMax = 2 * 1024 * 1024;

/**
 * Sends messages to devices. The answer says nothing of who got them.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid
 */
export const sendToDevice = route({
	id: 'sendToDevice',
	method: 'PUT',
	path: '/_matrix/client/v3/sendToDevice/:eventType/:txnId',
	auth: 'guest',
	rateLimit: 'message',
	bodyBytesMax,
	numbers: 'lossless',
	releasesBody: true,
	body: v.object({messages: v.record(v.record(v.jsonObject()))}),
	handle({caller, parameters, body, bodyText}, {encryption}) {
		const {eventType, txnId} = parameters;
		const texts = sliceMembers(bodyText(), 'messages');
		// A request with another event type has another path, and so is another request.
		const transaction = transactionOf(caller, `sendToDevice ${eventType}`, txnId);
		const request = {type: eventType, transaction, contents: body.messages, texts};
		return encryption.sendToDevice(caller, request).then(() => ({}));
	},
});
