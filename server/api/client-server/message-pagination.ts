import {arrayText, objectText, writePlaceToken} from '../../events/index.ts';
import {MatrixError, rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {readLimit, readPoint} from './timeline-query.ts';

/**
 * Lists a page of a room's history.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages
 */
export const getRoomEvents = route({
	id: 'getRoomEvents',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/messages',
	auth: 'guest',
	query: v.object({
		from: v.optional(v.string()),
		to: v.optional(v.string()),
		dir: v.optional(v.literal('b', 'f')),
		limit: v.optional(v.integer({min: 0})),
		filter: v.optional(v.string()),
	}),
	async handle({caller, parameters, query}, {rooms, events, filters}) {
		const page = await rooms.listMessages(caller, parameters.roomId, {
			direction: query.dir === 'f' ? 'forwards' : 'backwards',
			from: readPoint('from', query.from),
			to: readPoint('to', query.to),
			limit: readLimit(query.limit),
			filter: filters.readRoomEventFilter(query.filter),
			asksOthers: query.dir !== undefined,
		});
		// Who may not read the room is told that first.
		if (query.dir === undefined) throw new MatrixError('M_MISSING_PARAM', "Expected 'dir' to be b or f");
		return rawJson(
			objectText({
				chunk: arrayText(await events.render(caller, page.events)),
				start: JSON.stringify(query.from === undefined || query.from === '' ? writePlaceToken(page.start) : query.from),
				end: page.hasMore ? JSON.stringify(writePlaceToken(page.end)) : undefined,
				state: page.state && arrayText(await events.renderState(page.state)),
			}),
		);
	},
});
