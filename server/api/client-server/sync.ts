import {rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {WAITING_TOKEN} from '../../quarantine/index.ts';
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
	allowsQuarantined: true,
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
	async handle({caller, query, signal}, services) {
		const {userId, deviceId} = caller;
		const {timeout: timeoutMs = 0} = query;
		if (caller.isQuarantined && (await services.quarantine.wait(caller, {timeoutMs, signal}))) {
			return waitingSync(await services.encryption.countKeys(userId, deviceId));
		}
		const {use_state_after: isAsked = false, 'org.matrix.msc4222.use_state_after': isAskedAsProposed = false} = query;
		const text = await services.sync.sync({
			userId,
			deviceId,
			filter: await services.filters.resolve(userId, query.filter),
			since: query.since === WAITING_TOKEN ? undefined : query.since,
			isFullState: query.full_state ?? false,
			usesStateAfter: isAsked || isAskedAsProposed,
			// matrix-js-sdk 36 asks for it, and looks for it, by the name that it had as a proposal.
			stateAfterName: isAsked ? 'state_after' : 'org.matrix.msc4222.state_after',
			presence: query.set_presence ?? 'online',
			timeoutMs,
			signal,
		});
		return rawJson(text);
	},
});

/** What a session is told that waits for approval: nothing, and how many of its own keys there are. */
function waitingSync({
	oneTimeKeys,
	unusedFallbackKeyTypes,
}: {
	readonly oneTimeKeys: object;
	readonly unusedFallbackKeyTypes: readonly string[];
}): object {
	return {
		next_batch: WAITING_TOKEN,
		device_one_time_keys_count: oneTimeKeys,
		device_unused_fallback_key_types: unusedFallbackKeyTypes,
	};
}
