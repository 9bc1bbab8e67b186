import type {EventId, RoomId} from '../../../crypto/index.ts';
import type {Pdu, StateLookup, Verdict} from '../pdu.ts';
import type {AuthGraph} from './auth-graph.ts';
import type {WorkBudget} from './work-budget.ts';

/**
 * At which of the checks on receipt an event was rejected.
 *
 * - `auth-events`: against its own auth events, or by one of them. Every server says so alike; takes no part.
 * - `state-before`: against the state before it, on which servers may differ. Takes part as any other event does.
 *
 * @see https://spec.matrix.org/v1.19/rooms/v2/#rejected-events
 */
export type Rejection = 'auth-events' | 'state-before';

/** The room version's rules as far as state resolution depends on them. */
export interface AuthRules {
	/** Says whether an event is allowed in a state, by the rules that depend on the state. Never throws. */
	checkAuth(event: Pdu, state: StateLookup): Verdict;
	/** Gives the level of an event's sender by the power levels and the create event that the event cites. */
	senderLevel(event: Pdu, powerLevels: Pdu | undefined, create: Pdu | undefined): number;
	/** Whether the room's id names the create event (room version 12), which then stands in no event's `auth_events`. */
	readonly isCreateImplied: boolean;
}

/** Where a resolution takes its events from. */
export interface ResolutionInput {
	readonly roomId: RoomId;
	/** Finds an event of this room by its id. Called often: answer from memory. */
	findEvent(eventId: EventId): Pdu | undefined;
	/** Says whether an event was rejected; absent when none was. */
	rejectionOf?(eventId: EventId): Rejection | undefined;
	/** The room's auth graph; absent, it is read from the events themselves, all of whose auth chains must then be found. */
	readonly authGraph?: AuthGraph;
	/** Absent: `createWorkBudget()`. */
	readonly budget?: WorkBudget;
	/**
	 * What happens when an event is needed and not found: `throw` (the default) ends in {@link MissingEvents};
	 * `leave-out` goes on as if it did not exist, for rooms whose lost events no server has any more.
	 */
	readonly missingEvents?: 'throw' | 'leave-out';
}

/** Events that a resolution needs were not found. Load them and resolve again. */
export class MissingEvents extends Error {
	override name = 'MissingEvents';
	/** All that were found missing at this point, without duplicates; more may be once these are there. */
	readonly eventIds: readonly EventId[];

	constructor(eventIds: readonly EventId[]) {
		super(`Expected all events that state resolution needs, got none for ${eventIds.length} of them`);
		this.eventIds = eventIds;
	}
}

/** An event of another room was given, which a faulty or hostile server can only have meant to be taken for this room's. */
export class ForeignEvent extends Error {
	override name = 'ForeignEvent';
	readonly eventId: EventId;

	constructor(eventId: EventId) {
		super('Expected an event of the room that is resolved, got one of another room');
		this.eventId = eventId;
	}
}

/** Finds events, and remembers which were asked for in vain, so that a caller hears of all of them at once. */
export class EventSource {
	readonly #input: ResolutionInput;
	readonly #missing = new Set<EventId>();

	constructor(input: ResolutionInput) {
		this.#input = input;
	}

	/** @throws ForeignEvent */
	find(eventId: EventId): Pdu | undefined {
		const event = this.#input.findEvent(eventId);
		if (event === undefined) {
			this.#missing.add(eventId);
			return undefined;
		}
		if (event.roomId !== this.#input.roomId) throw new ForeignEvent(eventId);
		return event;
	}

	rejectionOf(eventId: EventId): Rejection | undefined {
		return this.#input.rejectionOf?.(eventId);
	}

	/**
	 * Ends a step: what it worked out counts only if it found all it needed.
	 * @throws MissingEvents
	 */
	checkComplete(): void {
		if (this.#missing.size === 0) return;
		if (this.#input.missingEvents !== 'leave-out') throw new MissingEvents([...this.#missing]);
		this.#missing.clear();
	}
}
