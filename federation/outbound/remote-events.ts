import {type EventId, isEventId, type JsonObject, type JsonValue} from '../../crypto/index.ts';
import {EngineError, type RemoteEvents} from '../engine/index.ts';
import {type FederationClient, type FederationRequest, path} from './client.ts';
import {OutboundError, type OutboundErrorCode, RemoteError} from './errors.ts';
import {asObject} from './key-document.ts';

/** One event is at most 64 KiB, with what is around it less than twice that. */
const EVENT_LIMITS = {timeoutMs: 20_000, responseBytesMax: 131_072} as const;
/** An id and a time, for which somebody waits. */
const TIME_LIMITS = {timeoutMs: 10_000, responseBytesMax: 8_192} as const;
/** A page of events: as many as one asks for, each of full size. */
const PAGE_LIMITS = {timeoutMs: 60_000, responseBytesMax: 10 << 20} as const;
/** The state of the largest rooms (threats D7). */
export const STATE_LIMITS = {timeoutMs: 180_000, responseBytesMax: 100 << 20} as const;
/** Ids that one answer may name; the largest rooms have some 100,000 members. */
const IDS_MAX = 300_000;

/** Reasons why there is no answer that say nothing about what is asked for. */
const PASSING_CODES: ReadonlySet<OutboundErrorCode> = new Set(['aborted', 'overloaded', 'timeout', 'unreachable']);

/** Statuses of a server, or a proxy before it, that has no time; 500 is what a peer may say to one question for ever. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** Tells the engine what may be had later from what was refused: an event must not be judged by a lost connection. */
function asEngineError(error: unknown): unknown {
	if (!(error instanceof OutboundError)) return error;
	const isPassing = error instanceof RemoteError ? PASSING_STATUSES.has(error.status) : PASSING_CODES.has(error.code);
	return isPassing ? new EngineError('unavailable', 'The other server does not answer', {cause: error}) : error;
}

/** A question that is answered with an object. */
type Ask = (request: Omit<FederationRequest, 'method'> & {readonly method?: 'POST'}) => Promise<JsonObject>;

function createAsk(client: Pick<FederationClient, 'request'>): Ask {
	return async (request) => {
		const {body} = await client.request({method: 'GET', ...request}).catch((error: unknown) => {
			throw asEngineError(error);
		});
		const object = asObject(body);
		if (object === undefined) throw new OutboundError('bad_response', 'Expected an object');
		return object;
	};
}

/** Gives the engine's eyes on what other servers have. What they answer is not checked here but for its shape. */
export function createRemoteEvents(client: Pick<FederationClient, 'request'>): RemoteEvents {
	const ask = createAsk(client);
	return {
		async getEvent(destination, eventId) {
			try {
				const answer = await ask({
					destination,
					path: path`/_matrix/federation/v1/event/${eventId}`,
					limits: EVENT_LIMITS,
				});
				return listEvents(answer['pdus'])[0];
			} catch (error) {
				if (error instanceof RemoteError && error.status === 404) return undefined;
				throw error;
			}
		},
		async getMissingEvents(destination, roomId, {earliest, latest, limit, minDepth}) {
			const answer = await ask({
				destination,
				method: 'POST',
				path: path`/_matrix/federation/v1/get_missing_events/${roomId}`,
				body: {earliest_events: [...earliest], latest_events: [...latest], limit, min_depth: minDepth},
				limits: PAGE_LIMITS,
			});
			return listEvents(answer['events']);
		},
		async getStateIds(destination, roomId, eventId) {
			const answer = await ask({
				destination,
				path: path`/_matrix/federation/v1/state_ids/${roomId}`,
				query: {event_id: eventId},
				limits: STATE_LIMITS,
			});
			return {state: listIds(answer['pdu_ids']), authChain: listIds(answer['auth_chain_ids'])};
		},
		async getState(destination, roomId, eventId) {
			const answer = await ask({
				destination,
				path: path`/_matrix/federation/v1/state/${roomId}`,
				query: {event_id: eventId},
				limits: STATE_LIMITS,
			});
			return {state: listEvents(answer['pdus']), authChain: listEvents(answer['auth_chain'])};
		},
		async getEventAuth(destination, roomId, eventId) {
			const answer = await ask({
				destination,
				path: path`/_matrix/federation/v1/event_auth/${roomId}/${eventId}`,
				limits: STATE_LIMITS,
			});
			return listEvents(answer['auth_chain']);
		},
		async backfill(destination, roomId, from, limit) {
			const answer = await ask({
				destination,
				path: path`/_matrix/federation/v1/backfill/${roomId}`,
				query: {v: from, limit},
				limits: PAGE_LIMITS,
			});
			return listEvents(answer['pdus']).slice(0, limit);
		},
		findByTime: (...question) => askByTime(ask, ...question),
	};
}

/** Gives the objects of a list; what is none is no event. */
export function listEvents(value: JsonValue | undefined): JsonObject[] {
	if (!Array.isArray(value)) throw new OutboundError('bad_response', 'Expected a list of events');
	return value.map(asObject).filter((event) => event !== undefined);
}

async function askByTime(
	ask: Ask,
	...[destination, roomId, ts, direction]: Parameters<RemoteEvents['findByTime']>
): ReturnType<RemoteEvents['findByTime']> {
	const {event_id: eventId, origin_server_ts: originServerTs} = await ask({
		destination,
		path: path`/_matrix/federation/v1/timestamp_to_event/${roomId}`,
		query: {ts, dir: direction === 'forwards' ? 'f' : 'b'},
		limits: TIME_LIMITS,
	});
	if (!isEventId(eventId) || typeof originServerTs !== 'number') return undefined;
	return Number.isSafeInteger(originServerTs) ? {eventId, originServerTs} : undefined;
}

function listIds(value: JsonValue | undefined): EventId[] {
	if (!Array.isArray(value) || value.length > IDS_MAX) {
		throw new OutboundError('bad_response', 'Expected a list of event ids');
	}
	return value.filter(isEventId);
}
