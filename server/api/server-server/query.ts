import {domainOf} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

const fields = ['displayname', 'avatar_url'] as const;

/**
 * Gives the profile of a user of this server to a server that may know of them; to others the same refusal whether there
 * is such a user or not. @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryprofile
 */
export const queryProfile = route({
	id: 'queryProfile',
	method: 'GET',
	path: '/_matrix/federation/v1/query/profile',
	auth: 'server',
	rateLimit: 'federation-query',
	query: v.object({user_id: v.userId(), field: v.optional(v.string())}),
	async handle({caller, query}, {config, profiles, visibility}) {
		if (domainOf(query.user_id) !== config.serverName) {
			throw new MatrixError('M_INVALID_PARAM', 'The user is not of this server');
		}
		if (!(await visibility.mayServerKnow(caller.origin, query.user_id, 'profiles'))) {
			throw new MatrixError('M_FORBIDDEN', 'Your server may not see this profile');
		}
		const profile = await profiles.get(query.user_id);
		const wanted = query.field === undefined ? fields : [query.field];
		return Object.fromEntries(
			wanted.filter((name) => Object.hasOwn(profile, name)).map((name) => [name, profile[name]]),
		);
	},
});

/**
 * Gives the room that an alias of this server names, to servers that may know.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1querydirectory
 */
export const queryRoomDirectory = route({
	id: 'queryRoomDirectory',
	method: 'GET',
	path: '/_matrix/federation/v1/query/directory',
	auth: 'server',
	rateLimit: 'federation-query',
	query: v.object({room_alias: v.roomAlias()}),
	async handle({caller, query}, {config, rooms}) {
		if (domainOf(query.room_alias) !== config.serverName) {
			throw new MatrixError('M_INVALID_PARAM', 'The alias is not of this server');
		}
		const {roomId, servers} = await rooms.getAliasFor(caller.origin, query.room_alias);
		return {room_id: roomId, servers};
	},
});

/**
 * Whatever else there may be to ask for: this server answers no other question.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1queryquerytype
 */
export const queryInfo = route({
	id: 'queryInfo',
	method: 'GET',
	path: '/_matrix/federation/v1/query/:queryType',
	auth: 'server',
	rateLimit: 'federation-query',
	handle() {
		throw new MatrixError('M_UNRECOGNIZED', 'This server answers no such question');
	},
});
