import type {EventId, JsonObject, RoomId, ServerName} from '../../crypto/index.ts';
import type {StoredEvent} from '../engine/index.ts';
import {type Pdu, toFederationEvent} from '../rooms/index.ts';
import {getEventOf, type InboundContext, listVisible, openRoomForMember} from './access.ts';
import {InboundError, notFound} from './errors.ts';

/** Events that one answer holds at most. */
const EVENTS_MAX = 100;
/** Ids that a question names at most. */
const IDS_MAX = 100;

/** A question about a room by a server. */
interface RoomQuestion {
	readonly origin: ServerName;
	readonly roomId: RoomId;
}

const wire = (pdus: readonly Pdu[]): JsonObject[] => pdus.map((pdu) => toFederationEvent(pdu));

/** `GET /event/{eventId}`: one event, for a server in its room; nothing for everybody else (row 43). */
export async function readEvent(context: InboundContext, origin: ServerName, eventId: EventId): Promise<JsonObject[]> {
	const found = await context.engine.findEvent(eventId);
	if (!found) throw notFound();
	await openRoomForMember(context, origin, found.pdu.roomId, [eventId]).catch((cause: unknown) => {
		if (cause instanceof InboundError) throw notFound();
		throw cause;
	});
	const visible = await listVisible(context, origin, [found]);
	if (visible.length === 0) throw notFound();
	return wire(visible);
}

async function stateBefore(
	context: InboundContext,
	{origin, roomId}: RoomQuestion,
	eventId: EventId,
): Promise<{readonly state: Pdu[]; readonly authChain: Pdu[]}> {
	await openRoomForMember(context, origin, roomId, [eventId]);
	const {row} = await getEventOf(context, roomId, eventId);
	if (row.statePartial) throw notFound();
	const state = await context.engine.listStateBefore(eventId);
	if (!state) throw notFound();
	const authChain = await context.engine.listAuthChain(state.map((pdu) => pdu.eventId));
	return {state, authChain};
}

/** `GET /state`: the state before an event, and its auth chain. */
export async function readState(
	context: InboundContext,
	question: RoomQuestion,
	eventId: EventId,
): Promise<JsonObject> {
	const {state, authChain} = await stateBefore(context, question, eventId);
	return {pdus: wire(state), auth_chain: wire(authChain)};
}

/** `GET /state_ids`: the same by ids. */
export async function readStateIds(
	context: InboundContext,
	question: RoomQuestion,
	eventId: EventId,
): Promise<JsonObject> {
	const {state, authChain} = await stateBefore(context, question, eventId);
	return {pdu_ids: state.map((pdu) => pdu.eventId), auth_chain_ids: authChain.map((pdu) => pdu.eventId)};
}

/** `GET /event_auth`: the auth chain of an event. */
export async function readEventAuth(
	context: InboundContext,
	question: RoomQuestion,
	eventId: EventId,
): Promise<JsonObject> {
	await openRoomForMember(context, question.origin, question.roomId, [eventId]);
	const {row} = await getEventOf(context, question.roomId, eventId);
	// A refused event may rest on anything whose id somebody has heard of: on other rooms, and on what is hidden from them.
	if (row.rejected !== null) throw notFound();
	return {auth_chain: wire(await context.engine.listAuthChain([eventId]))};
}

/** `GET /backfill`: events and those before them, newest first. */
export async function readBackfill(
	context: InboundContext,
	{origin, roomId}: RoomQuestion,
	request: {readonly from: readonly EventId[]; readonly limit: number},
): Promise<JsonObject[]> {
	await openRoomForMember(context, origin, roomId);
	const limit = Math.max(0, Math.min(request.limit, EVENTS_MAX));
	const events = await walkBack(context, roomId, {start: request.from, until: new Set(), limit, includesStart: true});
	return wire(await listVisible(context, origin, events));
}

/** `POST /get_missing_events`: events between those the asker has and those it was sent, oldest first. */
export async function readMissingEvents(
	context: InboundContext,
	{origin, roomId}: RoomQuestion,
	request: {
		readonly earliest: readonly EventId[];
		readonly latest: readonly EventId[];
		readonly limit: number;
		readonly minDepth: number;
	},
): Promise<JsonObject[]> {
	await openRoomForMember(context, origin, roomId, request.latest);
	const limit = Math.max(0, Math.min(request.limit, EVENTS_MAX));
	const events = await walkBack(context, roomId, {
		start: request.latest,
		until: new Set(request.earliest),
		limit,
		includesStart: false,
	});
	const deep = events.filter(({pdu}) => pdu.depth >= request.minDepth);
	return wire(await listVisible(context, origin, deep.toReversed()));
}

/** Layers of the graph that one walk looks at: a long run of rejected events is walked through, but not without end. */
const LAYERS_MAX = 1_000;

/** Walks the graph of a room backwards, layer by layer, without leaving the room; rejected events do not count (A12). */
async function walkBack(
	{engine}: InboundContext,
	roomId: RoomId,
	walk: {
		readonly start: readonly EventId[];
		readonly until: ReadonlySet<EventId>;
		readonly limit: number;
		readonly includesStart: boolean;
	},
): Promise<StoredEvent[]> {
	const seen = new Set<EventId>(walk.until);
	const found: StoredEvent[] = [];
	let isCounted = walk.includesStart;
	let layer: EventId[] = walk.start.slice(0, IDS_MAX);
	for (let round = 0; round < LAYERS_MAX && layer.length > 0 && found.length < walk.limit; round += 1) {
		const wanted = [...new Set(layer)].filter((eventId) => !seen.has(eventId)).slice(0, EVENTS_MAX);
		for (const eventId of wanted) seen.add(eventId);
		const events = (await engine.findEvents(wanted)).filter(({pdu, row}) => pdu.roomId === roomId && !row.outlier);
		if (isCounted) found.push(...events.filter(({row}) => row.rejected === null));
		isCounted = true;
		layer = events.flatMap(({pdu}) => pdu.prevEvents);
	}
	return found.slice(0, walk.limit);
}
