import {breathe, type EventId, type JsonObject, type RoomId, type ServerName} from '../../crypto/index.ts';
import type {RoomVersionId} from '../rooms/index.ts';
import type {RemoteEvents} from './engine.ts';
import {EngineError} from './errors.ts';
import {storeOutliers} from './outliers.ts';
import {findHorizon, mayLieBehind} from './horizon.ts';
import {checkPdu, type CheckedPdu, judgeByState, keysOfPdu, type ReceiveContext} from './receive-event.ts';
import {resolveStates} from './resolve-states.ts';
import type {RoomState} from './room-state.ts';
import type {KnownEvent} from './stored-events.ts';

/** Rounds of get_missing_events for one gap, and events that one round asks for: C12 bounds what a peer can make us do. */
const ROUNDS_MAX = 10;
const ROUND_EVENTS = 100;
/** Events that are taken from one gap at most. */
const GAP_EVENTS_MAX = 1_024;
/** State events that are fetched one by one before the whole state is asked for at once. */
const SINGLE_FETCHES_MAX = 20;

/** What one event may still ask of the server that sent it (C12). */
export interface Allowance {
	/** States before events. */
	states: number;
	/** Auth chains of events. */
	chains: number;
}

/** What one event may ask for by itself, and what all the events of a gap may together: few begin where nothing is known. */
export const OWN_ALLOWANCE: Readonly<Allowance> = {states: 1, chains: 1};
export const GAP_ALLOWANCE: Readonly<Allowance> = {states: 3, chains: 10};

/** Events of one answer that are looked at; the largest rooms have half as much state. */
const CHECKED_MAX = 200_000;
/** Events that are checked at a time: enough for all cores, and some milliseconds of this thread. */
const CHECKED_AT_ONCE = 200;

/** What filling gaps needs. */
export interface MissingContext extends ReceiveContext {
	readonly remote: RemoteEvents;
	readonly serverName: ServerName;
}

/** A room of a version. */
export interface Room {
	readonly roomId: RoomId;
	readonly version: RoomVersionId;
}

/** Lists which of these events are not here, or are here only as outliers. */
export async function listMissing(context: ReceiveContext, eventIds: readonly EventId[]): Promise<EventId[]> {
	const marks = await context.storage.events.findMarks(eventIds);
	return eventIds.filter((eventId) => marks.get(eventId)?.outlier !== false);
}

/**
 * Asks a server for the events between those this server knows and one whose `prev_events` it lacks. Gives what came,
 * checked for form and signatures, oldest first: each is then received like any other event.
 * @see https://spec.matrix.org/v1.19/server-server-api/#retrieving-events
 */
export async function fetchGap(
	context: MissingContext,
	room: Room,
	before: CheckedPdu,
	extremities: readonly EventId[],
): Promise<CheckedPdu[]> {
	const {pdu, origin} = before;
	const found = new Map<EventId, CheckedPdu>();
	let latest: readonly EventId[] = [pdu.eventId];
	for (let round = 0; round < ROUNDS_MAX && found.size < GAP_EVENTS_MAX; round += 1) {
		const answered = await context.remote
			.getMissingEvents(origin, room.roomId, {earliest: extremities, latest, limit: ROUND_EVENTS, minDepth: 0})
			.catch(orElse<JsonObject[]>([]));
		const fresh = await checkAll(context, room, answered.slice(0, ROUND_EVENTS), origin);
		const news = await withoutHistory(context, room.roomId, fresh);
		const unseen = news.filter((event) => !found.has(event.pdu.eventId));
		for (const event of unseen) found.set(event.pdu.eventId, event);
		if (unseen.length === 0) break;
		const wanted = unseen.flatMap((event) => event.pdu.prevEvents).filter((eventId) => !found.has(eventId));
		if ((await listMissing(context, wanted)).length === 0) break;
		latest = unseen
			.filter((event) => event.pdu.prevEvents.some((id) => !found.has(id)))
			.map((event) => event.pdu.eventId);
	}
	return inOrder([...found.values()]);
}

/**
 * Leaves out what lies before events that are here: what others here wait for and all behind it, and what is older than
 * our entry. The other server walks past our oldest events, such as our join; what it finds there is no news, and no end
 * of the graph to build on: a state of long ago, resolved against the present one, could take the present members out of
 * the room.
 */
