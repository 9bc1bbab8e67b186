import {
	canonicalJsonBytes,
	type EventId,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type RoomId,
	readJson,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import {EngineError, type TransportResponse} from '../../federation/engine/index.ts';
import {
	InboundError,
	type InviteContext,
	makeMemberProto,
	readBackfill,
	readEvent,
	readEventAuth,
	readMissingEvents,
	readState,
	readStateIds,
	sendJoin,
	sendKnock,
	sendLeave,
	takeInvite,
	takeTransaction,
	type TransactionContext,
} from '../../federation/inbound/index.ts';
import {type Keyring, type PublishedKeys, verifyRequest} from '../../federation/outbound/index.ts';
import {StorageError} from '../../storage/index.ts';
import type {IncomingRequest} from './network.ts';

/** What a node answers other servers with. */
export interface Answering {
	readonly serverName: ServerName;
	readonly keys: PublishedKeys;
	readonly keyring: Keyring;
	readonly inbound: InviteContext;
	readonly transactions: TransactionContext;
	readonly noteContact: (server: ServerName) => void;
}

interface Asked {
	readonly origin: ServerName;
	readonly method: string;
	/** The parts of the path after the version, decoded. */
	readonly parts: readonly string[];
	readonly query: URLSearchParams;
	readonly body: JsonObject;
}

/** A request for what is not there. */
class Unrecognized extends Error {}

/** Answers a request as the HTTP layer would: signature, route, refusals as errors of Matrix. Never rejects. */
export async function answer(context: Answering, request: IncomingRequest): Promise<TransportResponse> {
	const [target = '', search = ''] = request.path.split('?', 2);
	if (target === '/_matrix/key/v2/server') return respond(200, context.keys.document());
	try {
		const content = request.body.length === 0 ? undefined : readJson(request.body).value;
		const verdict = await verifyRequest(
			{
				method: request.method,
				uri: request.path,
				authorization: [request.headers['authorization'] ?? ''],
				...(content !== undefined && {content}),
			},
			{
				serverName: context.serverName,
				isAllowed: (server) => server !== context.serverName,
				findRequestKey: (server, keyId) => context.keyring.findRequestKey(server, keyId),
			},
		);
		if (!verdict.isAuthentic) return respond(401, {errcode: 'M_UNAUTHORIZED', error: verdict.fault});
		context.noteContact(verdict.origin);
		const [, , , version, ...parts] = target.split('/').map(decodeURIComponent);
		const asked: Asked = {
			origin: verdict.origin,
			method: request.method,
			parts: [`${version}/${parts[0]}`, ...parts.slice(1)],
			query: new URLSearchParams(search),
			body: isJsonObject(content) ? content : {},
		};
		return respond(200, await route(context, asked));
	} catch (error) {
		return refuse(error);
	}
}

async function route({inbound, transactions}: Answering, asked: Asked): Promise<JsonObject> {
	const {origin, parts, query, body} = asked;
	const [endpoint = '', first = '', second = ''] = parts;
	const roomId = first as RoomId;
	const question = {origin, roomId};
	const eventId = (query.get('event_id') ?? second) as EventId;
	const member = {origin, roomId, eventId: second as EventId, json: body};
	switch (endpoint) {
		case 'v1/send':
			return takeTransaction(transactions, {
				origin,
				txnId: first,
				pdus: listOf(body['pdus']),
				edus: listOf(body['edus']),
				brokenPdus: new Set(),
				brokenEdus: new Set(),
			});
		case 'v1/make_join':
		case 'v1/make_leave':
		case 'v1/make_knock': {
			const membership = endpoint.slice('v1/make_'.length) as 'join' | 'leave' | 'knock';
			const versions = membership === 'leave' ? undefined : query.getAll('ver');
			const proto = await makeMemberProto(inbound, {
				origin,
				roomId,
				userId: second as UserId,
				membership,
				versions,
			});
			return {room_version: proto.version, event: proto.event};
		}
		case 'v2/send_join':
			return sendJoin(inbound, {...member, membership: 'join'}, {omitMembers: query.get('omit_members') === 'true'});
		case 'v2/send_leave':
			return sendLeave(inbound, {...member, membership: 'leave'});
		case 'v1/send_knock':
			return sendKnock(inbound, {...member, membership: 'knock'});
		case 'v2/invite': {
			const invite = {version: body['room_version'] as string, json: body['event'] as JsonObject};
			const strippedState = listOf(body['invite_room_state']);
			return {event: await takeInvite(inbound, {...question, ...invite, eventId: second as EventId, strippedState})};
		}
		case 'v1/event':
			return {pdus: await readEvent(inbound, origin, first as EventId)};
		case 'v1/state':
			return readState(inbound, question, eventId);
		case 'v1/state_ids':
			return readStateIds(inbound, question, eventId);
		case 'v1/event_auth':
			return readEventAuth(inbound, question, second as EventId);
		case 'v1/backfill': {
			const from = query.getAll('v') as EventId[];
			return {pdus: await readBackfill(inbound, question, {from, limit: Number(query.get('limit'))})};
		}
		case 'v1/get_missing_events': {
			const events = await readMissingEvents(inbound, question, {
				earliest: listOf(body['earliest_events']) as EventId[],
				latest: listOf(body['latest_events']) as EventId[],
				limit: Number(body['limit']),
				minDepth: Number(body['min_depth']),
			});
			return {events};
		}
		default:
			throw new Unrecognized(endpoint);
	}
}

function listOf(value: JsonValue | undefined): JsonValue[] {
	return Array.isArray(value) ? value : [];
}

const STATUS_OF_REFUSAL: Readonly<Record<InboundError['code'], readonly [number, string]>> = {
	not_found: [404, 'M_NOT_FOUND'],
	forbidden: [403, 'M_FORBIDDEN'],
	invalid: [400, 'M_INVALID_PARAM'],
	invite_blocked: [403, 'M_INVITE_BLOCKED'],
	incomplete: [400, 'M_MISSING_PARAM'],
	incompatible_version: [400, 'M_INCOMPATIBLE_ROOM_VERSION'],
	unable_to_authorise: [400, 'M_UNABLE_TO_AUTHORISE_JOIN'],
	unable_to_grant: [400, 'M_UNABLE_TO_GRANT_JOIN'],
};

function refuse(error: unknown): TransportResponse {
	if (error instanceof InboundError) {
		const [status, errcode] = STATUS_OF_REFUSAL[error.code];
		return respond(status, {errcode, error: error.message});
	}
	if (error instanceof Unrecognized) return respond(404, {errcode: 'M_UNRECOGNIZED', error: error.message});
	const isForbidden = error instanceof EngineError && (error.code === 'forbidden' || error.code === 'not_in_room');
	if (isForbidden) return respond(403, {errcode: 'M_FORBIDDEN', error: error.message});
	const isOurs = error instanceof EngineError || error instanceof StorageError;
	// Anything else would be a 500, which no request may ever cause.
	if (!isOurs) throw error;
	return respond(503, {errcode: 'M_UNKNOWN', error: error.message});
}

function respond(status: number, body: object): TransportResponse {
	return {status, headers: {'content-type': 'application/json'}, body: canonicalJsonBytes(body)};
}
