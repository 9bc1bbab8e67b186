import type {JsonObject, ServerName} from '../../../crypto/index.ts';
import {v} from '../../validation/index.ts';

/** What people may say of why they come, go, or make others go. */
const reasonCharactersMax = 4_096;
/** More servers than that are not asked for one room. */
const serversMax = 50;

export const reason = v.optional(v.string({max: reasonCharactersMax}));

/** The body of endpoints about the caller's own membership. */
export const ownMembership = v.object({reason});

/**
 * The body of joins. What else it holds goes into the member event, as Synapse has it and Complement's "can join a room
 * with custom content" wants; a client may say the same by setting the state.
 */
export const entryBody = v.object({
	reason,
	displayname: v.optional(v.string()),
	avatar_url: v.optional(v.string()),
	third_party_signed: v.optional(v.jsonObject()),
});

/** Reads {@link entryBody}: what the member event holds of it. Nobody is invited by address, so nothing is signed. */
export function toEntryContent(body: object): JsonObject {
	const {third_party_signed: _signed, ...content} = body as JsonObject;
	return content;
}

/** The body of endpoints about somebody else's membership. */
export const othersMembership = v.object({user_id: v.userId(), reason});

/** The servers by which a room may be entered; `server_name` is what clients from before v1.12 say. */
export const entryServers = v.object({
	via: v.optional(v.array(v.serverName(), {max: serversMax})),
	server_name: v.optional(v.array(v.serverName(), {max: serversMax})),
});

/** Reads {@link entryServers}. */
export function toServers(query: {
	readonly via?: readonly ServerName[] | undefined;
	readonly server_name?: readonly ServerName[] | undefined;
}): readonly ServerName[] {
	return query.via ?? query.server_name ?? [];
}

/** What a member event holds of a request's reason. */
export function toContent(body: {readonly reason?: string | undefined}): JsonObject {
	return body.reason === undefined ? {} : {reason: body.reason};
}
