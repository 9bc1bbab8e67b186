import {arrayText, objectText, writePlaceToken} from '../../events/index.ts';
import {rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {readLimit} from './timeline-query.ts';

/**
 * Gives an event with what came around it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid
 */
export const getEventContext = route({
	id: 'getEventContext',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/context/:eventId',
	auth: 'guest',
	query: v.object({limit: v.optional(v.integer({min: 0})), filter: v.optional(v.string())}),
	async handle({caller, parameters, query}, {rooms, events, filters}) {
		const filter = filters.readRoomEventFilter(query.filter);
		const limit = readLimit(query.limit);
		const before = Math.floor(limit / 2);
		const surroundings = {before, after: limit - before, filter};
		const found = await rooms.getContext(caller, parameters.roomId, parameters.eventId, surroundings);
		const [event] = await events.render(caller, [found.event]);
		return rawJson(
			objectText({
				start: JSON.stringify(writePlaceToken(found.start)),
				end: JSON.stringify(writePlaceToken(found.end)),
				event,
				events_before: arrayText(await events.render(caller, found.before)),
				events_after: arrayText(await events.render(caller, found.after)),
				state: arrayText(await events.renderState(found.state)),
			}),
		);
	},
});
