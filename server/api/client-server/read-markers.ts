import type {EventId} from '../../../crypto/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

const eventId = () => v.optional(v.string({min: 1, max: 255}));

/**
 * Moves the caller's markers in a room in one request.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidread_markers
 */
export const setReadMarker = route({
	id: 'setReadMarker',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/read_markers',
	auth: 'user',
	rateLimit: 'message',
	body: v.object({'m.fully_read': eventId(), 'm.read': eventId(), 'm.read.private': eventId()}),
	async handle({caller: {userId}, parameters: {roomId}, body}, {receipts}) {
		const fullyRead = body['m.fully_read'];
		if (fullyRead !== undefined) await receipts.setFullyRead(userId, roomId, fullyRead as EventId);
		for (const type of ['m.read', 'm.read.private'] as const) {
			const read = body[type];
			if (read !== undefined) await receipts.set(userId, roomId, {type, eventId: read as EventId});
		}
		return {};
	},
});
