import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Finds the event nearest to a time.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event
 */
export const getEventByTimestamp = route({
	id: 'getEventByTimestamp',
	method: 'GET',
	path: '/_matrix/client/v1/rooms/:roomId/timestamp_to_event',
	auth: 'user',
	rateLimit: 'search',
	query: v.object({ts: v.integer(), dir: v.literal('f', 'b')}),
	async handle({caller, parameters, query}, {rooms}) {
		const direction = query.dir === 'f' ? 'forwards' : 'backwards';
		const {eventId, originServerTs} = await rooms.findByTime(caller, parameters.roomId, query.ts, direction);
		return {event_id: eventId, origin_server_ts: originServerTs};
	},
});
