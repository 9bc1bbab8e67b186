import {LRUCache} from 'lru-cache';
import type {EventId, RoomId} from '../../crypto/index.ts';
import type {EventMark, Snapshot, StateKey} from '../../storage/index.ts';
import type {Pdu, RoomVersionId} from '../rooms/index.ts';
import {type ResolveContext, resolveStates} from './resolve-states.ts';
import {RoomState} from './room-state.ts';
import type {KnownEvent} from './stored-events.ts';

/** States after recent events that are kept in memory. */
const CACHED_STATES_MAX = 1_000;
/**
 * How long one is kept: nodes that nothing in the database reaches are removed after a day, and by then no state may be
 * built on them any more.
 */
const CACHED_STATE_MS = 3_600_000;

/** Trie nodes that one change makes at most. */
const NODES_OF_CHANGE = 8;

/**
 * Events without a state of their own, that their auth events do not allow, which are walked through for one state: a
 * server can pile up as many as it likes. Beyond that the state counts as unknown.
 */
const WALKED_MAX = 100;

/** Some `prev_events` are not here, or are here without their state. */
export class StateUnknown extends Error {
	override readonly name = 'StateUnknown';
	readonly eventIds: readonly EventId[];
	constructor(eventIds: readonly EventId[]) {
		super(`the state after ${eventIds.length} events is not known`);
		this.eventIds = eventIds;
	}
}

/** How much one question may still walk through. */
interface Walk {
	left: number;
}

/** Finds the states at events of rooms. */
export class StatesAtEvents {
	readonly #context: ResolveContext;
	readonly #after = new LRUCache<EventId, RoomState>({
		maxSize: CACHED_STATES_MAX,
		sizeCalculation: () => 1,
		ttl: CACHED_STATE_MS,
	});

	constructor(context: ResolveContext) {
		this.#context = context;
	}

	/** Opens a stored state. */
	open(roomId: RoomId, root: number): RoomState {
		return new RoomState(this.#context.storage.state.open(roomId, root), this.#context.events);
	}

	/** Gives a state that is not stored yet its events. */
	wrap(snapshot: Snapshot): RoomState {
		return new RoomState(snapshot, this.#context.events);
	}

	/** Makes a whole state of events; where two have the same key, the later one counts. */
	async build(roomId: RoomId, entries: readonly KnownEvent[]): Promise<RoomState> {
		const empty = this.open(roomId, 0);
		const byKey = new Map<string, {readonly key: StateKey; readonly event: KnownEvent}>();
		for (const event of entries) {
			const {type, stateKey} = event.pdu;
			if (stateKey !== undefined) byKey.set(`${type}\0${stateKey}`, {key: {type, stateKey}, event});
		}
		const changes = [...byKey.values()];
		await this.#context.storage.ids.reserve(changes.length * NODES_OF_CHANGE);
		await empty.snapshot.load(changes.map(({key}) => key));
		const snapshot = empty.snapshot.with(changes.map(({key, event}) => ({...key, eventNid: event.nid})));
		return new RoomState(snapshot, this.#context.events);
	}

	/** Keeps the state after an event that was just stored, so that the next one need not work it out. */
	note(eventId: EventId, state: RoomState): void {
		this.#after.set(eventId, state);
	}

	/** Lets go of all that is kept: stored states of events have changed. */
	forget(): void {
		this.#after.clear();
	}

	/** Gives the state after an event; `undefined` where it is not known. */
	findAfter(mark: EventMark): Promise<RoomState | undefined> {
		return this.#findAfter(mark, {left: WALKED_MAX});
	}

	async #findAfter(mark: EventMark, walk: Walk): Promise<RoomState | undefined> {
		const cached = this.#after.get(mark.eventId);
		if (cached) return cached;
		const isRejected = mark.rejected !== null;
		if (mark.outlier || (mark.stateBefore === null && !isRejected)) return undefined;
		// Its members were never learnt: we left before, and came back another way.
		if (mark.statePartial && !(await this.#isPartial(mark.roomId))) return undefined;
		const event = (await this.#context.events.findPdus([mark.eventId])).get(mark.eventId);
		if (!event) return undefined;
		if (mark.stateBefore === null) return this.#findAfterRejected(event.pdu, walk);
		const before = this.open(mark.roomId, mark.stateBefore);
		const {type, stateKey} = event.pdu;
		if (stateKey === undefined || isRejected) return before;
		await before.loadForChange([{type, stateKey}]);
		const after = before.after(event);
		this.note(mark.eventId, after);
		return after;
	}

	async #isPartial(roomId: RoomId): Promise<boolean> {
		return (await this.#context.storage.rooms.find(roomId))?.isPartial === true;
	}

	/** What an event that its auth events do not allow is built on, it leaves as it is. */
	async #findAfterRejected(
		{eventId, roomId, roomVersion, prevEvents}: Pdu,
		walk: Walk,
	): Promise<RoomState | undefined> {
		if (walk.left === 0) return undefined;
		walk.left -= 1;
		const {states, unknown} = await this.#findAll(roomId, prevEvents, walk);
		if (unknown.length > 0 || states.length === 0) return undefined;
		const state = await resolveStates(this.#context, {roomId, version: roomVersion}, states);
		this.note(eventId, state);
		return state;
	}

	async #findAll(
		roomId: RoomId,
		eventIds: readonly EventId[],
		walk: Walk,
	): Promise<{readonly states: readonly RoomState[]; readonly unknown: readonly EventId[]}> {
		const marks = await this.#context.storage.events.findMarks(eventIds);
		const states: RoomState[] = [];
		const unknown: EventId[] = [];
		for (const eventId of eventIds) {
			const mark = marks.get(eventId);
			const state = mark?.roomId === roomId ? await this.#findAfter(mark, walk) : undefined;
			if (state) states.push(state);
			else unknown.push(eventId);
		}
		return {states, unknown};
	}

	/** Gives the state that an event naming these `prev_events` has before it. @throws StateUnknown */
	async before(
		room: {readonly roomId: RoomId; readonly version: RoomVersionId},
		prevEvents: readonly EventId[],
	): Promise<RoomState> {
		if (prevEvents.length === 0) return this.open(room.roomId, 0);
		const {states, unknown} = await this.#findAll(room.roomId, prevEvents, {left: WALKED_MAX});
		if (unknown.length > 0) throw new StateUnknown(unknown);
		return resolveStates(this.#context, room, states);
	}
}
