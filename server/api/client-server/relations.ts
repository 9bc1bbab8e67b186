import {arrayText, type Events, objectText, writePlaceToken} from '../../events/index.ts';
import {rawJson, type HttpResponse} from '../../http/index.ts';
import {RECURSION_DEPTH, type Actor, type Rooms} from '../../rooms/index.ts';
import {type Infer, v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {readLimit, readPoint} from './timeline-query.ts';

const query = v.object({
	dir: v.optional(v.literal('b', 'f')),
	from: v.optional(v.string()),
	limit: v.optional(v.integer({min: 0})),
	recurse: v.optional(v.boolean()),
	to: v.optional(v.string()),
});

interface Asked {
	readonly caller: Actor;
	readonly parameters: {readonly roomId: Parameters<Rooms['listRelations']>[1]; readonly eventId: string};
	readonly query: Infer<typeof query>;
}

async function answer(
	{caller, parameters, query: {dir, from, limit, recurse, to}}: Asked,
	{rooms, events}: {readonly rooms: Rooms; readonly events: Events},
	wish: {readonly relType?: string; readonly type?: string} = {},
): Promise<HttpResponse> {
	const page = await rooms.listRelations(caller, parameters.roomId, parameters.eventId, {
		...wish,
		direction: dir === 'f' ? 'forwards' : 'backwards',
		from: readPoint('from', from),
		to: readPoint('to', to),
		limit: readLimit(limit),
		isRecursive: recurse ?? false,
	});
	return rawJson(
		objectText({
			chunk: arrayText(await events.render(caller, page.events)),
			next_batch: page.next && JSON.stringify(writePlaceToken(page.next)),
			prev_batch: from === undefined || from === '' ? undefined : JSON.stringify(from),
			recursion_depth: recurse === undefined ? undefined : String(recurse ? RECURSION_DEPTH : 0),
		}),
	);
}

/**
 * Lists what relates to an event.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventid
 */
export const getRelatingEvents = route({
	id: 'getRelatingEvents',
	method: 'GET',
	path: '/_matrix/client/v1/rooms/:roomId/relations/:eventId',
	auth: 'user',
	query,
	handle: (request, services) => answer(request, services),
});

/**
 * Lists what relates to an event in one way.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventidreltype
 */
export const getRelatingEventsWithRelType = route({
	id: 'getRelatingEventsWithRelType',
	method: 'GET',
	path: '/_matrix/client/v1/rooms/:roomId/relations/:eventId/:relType',
	auth: 'user',
	query,
	handle: (request, services) => answer(request, services, {relType: request.parameters.relType}),
});

/**
 * Lists events of one type that relate to an event in one way.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidrelationseventidreltypeeventtype
 */
export const getRelatingEventsWithRelTypeAndEventType = route({
	id: 'getRelatingEventsWithRelTypeAndEventType',
	method: 'GET',
	path: '/_matrix/client/v1/rooms/:roomId/relations/:eventId/:relType/:eventType',
	auth: 'user',
	query,
	handle: (request, services) =>
		answer(request, services, {relType: request.parameters.relType, type: request.parameters.eventType}),
});
