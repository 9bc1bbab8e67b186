import {arrayText, objectText, writePlaceToken} from '../../events/index.ts';
import {rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {readLimit} from './timeline-query.ts';

/**
 * Gives a room at once: its state, its newest events, and what the caller keeps for it. Clients use it to look into rooms
 * that they are not in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidinitialsync
 */
export const roomInitialSync = route({
	id: 'roomInitialSync',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/initialSync',
	auth: 'guest',
	query: v.object({limit: v.optional(v.integer({min: 0}))}),
	async handle({caller, parameters: {roomId}, query}, {rooms, events, filters, accountData}) {
		const state = await rooms.listState(caller, roomId);
		const page = await rooms.listMessages(caller, roomId, {
			direction: 'backwards',
			limit: readLimit(query.limit),
			filter: filters.readRoomEventFilter(undefined),
		});
		const {row} = await events.findStanding(roomId, caller.userId);
		const isPublished = await rooms.isPublished(roomId);
		const messages = objectText({
			chunk: arrayText(await events.render(caller, page.events.toReversed())),
			start: page.hasMore ? JSON.stringify(writePlaceToken(page.end)) : undefined,
			end: JSON.stringify(writePlaceToken(page.start)),
		});
		return rawJson(
			objectText({
				room_id: JSON.stringify(roomId),
				membership: row && JSON.stringify(row.membership),
				messages,
				state: arrayText(await events.renderState(state)),
				visibility: JSON.stringify(isPublished ? 'public' : 'private'),
				account_data: JSON.stringify(await accountData.listOfRoom(caller.userId, roomId)),
			}),
		);
	},
});
