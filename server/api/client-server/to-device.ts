import {isUserId, type JsonObject, sliceMembers, type UserId} from '../../../crypto/index.ts';
import type {ToDeviceContents} from '../../encryption/index.ts';
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
	body: v.object({messages: v.record(v.record(v.jsonObject()))}),
	async handle({caller, parameters, body, bodyText}, {encryption}) {
		const {eventType, txnId} = parameters;
		const contents: ToDeviceContents = new Map(
			Object.entries(body.messages)
				.filter((entry): entry is [UserId, Record<string, JsonObject>] => isUserId(entry[0]))
				.map(([userId, devices]) => [userId, new Map(Object.entries(devices))]),
		);
		const texts = sliceMembers(bodyText(), 'messages');
		// A request with another event type has another path, and so is another request.
		const transaction = transactionOf(caller, `sendToDevice ${eventType}`, txnId);
		await encryption.sendToDevice(caller, {type: eventType, transaction, contents, texts});
		return {};
	},
});
