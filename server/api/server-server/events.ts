import type {EventId} from '../../../crypto/index.ts';
import {
	findEventByTime,
	readBackfill,
	readEvent,
	readEventAuth,
	readMissingEvents,
	readState,
	readStateIds,
} from '../../../federation/inbound/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Ids that one question may name. */
const IDS_MAX = 100;
const LIMIT_DEFAULT = 10;

/** What surrounds events that are answered. */
function page({config}: Services, pdus: object[]) {
	return {origin: config.serverName, origin_server_ts: Date.now(), pdus};
}

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid */
export const getEvent = route({
	id: 'getEvent',
	method: 'GET',
	path: '/_matrix/federation/v1/event/:eventId',
	auth: 'server',
	rateLimit: 'federation',
	handle: async ({caller, parameters}, services) =>
		page(services, await readEvent(services.federation.inbound, caller.origin, parameters.eventId)),
});

const atEvent = v.object({event_id: v.eventId()});

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid */
export const getRoomState = route({
	id: 'getRoomState',
	method: 'GET',
	path: '/_matrix/federation/v1/state/:roomId',
	auth: 'server',
	rateLimit: 'federation',
	query: atEvent,
	handle: ({caller, parameters, query}, {federation}) =>
		readState(federation.inbound, {...caller, ...parameters}, query.event_id),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1state_idsroomid */
export const getRoomStateIds = route({
	id: 'getRoomStateIds',
	method: 'GET',
	path: '/_matrix/federation/v1/state_ids/:roomId',
	auth: 'server',
	rateLimit: 'federation',
	query: atEvent,
	handle: ({caller, parameters, query}, {federation}) =>
		readStateIds(federation.inbound, {...caller, ...parameters}, query.event_id),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid */
export const getEventAuth = route({
	id: 'getEventAuth',
	method: 'GET',
	path: '/_matrix/federation/v1/event_auth/:roomId/:eventId',
	auth: 'server',
	rateLimit: 'federation',
	handle: ({caller, parameters}, {federation}) =>
		readEventAuth(federation.inbound, {...caller, roomId: parameters.roomId}, parameters.eventId),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid */
export const backfillRoom = route({
	id: 'backfillRoom',
	method: 'GET',
	path: '/_matrix/federation/v1/backfill/:roomId',
	auth: 'server',
	rateLimit: 'federation',
	query: v.object({v: v.array(v.eventId(), {max: IDS_MAX}), limit: v.integer()}),
	handle: async ({caller, parameters, query}, services) =>
		page(
			services,
			await readBackfill(services.federation.inbound, {...caller, ...parameters}, {from: query.v, limit: query.limit}),
		),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid */
export const getMissingPreviousEvents = route({
	id: 'getMissingPreviousEvents',
	method: 'POST',
	path: '/_matrix/federation/v1/get_missing_events/:roomId',
	auth: 'server',
	rateLimit: 'federation',
	body: v.object({
		earliest_events: v.array(v.eventId(), {max: IDS_MAX}),
		latest_events: v.array(v.eventId(), {max: IDS_MAX}),
		limit: v.optional(v.integer()),
		min_depth: v.optional(v.integer()),
	}),
	async handle({caller, parameters, body}, {federation}) {
		const request = {
			earliest: body.earliest_events as EventId[],
			latest: body.latest_events as EventId[],
			limit: body.limit ?? LIMIT_DEFAULT,
			minDepth: body.min_depth ?? 0,
		};
		return {events: await readMissingEvents(federation.inbound, {...caller, ...parameters}, request)};
	},
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid */
export const getEventByTimestamp = route({
	id: 'getEventByTimestamp',
	method: 'GET',
	path: '/_matrix/federation/v1/timestamp_to_event/:roomId',
	auth: 'server',
	rateLimit: 'federation',
	query: v.object({ts: v.integer(), dir: v.literal('f', 'b')}),
	async handle({caller, parameters, query: {ts, dir}}, {federation}) {
		const direction = dir === 'f' ? 'forwards' : 'backwards';
		const found = await findEventByTime(federation.inbound, {...caller, ...parameters}, {ts, direction});
		return {event_id: found.eventId, origin_server_ts: found.originServerTs};
	},
});
