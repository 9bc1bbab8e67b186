import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Characters of what is looked for: a name, not a page. */
const TERM_MAX = 500;

/**
 * Finds people by their names and ids.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3user_directorysearch
 */
export const searchUserDirectory = route({
	id: 'searchUserDirectory',
	method: 'POST',
	path: '/_matrix/client/v3/user_directory/search',
	auth: 'user',
	rateLimit: 'search',
	body: v.object({search_term: v.string({max: TERM_MAX}), limit: v.optional(v.integer({min: 0}))}),
	async handle({caller, body}, {userDirectory}) {
		const {people, isLimited} = await userDirectory.search(caller, {text: body.search_term, limit: body.limit});
		return {
			results: people.map(({userId, displayName, avatarUrl}) => ({
				user_id: userId,
				...(displayName !== undefined && {display_name: displayName}),
				...(avatarUrl !== undefined && {avatar_url: avatarUrl}),
			})),
			limited: isLimited,
		};
	},
});
