import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Characters of a reason. */
const REASON_MAX = 2_000;

const reason = () => v.string({max: REASON_MAX});

/**
 * Tells the administrators of a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreport
 */
export const reportRoom = route({
	id: 'reportRoom',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/report',
	auth: 'user',
	rateLimit: 'report',
	body: v.object({reason: reason()}),
	async handle({caller, parameters, body}, {reports}) {
		await reports.addOfRoom(caller.userId, parameters.roomId, body.reason);
		return {};
	},
});

/**
 * Tells the administrators of an event in a room that the caller is in.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreporteventid
 */
export const reportEvent = route({
	id: 'reportEvent',
	method: 'POST',
	path: '/_matrix/client/v3/rooms/:roomId/report/:eventId',
	auth: 'user',
	rateLimit: 'report',
	body: v.object({reason: v.optional(reason())}),
	async handle({caller, parameters: {roomId, eventId}, body}, {reports}) {
		await reports.addOfEvent(caller.userId, roomId, eventId, body.reason ?? '');
		return {};
	},
});

/**
 * Tells the administrators of a user.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3usersuseridreport
 */
export const reportUser = route({
	id: 'reportUser',
	method: 'POST',
	path: '/_matrix/client/v3/users/:userId/report',
	auth: 'user',
	rateLimit: 'report',
	body: v.object({reason: reason()}),
	async handle({caller, parameters, body}, {reports}) {
		await reports.addOfUser(caller.userId, parameters.userId, body.reason);
		return {};
	},
});
