import {breathe, domainOf, type EventId, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {EventMark, Position} from '../../storage/index.ts';
import {membershipOf, type Pdu} from '../rooms/index.ts';
import type {Completion, Draft, Head} from './draft.ts';
import {EngineError} from './errors.ts';
import {fetchStateAfter, fetchStateAt, type MissingContext, orElse, type Room} from './missing-events.ts';
import {judgeByState, keysOfPdu} from './receive-event.ts';
import {isTooComplex, resolveStates} from './resolve-states.ts';
import {HeadMoved, HeadUnstored, type Intent} from './room-actor.ts';
import type {RoomState} from './room-state.ts';
import type {KnownEvent} from './stored-events.ts';

/** Events that may have come before a room is complete; of more, the oldest keep the states that they have. */
const EVENTS_MAX = 20_000;
/** Events that are judged anew before others get their turn. */
const JUDGED_AT_ONCE = 50;
/** Trie nodes that one change makes at most. */
const NODES_OF_CHANGE = 8;

/** By which of our events we entered a room, and who is asked for its members. */
export interface Entry {
	readonly eventId: EventId;
	readonly server: ServerName;
}

/**
 * Learns who was in a room when we entered it. Only members are taken from the answer, and only those that were left out:
 * the rest is what the resident server said when it let us in, whoever is asked now.
 * @throws EngineError('unavailable' | 'bad_response'), and what asking the server throws where it refuses
 */
export async function fetchMembers(context: MissingContext, room: Room, {eventId, server}: Entry): Promise<RoomState> {
	const stored = await context.events.find(eventId);
	const root = stored?.row.statePartial ? stored.row.stateBefore : null;
	if (!stored || root === null) throw new EngineError('bad_response', 'our join is not here');
	const {pdu} = stored;
	const partial = context.states.open(room.roomId, root);
	const told = await fetchStateAt(context, room, eventId, server);
	const members = (await told.listEvents()).filter((event) => event.pdu.type === 'm.room.member');
	const changes = members.flatMap((event) => {
		const {type, stateKey} = event.pdu;
		return stateKey === undefined ? [] : [{key: {type, stateKey}, event}];
	});
	await partial.snapshot.load(changes.map(({key}) => key));
	const fresh = changes.filter(({key}) => partial.snapshot.get(key.type, key.stateKey) === undefined);
	await context.storage.ids.reserve(fresh.length * NODES_OF_CHANGE);
	const whole = context.states.wrap(
		partial.snapshot.with(fresh.map(({key, event}) => ({...key, eventNid: event.nid}))),
	);
	await whole.load(keysOfPdu(pdu));
	if (!judgeByState(context, pdu, whole).allowed) {
		throw new EngineError('bad_response', 'by the members that a server told we could not have entered');
	}
	return whole;
}

/** Events of earlier times whose states are asked for at one completion; those behind the others are guessed. */
const EARLIER_MAX = 20;

/**
 * Learns the states after events of earlier times, when we were in the room and never learnt its members, on which others
 * have built since we entered. What the server does not tell is left out.
 */
export async function fetchEarlier(
	context: MissingContext,
	room: Room,
	{eventId, server}: Entry,
	ends: readonly EventId[],
): Promise<ReadonlyMap<EventId, RoomState>> {
	const since = await findPlace(context, eventId);
	const partials = (await listPartial(context, room, ends, since)).map(({pdu}) => pdu);
	const listed = new Set(partials.map((pdu) => pdu.eventId));
	const behind = partials.flatMap((pdu) => (pdu.eventId === eventId ? [] : pdu.prevEvents));
	const marks = await context.storage.events.findMarks([...new Set([...ends, ...behind])]);
	const earlier = [...marks.values()].filter((mark) => mark.statePartial && !listed.has(mark.eventId));
	const states = new Map<EventId, RoomState>();
	for (const mark of earlier.slice(0, EARLIER_MAX)) {
		const state = await fetchStateAfter(context, room, mark.eventId, server).catch(orElse(undefined));
		if (state) states.set(mark.eventId, state);
	}
	return states;
}

/** Gives the place of our join in the timeline. */
async function findPlace({storage}: Pick<MissingContext, 'storage'>, eventId: EventId): Promise<Position> {
	return (await storage.events.findMarks([eventId])).get(eventId)?.anchor ?? 0;
}

/** Finds by which of our joins a partial room was entered last: the first after a time when nobody of ours was in it. */
export async function findEntry(
	context: Pick<MissingContext, 'events' | 'serverName' | 'storage'>,
	room: Room,
	ends: readonly EventId[],
): Promise<EventId | undefined> {
	const ours = (await listPartial(context, room, ends)).filter(
		({pdu, mark}) =>
			pdu.type === 'm.room.member' && mark.anchor !== null && domainOf(pdu.stateKey as UserId) === context.serverName,
	);
	const inside = new Set<string>();
	let entry: EventId | undefined;
	for (const {pdu} of ours.toSorted((a, b) => (a.mark.anchor ?? 0) - (b.mark.anchor ?? 0))) {
		const {eventId, stateKey = ''} = pdu;
		if (membershipOf(pdu) !== 'join') {
			inside.delete(stateKey);
			continue;
		}
		if (inside.size === 0) entry = eventId;
		inside.add(stateKey);
	}
	return entry;
}

/** How we entered a room, as it is known now. */
interface Entered {
	/** Our join. */
	readonly eventId: EventId;
	/** The whole state before it. */
	readonly before: RoomState;
	/** States after events of earlier times, as {@link fetchEarlier} gives them. */
	readonly earlier: ReadonlyMap<EventId, RoomState>;
}

/** Gives a partial room its members. */
export class CompleteRoom implements Intent<void> {
	readonly #context: MissingContext;
	readonly #room: Room;
	readonly #entry: Entered;
	#plan: (Completion & {readonly head: Head}) | undefined;

	constructor(context: MissingContext, room: Room, entry: Entered) {
		this.#context = context;
		this.#room = room;
		this.#entry = entry;
	}

	async prepare(head: Head, isStored: boolean): Promise<void> {
		this.#plan = undefined;
		if (!head.isPartial) return;
		if (!isStored) throw new HeadUnstored();
		this.#plan = {head, ...(await planCompletion(this.#context, this.#room, head, this.#entry))};
	}

	turn(draft: Draft): () => void {
		if (draft.head.isPartial) {
			if (this.#plan?.head !== draft.head) throw new HeadMoved();
			draft.complete(this.#plan);
			tellUnnamedServers(draft, this.#plan, this.#context.serverName);
		}
		return () => undefined;
	}

	findDone(): Promise<undefined> {
		return Promise.resolve(undefined);
	}
}

/**
 * A server that is in the room, but was not named when we entered, was told nothing of our people's devices since: they
 * are announced anew, and it asks for the lists.
 */
function tellUnnamedServers({batch, head}: Draft, {servers, ours}: Completion, own: ServerName): void {
	const named = new Set([own, ...servers]);
	if ([...(head.joined?.keys() ?? [])].every((server) => named.has(server))) return;
	for (const {userId} of ours) batch.announce({kind: 'device_list', subject: userId});
}

/** An event that came while the room was partial. */
interface Partial {
	readonly pdu: Pdu;
	readonly mark: EventMark;
}

async function planCompletion(context: MissingContext, room: Room, head: Head, entry: Entered): Promise<Completion> {
	const walk = new Walk(context, room, entry);
	const events: Completion['events'][number][] = [];
	const since = await findPlace(context, entry.eventId);
	const partials = await listPartial(context, room, head.extremities, since);
	// We may have left meanwhile, and entered anew: then these are the members of another time.
	if (!partials.some(({pdu}) => pdu.eventId === entry.eventId)) {
		throw new EngineError('bad_response', 'our join is not what made the room partial');
	}
	for (const [index, partial] of partials.entries()) {
		if (index % JUDGED_AT_ONCE === JUDGED_AT_ONCE - 1) await breathe();
		const event = await walk.judge(partial);
		if (event) events.push(event);
	}
	const ends = new Map<EventId, RoomState>();
	for (const eventId of head.extremities) {
		const after = await walk.findAfter(eventId);
		if (after) ends.set(eventId, after);
	}
	const state = ends.size === 0 ? head.state : await resolveOrTakeLast(context, room, [...ends.values()]);
	const changes = await state.differenceFrom(head.state);
	await head.state.load(changes.map(({key}) => key));
	const isNew = new Set(changes.map(({key}) => (key.type === 'm.room.member' ? key.stateKey : undefined)));
	return {events, state, ends, changes, ...(await findParticipants(context, room.roomId, isNew))};
}

/** @param isNew Members whose memberships the completion itself changes. */
async function findParticipants(
	{storage}: MissingContext,
	roomId: RoomId,
	isNew: ReadonlySet<string | undefined>,
): Promise<Pick<Completion, 'ours' | 'servers'>> {
	const locals = (await storage.memberships.listLocalJoined(roomId)).filter((userId) => !isNew.has(userId));
	const rows = await Promise.all(locals.map((userId) => storage.memberships.find(roomId, userId)));
	const ours = rows.filter((row) => row !== undefined).map(({pos: _pos, forgotten: _forgotten, ...row}) => row);
	return {ours, servers: await storage.memberships.listServers(roomId)};
}

/** States that do not come together in time stay apart until later events bring them together. */
async function resolveOrTakeLast(
	context: MissingContext,
	room: Room,
	states: readonly RoomState[],
): Promise<RoomState> {
	try {
		return await resolveStates(context, room, states);
	} catch (error) {
		const last = states.at(-1);
		if (!isTooComplex(error) || !last) throw error;
		return last;
	}
}

/** Judges the events of a partial room in the order of its graph, by the states that follow from the whole one. */
class Walk {
	readonly #context: MissingContext;
	readonly #room: Room;
	readonly #entry: Entered;
	readonly #after = new Map<EventId, RoomState>();

	constructor(context: MissingContext, room: Room, entry: Entered) {
		this.#context = context;
		this.#room = room;
		this.#entry = entry;
	}

	async judge({pdu, mark}: Partial): Promise<Completion['events'][number] | undefined> {
		if (isRefusedByAuthEvents(mark)) {
			const below = await this.#findBelow(pdu.prevEvents);
			const isKnown = below.length > 0 && below.length === pdu.prevEvents.length;
			if (isKnown) this.#after.set(pdu.eventId, await resolveOrTakeLast(this.#context, this.#room, below));
			return undefined;
		}
		const before = await this.#stateBefore(pdu, mark);
		await before.loadForChange(keysOfPdu(pdu));
		const verdict = judgeByState(this.#context, pdu, before);
		const rejected = verdict.allowed ? null : (mark.rejected ?? verdict.reason);
		const event: KnownEvent = {nid: mark.nid, pdu};
		await this.#context.storage.ids.reserve(NODES_OF_CHANGE);
		this.#after.set(pdu.eventId, rejected === null ? before.after(event) : before);
		return {nid: mark.nid, stateBefore: before, rejected};
	}

	async findAfter(eventId: EventId): Promise<RoomState | undefined> {
		const known = this.#after.get(eventId);
		if (known) return known;
		const mark = (await this.#context.storage.events.findMarks([eventId])).get(eventId);
		return mark?.statePartial ? this.#findAfterEarlier(mark) : mark && this.#context.states.findAfter(mark);
	}

	/**
	 * An event from before we entered, of a time when we were in the room and never learnt its members. Where nobody tells
	 * the state after it, what is built on it has the state in which we found the room, with what that event itself says.
	 */
	async #findAfterEarlier({eventId, nid, rejected}: EventMark): Promise<RoomState> {
		const {before, earlier} = this.#entry;
		const told = earlier.get(eventId);
		if (told) return told;
		const pdu = (await this.#context.events.findPdus([eventId])).get(eventId)?.pdu;
		if (pdu?.stateKey === undefined || rejected !== null) return before;
		await before.loadForChange([{type: pdu.type, stateKey: pdu.stateKey}]);
		await this.#context.storage.ids.reserve(NODES_OF_CHANGE);
		return before.after({nid, pdu});
	}

	async #findBelow(prevEvents: readonly EventId[]): Promise<RoomState[]> {
		const states = await Promise.all(prevEvents.map((prev) => this.findAfter(prev)));
		return states.filter((state) => state !== undefined);
	}

	async #stateBefore({eventId, prevEvents}: Pdu, mark: EventMark): Promise<RoomState> {
		if (eventId === this.#entry.eventId) return this.#entry.before;
		const known = await this.#findBelow(prevEvents);
		// What was asked for when the event came, because something before it was missing, still counts.
		if (known.length < prevEvents.length || known.length === 0) {
			known.push(this.#context.states.open(this.#room.roomId, mark.stateBefore ?? 0));
		}
		return resolveOrTakeLast(this.#context, this.#room, known);
	}
}

/** Whether an event has no state of its own: what it is built on, it leaves as it is. */
function isRefusedByAuthEvents({outlier, rejected, stateBefore}: EventMark): boolean {
	return !outlier && rejected !== null && stateBefore === null;
}

/**
 * Lists the events whose states are partial, from the ends of the graph back, each after those that it names. Those that
 * their auth events refuse stand among them: what lies behind them is partial as well.
 * @param since no event is listed whose place in the timeline is before this one
 */
async function listPartial(
	context: Pick<MissingContext, 'events' | 'storage'>,
	room: Room,
	ends: readonly EventId[],
	since = 0,
): Promise<Partial[]> {
	const found = new Map<EventId, Partial>();
	for (let layer = ends; layer.length > 0 && found.size < EVENTS_MAX; ) {
		const [known, marks] = await Promise.all([context.events.findPdus(layer), context.storage.events.findMarks(layer)]);
		const next = new Set<EventId>();
		for (const eventId of layer) {
			const [event, mark] = [known.get(eventId), marks.get(eventId)];
			if (!event || !mark || mark.outlier || mark.roomId !== room.roomId) continue;
			if (!mark.statePartial && !isRefusedByAuthEvents(mark)) continue;
			if (mark.anchor !== null && mark.anchor < since) continue;
			found.set(eventId, {pdu: event.pdu, mark});
			for (const prev of event.pdu.prevEvents) if (!found.has(prev)) next.add(prev);
		}
		layer = [...next];
	}
	return orderByGraph(found);
}

function orderByGraph(found: ReadonlyMap<EventId, Partial>): Partial[] {
	const ordered: Partial[] = [];
	const open = new Set<EventId>();
	const done = new Set<EventId>();
	for (const start of found.keys()) {
		const stack = [start];
		for (let eventId = stack.at(-1); eventId !== undefined; eventId = stack.at(-1)) {
			const event = found.get(eventId);
			if (!open.has(eventId) && event) {
				open.add(eventId);
				stack.push(...event.pdu.prevEvents.filter((prev) => found.has(prev) && !open.has(prev)));
				continue;
			}
			stack.pop();
			if (event && !done.has(eventId)) ordered.push(event);
			done.add(eventId);
		}
	}
	return ordered;
}
