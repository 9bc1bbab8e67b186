import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Room for the initial state, each event of which is at most 64 KiB. */
const bodyBytesMax = 512 * 1024;

/** Longer names and topics would leave no room for the rest of the event. */
const textCharactersMax = 16_384;

const initialState = v.object({
	type: v.string(),
	state_key: v.optional(v.string()),
	content: v.jsonObject(),
});

/**
 * Makes a room.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export const createRoom = route({
	id: 'createRoom',
	method: 'POST',
	path: '/_matrix/client/v3/createRoom',
	auth: 'user',
	rateLimit: 'room-creation',
	bodyBytesMax,
	numbers: 'lossless',
	body: v.object({
		visibility: v.optional(v.literal('public', 'private')),
		room_alias_name: v.optional(v.string()),
		name: v.optional(v.string({max: textCharactersMax})),
		topic: v.optional(v.string({max: textCharactersMax})),
		invite: v.optional(v.array(v.userId())),
		invite_3pid: v.optional(v.array(v.jsonObject())),
		room_version: v.optional(v.string()),
		creation_content: v.optional(v.jsonObject()),
		initial_state: v.optional(v.array(initialState)),
		preset: v.optional(v.literal('private_chat', 'public_chat', 'trusted_private_chat')),
		is_direct: v.optional(v.boolean()),
		power_level_content_override: v.optional(v.jsonObject()),
	}),
	async handle({caller, body}, {rooms}) {
		const roomId = await rooms.create(caller, {
			visibility: body.visibility,
			aliasName: body.room_alias_name,
			name: body.name,
			topic: body.topic,
			invite: body.invite,
			hasThirdPartyInvites: (body.invite_3pid ?? []).length > 0,
			version: body.room_version,
			creationContent: body.creation_content,
			initialState: body.initial_state,
			preset: body.preset,
			isDirect: body.is_direct,
			powerLevelOverride: body.power_level_content_override,
		});
		return {room_id: roomId};
	},
});