async function withoutHistory(
	context: MissingContext,
	roomId: RoomId,
	events: readonly CheckedPdu[],
): Promise<CheckedPdu[]> {
	const byId = new Map(events.map((event) => [event.pdu.eventId, event]));
	const gaps = await context.storage.events.listGapsWaitingFor([...byId.keys()]);
	const behind = gaps.map(({missing}) => missing);
	for (let eventId = behind.pop(); eventId !== undefined; eventId = behind.pop()) {
		const event = byId.get(eventId);
		if (!event) continue;
		byId.delete(eventId);
		behind.push(...event.pdu.prevEvents);
	}
	const horizon = await findHorizon(context, roomId);
	const news: CheckedPdu[] = [];
	for (const event of byId.values()) if (!(await mayLieBehind(context, event.pdu, horizon))) news.push(event);
	return news;
}

/** Orders events so that each comes after those that it names, without trusting `depth`. */
export function inOrder(events: readonly CheckedPdu[]): CheckedPdu[] {
	const byId = new Map(events.map((event) => [event.pdu.eventId, event]));
	const ordered: CheckedPdu[] = [];
	const state = new Map<EventId, 'open' | 'done'>();
	for (const start of events) {
		const stack = [start];
		for (let event = stack.at(-1); event; event = stack.at(-1)) {
			const {eventId, prevEvents} = event.pdu;
			if (state.get(eventId) === undefined) {
				state.set(eventId, 'open');
				for (const prev of prevEvents) {
					const earlier = byId.get(prev);
					if (earlier && state.get(prev) === undefined) stack.push(earlier);
				}
				continue;
			}
			stack.pop();
			if (state.get(eventId) === 'done') continue;
			state.set(eventId, 'done');
			ordered.push(event);
		}
	}
	return ordered;
}

/**
 * Learns the state before an event of whose `prev_events` some are not here, from the server that has it. What follows
 * from those that are here counts as well: nobody can replace what is known by leaving an event out.
 * @throws EngineError('unavailable')
 */
export async function fetchStateBefore(
	context: MissingContext,
	room: Room,
	{pdu, origin}: Pick<CheckedPdu, 'pdu' | 'origin'>,
): Promise<RoomState> {
	const marks = await context.storage.events.findMarks(pdu.prevEvents);
	const known: RoomState[] = [];
	const unknown: EventId[] = [];
	for (const eventId of pdu.prevEvents) {
		const mark = marks.get(eventId);
		const state = mark?.roomId === room.roomId ? await context.states.findAfter(mark) : undefined;
		if (state) known.push(state);
		else unknown.push(eventId);
	}
	if (known.length === 0) return fetchStateAt(context, room, pdu.eventId, origin);
	// Of several the state is asked for once (C12): what the server says it is before its event holds what follows from
	// all of them, if it does not lie.
	const [only] = unknown;
	const after = unknown.length === 1 && only ? await fetchStateAfter(context, room, only, origin) : undefined;
	known.push(after ?? (await fetchStateAt(context, room, pdu.eventId, origin)));
	return resolveStates(context, room, known);
}

/** Asks for the whole state before an event. What is new of it is stored as outliers. */
export async function fetchStateAt(
	context: MissingContext,
	room: Room,
	eventId: EventId,
	origin: ServerName,
): Promise<RoomState> {
	const ids = await context.remote.getStateIds(origin, room.roomId, eventId);
	const wanted = [...new Set([...ids.authChain, ...ids.state])];
	const known = await context.events.findPdus(wanted);
	const missing = wanted.filter((id) => !known.has(id));
	const fetched = await fetchEvents(context, room, {eventId, origin, missing});
	await storeOutliers(context, fetched);
	const events = await context.events.findPdus(ids.state);
	const marks = await context.storage.events.findMarks(ids.state);
	const entries: KnownEvent[] = [...events.values()].filter(
		({pdu}) => pdu.roomId === room.roomId && pdu.stateKey !== undefined && marks.get(pdu.eventId)?.rejected === null,
	);
	return context.states.build(room.roomId, entries);
}

