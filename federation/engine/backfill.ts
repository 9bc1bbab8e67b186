import type {EventId, JsonObject, ServerName} from '../../crypto/index.ts';
import type {Batch, EventNid, GapRow, TimelinePlace} from '../../storage/index.ts';
import {eventFacts, extraOf} from './event-facts.ts';
import {EngineError, type EngineErrorCode} from './errors.ts';
import {
	checkAll,
	fetchAuthEvents,
	fetchStateBefore,
	inOrder,
	listMissing,
	type MissingContext,
	orElse,
	type Room,
} from './missing-events.ts';
import {type CheckedPdu, findEarlierRedaction, judgeByAuthEvents, judgeByState, keysOfPdu} from './receive-event.ts';
import {findRedactionTarget} from './redaction-target.ts';
import type {RoomState} from './room-state.ts';
import {StateUnknown} from './state-before.ts';

/** Servers that are asked before a gap is left as it is. */
const SERVERS_MAX = 3;
/** Events that one request asks for at most. */
const EVENTS_MAX = 100;

interface Placed {
	readonly nid: EventNid;
	readonly checked: CheckedPdu;
	readonly stateBefore: RoomState | null;
	readonly rejected: string | null;
	readonly isOutlier: boolean;
}

/**
 * Fetches events into the nearest gap at or before a place of a timeline. They get places between the gap's two sides,
 * wake nobody, and are judged like all others. Gives whether something came.
 * @see https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events
 */
export async function backfill(
	context: MissingContext,
	room: Room,
	from: TimelinePlace,
	options: {readonly limit: number; readonly serverName: ServerName},
): Promise<boolean> {
	const [gap] = await context.storage.events.listGaps(room.roomId, from, 1);
	if (!gap || gap.anchor === null) return false;
	const gaps = (await context.storage.events.listGaps(room.roomId, from, 20)).filter(
		({eventNid}) => eventNid === gap.eventNid,
	);
	const servers = (await context.storage.memberships.listServers(room.roomId)).filter((s) => s !== options.serverName);
	for (const server of servers.slice(0, SERVERS_MAX)) {
		const {limit} = options;
		if (await fetchBehind(context, room, gaps, {server, limit}).catch(unlessUnsettled)) return true;
	}
	return false;
}

/**
 * Fetches events into the gap behind one event from one server. Gives whether something came.
 * @param gaps All gaps of one event that has a place.
 * @throws EngineError('unavailable')
 */
export async function fetchBehind(
	context: MissingContext,
	room: Room,
	gaps: readonly GapRow[],
	{server, limit}: {readonly server: ServerName; readonly limit: number},
): Promise<boolean> {
	const [gap] = gaps;
	if (!gap || gap.anchor === null) return false;
	const missing = await closeGaps(context, gaps);
	if (missing.length === 0) return true;
	const answered = await context.remote
		.backfill(server, room.roomId, missing, Math.min(limit, EVENTS_MAX))
		.catch(orElse<JsonObject[]>([]));
	const checked = await checkAll(context, room, answered.slice(0, EVENTS_MAX), server);
	const ids = checked.map(({pdu}) => pdu.eventId);
	const fresh = new Set(await listMissing(context, ids));
	const events = inOrder(checked.filter(({pdu}) => fresh.has(pdu.eventId)));
	await store(context, room, gap, missing, events);
	return events.length > 0;
}

/** Ends gaps behind one event whose events came another way; gives the others' events. */
async function closeGaps(context: MissingContext, gaps: readonly GapRow[]): Promise<EventId[]> {
	const waited = gaps.map(({missing}) => missing);
	const missing = await listMissing(context, waited);
	const here = waited.filter((eventId) => !missing.includes(eventId));
	const [gap] = gaps;
	if (!gap || here.length === 0) return missing;
	const batch = context.storage.batch();
	context.storage.events.removeGap(batch, gap.eventNid, here);
	await context.storage.commit(batch);
	return missing;
}

