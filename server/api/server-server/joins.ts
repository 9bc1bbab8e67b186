import {
	type MemberEventRequest,
	makeMemberProto,
	sendJoin,
	sendKnock,
	sendLeave,
} from '../../../federation/inbound/index.ts';
import type {JsonObject} from '../../../crypto/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** A member event with all that surrounds it. */
const BODY_BYTES_MAX = 128 * 1024;

const versions = v.object({ver: v.optional(v.array(v.string(), {max: 200}))});

async function makeProto(
	{inbound}: Services['federation'],
	request: Parameters<typeof makeMemberProto>[1],
): Promise<JsonObject> {
	const {version, event} = await makeMemberProto(inbound, request);
	return {room_version: version, event};
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid */
export const makeJoin = route({
	id: 'makeJoin',
	method: 'GET',
	path: '/_matrix/federation/v1/make_join/:roomId/:userId',
	auth: 'server',
	rateLimit: 'federation-membership',
	query: versions,
	handle: ({caller, parameters, query}, {federation}) =>
		// A server that names no versions supports the first one only.
		makeProto(federation, {...caller, ...parameters, membership: 'join', versions: query.ver ?? ['1']}),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_leaveroomiduserid */
export const makeLeave = route({
	id: 'makeLeave',
	method: 'GET',
	path: '/_matrix/federation/v1/make_leave/:roomId/:userId',
	auth: 'server',
	rateLimit: 'federation',
	handle: ({caller, parameters}, {federation}) =>
		makeProto(federation, {...caller, ...parameters, membership: 'leave'}),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_knockroomiduserid */
export const makeKnock = route({
	id: 'makeKnock',
	method: 'GET',
	path: '/_matrix/federation/v1/make_knock/:roomId/:userId',
	auth: 'server',
	rateLimit: 'federation-membership',
	query: versions,
	handle: ({caller, parameters, query}, {federation}) =>
		makeProto(federation, {...caller, ...parameters, membership: 'knock', versions: query.ver ?? []}),
});

const memberEvent = (
	caller: {readonly origin: MemberEventRequest['origin']},
	parameters: Pick<MemberEventRequest, 'roomId' | 'eventId'>,
	json: JsonObject,
	membership: MemberEventRequest['membership'],
): MemberEventRequest => ({...caller, ...parameters, json, membership});

/** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_joinroomideventid */
export const sendJoinV2 = route({
	id: 'sendJoinV2',
	method: 'PUT',
	path: '/_matrix/federation/v2/send_join/:roomId/:eventId',
	auth: 'server',
	rateLimit: 'federation-membership',
	query: v.object({omit_members: v.optional(v.boolean())}),
	body: v.jsonObject(),
	bodyBytesMax: BODY_BYTES_MAX,
	handle: ({caller, parameters, query, body}, {federation}) =>
		sendJoin(federation.inbound, memberEvent(caller, parameters, body, 'join'), {
			omitMembers: query.omit_members === true,
		}),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2send_leaveroomideventid */
export const sendLeaveV2 = route({
	id: 'sendLeaveV2',
	method: 'PUT',
	path: '/_matrix/federation/v2/send_leave/:roomId/:eventId',
	auth: 'server',
	rateLimit: 'federation',
	body: v.jsonObject(),
	bodyBytesMax: BODY_BYTES_MAX,
	handle: ({caller, parameters, body}, {federation}) =>
		sendLeave(federation.inbound, memberEvent(caller, parameters, body, 'leave')),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1send_knockroomideventid */
export const sendKnockV1 = route({
	id: 'sendKnock',
	method: 'PUT',
	path: '/_matrix/federation/v1/send_knock/:roomId/:eventId',
	auth: 'server',
	rateLimit: 'federation-membership',
	body: v.jsonObject(),
	bodyBytesMax: BODY_BYTES_MAX,
	handle: ({caller, parameters, body}, {federation}) =>
		sendKnock(federation.inbound, memberEvent(caller, parameters, body, 'knock')),
});