/** Asks for an event and the state before it, and gives the state after it; `undefined` where it is not to be had. */
export async function fetchStateAfter(
	context: MissingContext,
	room: Room,
	eventId: EventId,
	origin: ServerName,
): Promise<RoomState | undefined> {
	if (!(await context.events.findPdus([eventId])).has(eventId)) {
		const checked = await fetchEvent(context, room, eventId, origin);
		if (checked) await fetchAuthEvents(context, room, checked);
		if (checked) await storeOutliers(context, [checked]);
	}
	const event = (await context.events.findPdus([eventId])).get(eventId);
	if (event?.pdu.roomId !== room.roomId) return undefined;
	const before = await fetchStateAt(context, room, eventId, origin).catch(orElse(undefined));
	if (!before) return undefined;
	const mark = (await context.storage.events.findMarks([eventId])).get(eventId);
	await before.loadForChange(keysOfPdu(event.pdu));
	const isAllowed = mark?.rejected === null && judgeByState(context, event.pdu, before).allowed;
	return isAllowed ? before.after(event) : before;
}

/** Fetches events of the state before one and of its auth chain: few one by one, many with the whole state. */
async function fetchEvents(
	context: MissingContext,
	room: Room,
	from: {readonly eventId: EventId; readonly origin: ServerName; readonly missing: readonly EventId[]},
): Promise<CheckedPdu[]> {
	const {origin, missing, eventId} = from;
	if (missing.length === 0) return [];
	if (missing.length <= SINGLE_FETCHES_MAX) {
		const single = await Promise.all(missing.map((id) => fetchEvent(context, room, id, origin)));
		const fetched = single.filter((event) => event !== undefined);
		if (fetched.length === missing.length) return fetched;
	}
	// Whoever may ask about the state at an event need not be allowed to ask for each event of it by its id.
	const whole = await context.remote.getState(origin, room.roomId, eventId);
	return checkAll(context, room, [...whole.authChain, ...whole.state], origin);
}

async function fetchEvent(
	context: MissingContext,
	room: Room,
	eventId: EventId,
	origin: ServerName,
): Promise<CheckedPdu | undefined> {
	const json = await context.remote.getEvent(origin, eventId).catch(orElse(undefined));
	const checked = json ? await checkAll(context, room, [json], origin) : [];
	return checked.find(({pdu}) => pdu.eventId === eventId);
}

/**
 * Makes sure that the auth events of an event are here, asking for its auth chain where some are not, and for few by
 * themselves where that is not told. Says whether they are.
 */
export async function fetchAuthEvents(
	context: MissingContext,
	room: Room,
	checked: CheckedPdu,
	allowance: Allowance = {...OWN_ALLOWANCE},
): Promise<boolean> {
	const {pdu, origin} = checked;
	const listLacking = async (): Promise<EventId[]> => {
		const known = await context.events.findPdus(pdu.authEvents);
		return pdu.authEvents.filter((eventId) => !known.has(eventId));
	};
	if ((await listLacking()).length === 0) return true;
	if (allowance.chains === 0) return false;
	allowance.chains -= 1;
	const chain = await context.remote.getEventAuth(origin, room.roomId, pdu.eventId).catch(orElse<JsonObject[]>([]));
	await storeOutliers(context, await checkAll(context, room, chain, origin));
	const lacking = await listLacking();
	if (lacking.length > SINGLE_FETCHES_MAX) return false;
	const single = await Promise.all(lacking.map((eventId) => fetchEvent(context, room, eventId, origin)));
	await storeOutliers(
		context,
		single.filter((event) => event !== undefined),
	);
	return (await listLacking()).length === 0;
}

/** What a server refuses is as good as nothing; where it did not answer, all is tried again later. */
export function orElse<T>(nothing: T): (error: unknown) => T {
	return (error) => {
		if (error instanceof EngineError && error.code === 'unavailable') throw error;
		return nothing;
	};
}

/** Checks what a server answered; what is no event of the room is left out, and so costs nobody else anything. */
export async function checkAll(
	context: ReceiveContext,
	room: Room,
	events: readonly JsonObject[],
	origin: ServerName,
): Promise<CheckedPdu[]> {
	const options = {roomId: room.roomId, allowManyReferences: true};
	const right = new Map<EventId, CheckedPdu>();
	for (let start = 0; start < Math.min(events.length, CHECKED_MAX); start += CHECKED_AT_ONCE) {
		const page = events.slice(start, start + CHECKED_AT_ONCE);
		const checks = await Promise.all(page.map((json) => checkPdu(context.signatures, room.version, json, options)));
		for (const check of checks) {
			if ('pdu' in check) right.set(check.pdu.eventId, {pdu: check.pdu, origin, relay: false});
		}
		if (events.length > CHECKED_AT_ONCE) await breathe();
	}
	return [...right.values()];
}
