import {isJsonObject} from '../../../crypto/index.ts';
import {takeInvite} from '../../../federation/inbound/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** An event, and the stripped state of its room. */
const BODY_BYTES_MAX = 512 * 1024;
const STRIPPED_ENTRIES_MAX = 200;

/**
 * Signs an invite into a room of version 1 or 2, as servers send it that know no other.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1inviteroomideventid
 */
export const sendInviteV1 = route({
	id: 'sendInviteV1',
	method: 'PUT',
	path: '/_matrix/federation/v1/invite/:roomId/:eventId',
	auth: 'server',
	rateLimit: 'federation-membership',
	body: v.jsonObject(),
	bodyBytesMax: BODY_BYTES_MAX,
	async handle({caller, parameters, body}, {federation}) {
		const {unsigned, ...json} = body;
		const state = isJsonObject(unsigned) ? unsigned['invite_room_state'] : undefined;
		const event = await takeInvite(federation.inbound, {
			...caller,
			...parameters,
			// The two have events of one form.
			version: '1',
			json,
			strippedState: Array.isArray(state) ? state.slice(0, STRIPPED_ENTRIES_MAX) : [],
		});
		return [200, {event}];
	},
});

/**
 * Signs an invite of one of our users into a room of another server.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid
 */
export const sendInviteV2 = route({
	id: 'sendInviteV2',
	method: 'PUT',
	path: '/_matrix/federation/v2/invite/:roomId/:eventId',
	auth: 'server',
	rateLimit: 'federation-membership',
	body: v.object({
		room_version: v.string(),
		event: v.jsonObject(),
		invite_room_state: v.optional(v.array(v.any(), {max: STRIPPED_ENTRIES_MAX})),
	}),
	bodyBytesMax: BODY_BYTES_MAX,
	async handle({caller, parameters, body}, {federation}) {
		const event = await takeInvite(federation.inbound, {
			...caller,
			...parameters,
			version: body.room_version,
			json: body.event,
			strippedState: body.invite_room_state ?? [],
		});
		return {event};
	},
});
