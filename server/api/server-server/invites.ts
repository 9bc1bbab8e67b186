import {takeInvite} from '../../../federation/inbound/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** An event, and the stripped state of its room. */
const BODY_BYTES_MAX = 512 * 1024;
const STRIPPED_ENTRIES_MAX = 200;

/** @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv2inviteroomideventid */
export const sendInviteV2 = route({
	id: 'sendInviteV2',
	method: 'PUT',
	path: '/_matrix/federation/v2/invite/:roomId/:eventId',
	auth: 'server',
	rateLimit: 'federation',
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
