import type {RoomId} from '../../../crypto/index.ts';
import type {KeptData} from '../../account-data/index.ts';
import {arrayText, objectText, type TimelinePoint, type Viewer, writePlaceToken} from '../../events/index.ts';
import {rawJson} from '../../http/index.ts';
import type {Actor} from '../../rooms/index.ts';
import type {Services} from '../../services.ts';
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
	async handle({caller, parameters: {roomId}, query}, services) {
		const kept = await services.accountData.listAll(caller.userId);
		return rawJson(await renderRoom(services, caller, roomId, {limit: readLimit(query.limit), from: undefined, kept}));
	},
});

/**
 * Gives a room as JSON text: its state, its newest events or those before a point, and what of `kept` is of this room.
 * @throws RoomsError 'not-in-room'
 */
export async function renderRoom(
	{rooms, events, filters}: Services,
	caller: Actor & Viewer,
	roomId: RoomId,
	wish: {
		readonly limit: number;
		readonly from: TimelinePoint | undefined;
		readonly kept: readonly KeptData[];
	},
): Promise<string> {
	const {limit, from, kept} = wish;
	const state = await rooms.listState(caller, roomId);
	const filter = filters.readRoomEventFilter(undefined);
	const page = await rooms.listMessages(caller, roomId, {direction: 'backwards', limit, filter, from});
	const {row} = await events.findStanding(roomId, caller.userId);
	const isPublished = await rooms.isPublished(roomId);
	const messages = objectText({
		chunk: arrayText(await events.render(caller, page.events.toReversed())),
		start: page.hasMore ? JSON.stringify(writePlaceToken(page.end)) : undefined,
		end: JSON.stringify(writePlaceToken(page.start)),
	});
	const ofRoom = kept.filter((data) => data.roomId === roomId).map(({type, content}) => ({type, content}));
	return objectText({
		room_id: JSON.stringify(roomId),
		membership: row && JSON.stringify(row.membership),
		messages,
		state: arrayText(await events.renderState(state)),
		visibility: JSON.stringify(isPublished ? 'public' : 'private'),
		account_data: JSON.stringify(ofRoom),
	});
}
