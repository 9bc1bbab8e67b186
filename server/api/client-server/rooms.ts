import {arrayText} from '../../events/index.ts';
import {json, rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {readPoint} from './timeline-query.ts';

const membership = v.optional(v.literal('join', 'invite', 'knock', 'leave', 'ban'));

/**
 * Gives one event.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid
 */
export const getOneRoomEvent = route({
	id: 'getOneRoomEvent',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/event/:eventId',
	auth: 'guest',
	async handle({caller, parameters}, {rooms, events}) {
		const event = await rooms.getEvent(caller, parameters.roomId, parameters.eventId);
		const [text] = await events.render(caller, [event]);
		return rawJson(text!);
	},
});

/**
 * Gives an entry of a room's state: its content, or the whole event.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey
 */
export const getRoomStateWithKey = route({
	id: 'getRoomStateWithKey',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/state/:eventType/:stateKey',
	alsoAt: ['/_matrix/client/v3/rooms/:roomId/state/:eventType', '/_matrix/client/v3/rooms/:roomId/state/:eventType/'],
	auth: 'guest',
	query: v.object({format: v.optional(v.literal('content', 'event'))}),
	async handle({caller, parameters, query}, {rooms, events}) {
		const {roomId, eventType, stateKey} = parameters;
		const {event, content} = await rooms.getState(caller, roomId, eventType, stateKey);
		if (query.format !== 'event') return json(content);
		const [text] = await events.renderState([event]);
		return rawJson(text!);
	},
});

/**
 * Lists a room's state.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidstate
 */
export const getRoomState = route({
	id: 'getRoomState',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/state',
	auth: 'guest',
	async handle({caller, parameters}, {rooms, events}) {
		const state = await rooms.listState(caller, parameters.roomId);
		return rawJson(arrayText(await events.renderState(state)));
	},
});

/**
 * Lists a room's member events.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmembers
 */
export const getMembersByRoom = route({
	id: 'getMembersByRoom',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/members',
	auth: 'guest',
	query: v.object({at: v.optional(v.string()), membership, not_membership: membership}),
	async handle({caller, parameters, query}, {rooms, events}) {
		const members = await rooms.listMembers(caller, parameters.roomId, {
			at: readPoint('at', query.at),
			membership: query.membership,
			notMembership: query.not_membership,
		});
		return rawJson(`{"chunk":${arrayText(await events.renderState(members))}}`);
	},
});

/**
 * Lists who is in a room, with name and avatar.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidjoined_members
 */
export const getJoinedMembersByRoom = route({
	id: 'getJoinedMembersByRoom',
	method: 'GET',
	path: '/_matrix/client/v3/rooms/:roomId/joined_members',
	auth: 'user',
	async handle({caller, parameters}, {rooms}) {
		const members = await rooms.listJoinedMembers(caller, parameters.roomId);
		const joined = [...members].map(([userId, {displayName, avatarUrl}]) => [
			userId,
			{
				...(displayName !== undefined && {display_name: displayName}),
				...(avatarUrl !== undefined && {avatar_url: avatarUrl}),
			},
		]);
		return {joined: Object.fromEntries(joined) as object};
	},
});
