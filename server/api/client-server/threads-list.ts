import {arrayText, objectText, writePlaceToken} from '../../events/index.ts';
import {rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {readPoint} from './timeline-query.ts';

const LIMIT_DEFAULT = 10;
/** Each thread comes with its newest event. */
const LIMIT_MAX = 100;

/**
 * Lists the threads of a room by their first events, that with the latest event first.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads
 */
export const getThreadRoots = route({
	id: 'getThreadRoots',
	method: 'GET',
	path: '/_matrix/client/v1/rooms/:roomId/threads',
	auth: 'user',
	query: v.object({
		from: v.optional(v.string()),
		include: v.optional(v.literal('all', 'participated')),
		limit: v.optional(v.integer({min: 1})),
	}),
	async handle({caller, parameters, query}, {rooms, events}) {
		const {roots, hidden, next} = await rooms.listThreads(caller, parameters.roomId, {
			onlyOwn: query.include === 'participated',
			from: readPoint('from', query.from),
			limit: Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX),
		});
		return rawJson(
			objectText({
				chunk: arrayText(await events.render(caller, roots, {hidden})),
				next_batch: next && JSON.stringify(writePlaceToken(next)),
			}),
		);
	},
});
