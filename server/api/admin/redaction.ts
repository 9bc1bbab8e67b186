import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Rooms that one task is about at most. */
const ROOMS_MAX = 10_000;

/** Begins to redact what somebody wrote. */
export const redactUser = route({
	id: 'adminRedactUser',
	method: 'POST',
	path: '/_synapse/admin/v1/user/:userId/redact',
	auth: 'admin',
	body: v.object({
		rooms: v.array(v.roomId(), {max: ROOMS_MAX}),
		reason: v.optional(v.string()),
		limit: v.optional(v.integer({min: 1})),
	}),
	handle: async ({caller, parameters, body}, {administration}) => ({
		redact_id: await administration.redactions.begin(caller.userId, parameters.userId, body),
	}),
});

/** Tells what has become of it. */
export const getRedactStatus = route({
	id: 'adminGetRedactStatus',
	method: 'GET',
	path: '/_synapse/admin/v1/user/redact_status/:redactId',
	auth: 'admin',
	async handle({parameters}, {administration}) {
		const {status, failures} = await administration.redactions.get(parameters.redactId);
		return {status, failed_redactions: failures};
	},
});
