import {rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/**
 * Tells a device what is new to it, and waits for news where there is none.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync
 */
export const sync = route({
	id: 'sync',
	method: 'GET',
	path: '/_matrix/client/v3/sync',
	auth: 'guest',
	rateLimit: 'sync',
	query: v.object({
		filter: v.optional(v.string()),
		full_state: v.optional(v.boolean()),
		set_presence: v.optional(v.literal('offline', 'online', 'unavailable')),
		since: v.optional(v.string()),
		timeout: v.optional(v.integer()),
		use_state_after: v.optional(v.boolean()),
		'org.matrix.msc4222.use_state_after': v.optional(v.boolean()),
	}),
	async handle({caller: {userId, deviceId}, query, signal}, services) {
		const {use_state_after: isAsked = false, 'org.matrix.msc4222.use_state_after': isAskedAsProposed = false} = query;
		const text = await services.sync.sync({
			userId,
			deviceId,
			filter: await services.filters.resolve(userId, query.filter),
			since: query.since,
			isFullState: query.full_state ?? false,
			usesStateAfter: isAsked || isAskedAsProposed,
			// matrix-js-sdk 36 asks for it, and looks for it, by the name that it had as a proposal.
			stateAfterName: isAsked ? 'state_after' : 'org.matrix.msc4222.state_after',
			presence: query.set_presence ?? 'online',
			timeoutMs: query.timeout ?? 0,
			signal,
		});
		return rawJson(text);
	},
});
