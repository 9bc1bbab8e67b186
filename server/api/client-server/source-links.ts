import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

const path = '/_broadsheet/client/v1/source_links';

/**
 * Makes a link by which a source gets an account for one encrypted room with its maker and the people named here. The
 * address in the answer is the link; it is not kept. Days and uses that are left out are as the configuration says.
 */
export const createSourceLink = route({
	id: 'createSourceLink',
	method: 'POST',
	path,
	auth: 'user',
	rateLimit: 'room-creation',
	body: v.object({
		name: v.string(),
		members: v.optional(v.array(v.userId())),
		uses: v.optional(v.integer()),
		days: v.optional(v.integer()),
		account_days: v.optional(v.integer()),
		silence_days: v.optional(v.integer()),
		federates: v.optional(v.boolean()),
	}),
	async handle({caller, body}, {sourceLinks}) {
		const {account_days: accountDays, silence_days: silenceDays, ...wish} = body;
		const {linkId, url, expiresTs} = await sourceLinks.create(caller.userId, {...wish, accountDays, silenceDays});
		return {link_id: linkId, url, expires_ts: expiresTs};
	},
});

/** Lists the caller's links that can still be opened, without their addresses, and the accounts that they have given. */
export const listSourceLinks = route({
	id: 'listSourceLinks',
	method: 'GET',
	path,
	auth: 'user',
	async handle({caller}, {sourceLinks}) {
		const links = await sourceLinks.listLinks(caller.userId);
		const sources = await sourceLinks.listSources(caller.userId);
		return {
			links: links.map(({linkId, name, members, usesAllowed, usesDone, expiresTs, federates}) => ({
				link_id: linkId,
				name,
				members,
				uses_allowed: usesAllowed,
				uses_done: usesDone,
				expires_ts: expiresTs,
				federates,
			})),
			sources: sources.map(({userId, name, roomId, endsTs}) => ({
				user_id: userId,
				name,
				room_id: roomId,
				ends_ts: endsTs,
			})),
		};
	},
});

/** Takes a link back. Accounts that it gave stay. */
export const deleteSourceLink = route({
	id: 'deleteSourceLink',
	method: 'DELETE',
	path: `${path}/:linkId`,
	auth: 'user',
	async handle({caller, parameters}, {sourceLinks}) {
		await sourceLinks.remove(caller.userId, parameters.linkId);
		return {};
	},
});

/** Ends an account that a link of the caller has given, and erases it. */
export const endSourceAccount = route({
	id: 'endSourceAccount',
	method: 'DELETE',
	path: '/_broadsheet/client/v1/sources/:userId',
	auth: 'user',
	async handle({caller, parameters}, {sourceLinks}) {
		await sourceLinks.end(caller.userId, parameters.userId);
		return {};
	},
});