/** Oldest first: the state before the oldest is asked for where its own past is unknown, that of the others follows. */
async function store(
	context: MissingContext,
	room: Room,
	gap: GapRow,
	missing: readonly EventId[],
	events: readonly CheckedPdu[],
): Promise<void> {
	const {storage} = context;
	const anchor = gap.anchor ?? 0;
	let minor = (await storage.events.findLowestMinor(room.roomId, anchor)) - events.length;
	for (const checked of events) {
		const placed = await judge(context, room, checked).catch(unlessUnsettled);
		// It stays in the gap, and may be fetched another time.
		if (!placed) continue;
		const batch = storage.batch();
		const isShown = placed.rejected === null;
		if (placed.stateBefore) storage.state.save(batch, placed.stateBefore.snapshot);
		const write = placed.isOutlier ? 'replace' : 'add';
		storage.events[write](batch, {
			...eventFacts({nid: placed.nid, pdu: checked.pdu}, context.now()),
			stateBefore: placed.stateBefore?.root ?? null,
			statePartial: false,
			rejected: placed.rejected,
			softFailed: false,
			outlier: false,
			notifyCount: 0,
			threadNotifyCount: 0,
			anchor: isShown ? anchor : null,
			minor: isShown ? minor : null,
		});
		if (isShown) await tell(context, batch, placed);
		minor += 1;
		const unknown = await listMissing(context, checked.pdu.prevEvents);
		if (unknown.length > 0) storage.events.addGap(batch, room.roomId, placed.nid, unknown);
		if (missing.includes(checked.pdu.eventId)) storage.events.removeGap(batch, gap.eventNid, [checked.pdu.eventId]);
		await storage.commit(batch);
	}
}

/** Tells of an event that took a place in the past, with the redaction that it is, or that came before it. */
async function tell(context: MissingContext, batch: Batch, {nid, checked, stateBefore}: Placed): Promise<void> {
	const {pdu} = checked;
	const {events} = context.storage;
	const named = pdu.redacts === undefined ? null : await findRedactionTarget(context.events, pdu.roomId, pdu.redacts);
	const target = stateBefore && named?.mayBeRedactedBy(pdu, stateBefore) ? named : undefined;
	batch.announce({kind: 'history', roomId: pdu.roomId, ref: nid, ...extraOf(pdu, {redacted: target})});
	if (target) events.setRedactedBy(batch, target.nid, nid);
	const redactedBy = await findEarlierRedaction(context, pdu);
	if (redactedBy !== undefined) events.setRedactedBy(batch, nid, redactedBy);
}

/** What says that an event could not be judged. */
const UNSETTLED: ReadonlySet<EngineErrorCode> = new Set(['bad_response', 'too_complex', 'unavailable']);

/** What an event needs to be judged could not be had. */
function unlessUnsettled(error: unknown): undefined {
	if (error instanceof EngineError && UNSETTLED.has(error.code)) return undefined;
	throw error;
}

async function judge(context: MissingContext, room: Room, checked: CheckedPdu): Promise<Placed> {
	const {pdu, origin} = checked;
	const mark = (await context.storage.events.findMarks([pdu.eventId])).get(pdu.eventId);
	const base = {nid: mark?.nid ?? context.storage.ids.next(), checked, isOutlier: mark !== undefined};
	await fetchAuthEvents(context, room, checked);
	const verdict = await judgeByAuthEvents(context, pdu);
	if (!verdict.allowed) return {...base, stateBefore: null, rejected: verdict.reason};
	const stateBefore = await stateBeforeOf(context, room, checked, origin);
	await stateBefore.load(keysOfPdu(pdu));
	const byState = judgeByState(context, pdu, stateBefore);
	return {...base, stateBefore, rejected: byState.allowed ? null : byState.reason};
}

async function stateBeforeOf(
	context: MissingContext,
	room: Room,
	{pdu}: CheckedPdu,
	origin: ServerName,
): Promise<RoomState> {
	try {
		const marks = await context.storage.events.findMarks(pdu.prevEvents);
		const partial = [...marks.values()].filter(({statePartial}) => statePartial).map(({eventId}) => eventId);
		if (partial.length > 0) throw new StateUnknown(partial);
		return await context.states.before(room, pdu.prevEvents);
	} catch (error) {
		if (!(error instanceof StateUnknown)) throw error;
		return fetchStateBefore(context, room, {pdu, origin});
	}
}
