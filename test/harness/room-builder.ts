import type {EventId, JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import {
	buildPdu,
	checkAuth,
	type Pdu,
	type Rejection,
	type RoomVersionId,
	referenceHash,
	resolveState,
	roomVersion,
	selectAuthEvents,
	type StateKey,
	type StateLookup,
	type StateMap,
	stateKeyOf,
	type Verdict,
} from '../../federation/rooms/index.ts';

/** An event to be built: what is absent follows from the room. */
export interface EventDraft {
	readonly type: string;
	readonly sender: string;
	readonly stateKey?: string | undefined;
	readonly content?: JsonObject | undefined;
	readonly prevEvents: readonly EventId[];
	/** Absent: selected from the state before the event, as the specification says. */
	readonly authEvents?: readonly EventId[] | undefined;
	/** Absent: one second after the event built before. */
	readonly originServerTs?: number | undefined;
	/** Absent: the resolution of the states after `prevEvents`. */
	readonly stateBefore?: StateMap | undefined;
}

const STARTS_AT = 1_700_000_000_000;

/** A room's event graph as one all-knowing server would hold it, for tests. Events are not signed. */
export class RoomBuilder {
	readonly version: RoomVersionId;
	readonly events = new Map<EventId, Pdu>();
	readonly rejections = new Map<EventId, Rejection>();
	/** The last answer of `resolve`. */
	#resolved: {readonly key: string; readonly state: StateMap} | undefined;
	readonly #statesBefore = new Map<EventId, StateMap>();
	readonly #statesAfter = new Map<EventId, StateMap>();
	readonly #referenceHashes = new Map<EventId, string>();
	#roomId: RoomId | undefined;
	#now = STARTS_AT;

	constructor(version: RoomVersionId) {
		this.version = version;
	}

	get roomId(): RoomId {
		if (this.#roomId === undefined) throw new Error('Expected the create event to be there first');
		return this.#roomId;
	}

	/** Builds an event without adding it. */
	build(draft: EventDraft): Pdu {
		const {type, sender, stateKey, content = {}, prevEvents} = draft;
		const version = roomVersion(this.version);
		const isCreate = type === 'm.room.create';
		const subject = {roomVersion: this.version, type, sender: sender as UserId, stateKey, content};
		const state = this.lookUpIn(draft.stateBefore ?? this.resolve(prevEvents));
		const server = sender.slice(sender.indexOf(':') + 1);
		this.#now = draft.originServerTs ?? this.#now + 1000;
		const parsed = buildPdu({
			...subject,
			roomId: isCreate ? createdRoomId(version.roomIds === 'sent', server) : this.roomId,
			depth: 1 + prevEvents.reduce((depth, eventId) => Math.max(depth, this.get(eventId).depth), 0),
			originServerTs: this.#now,
			prevEvents,
			authEvents: draft.authEvents ?? selectAuthEvents(subject, state).map(({eventId}) => eventId),
			eventId: version.eventIds === 'domain' ? (`$${this.events.size}:${server}` as EventId) : undefined,
			referenceHashes: this.#referenceHashes,
		});
		if (!parsed.ok) throw new Error(`Expected a legal event, got ${JSON.stringify(parsed.fault)}`);
		return parsed.pdu;
	}

	/** Says whether an event is allowed by the state before it. */
	check(event: Pdu, stateBefore: StateMap = this.resolve(event.prevEvents)): Verdict {
		return checkAuth(event, this.lookUpIn(stateBefore), {verifySignature: () => true});
	}

	/** Adds an event. One that is rejected changes no state. */
	add(event: Pdu, options: {readonly rejection?: Rejection; readonly stateBefore?: StateMap | undefined} = {}): Pdu {
		const {rejection, stateBefore = this.resolve(event.prevEvents)} = options;
		if (event.type === 'm.room.create') this.#roomId ??= event.roomId;
		this.events.set(event.eventId, event);
		this.#referenceHashes.set(event.eventId, referenceHash(this.version, event.json));
		if (rejection !== undefined) this.rejections.set(event.eventId, rejection);
		this.#statesBefore.set(event.eventId, stateBefore);
		const changes = rejection === undefined && event.stateKey !== undefined;
		const after = changes
			? new Map(stateBefore).set(stateKeyOf(event.type, event.stateKey), event.eventId)
			: stateBefore;
		this.#statesAfter.set(event.eventId, after);
		return event;
	}

	/** Builds an event and adds it; one that the state before it does not allow fails the test. */
	send(draft: EventDraft): Pdu {
		const event = this.build(draft);
		const verdict = this.check(event, draft.stateBefore);
		if (!verdict.allowed) throw new Error(`Expected ${draft.type} to be allowed, got ${JSON.stringify(verdict)}`);
		return this.add(event, {stateBefore: draft.stateBefore});
	}

	get(eventId: EventId): Pdu {
		const event = this.events.get(eventId);
		if (event === undefined) throw new Error(`Expected an event of this room, got ${eventId}`);
		return event;
	}

	stateBefore(eventId: EventId): StateMap {
		return this.#statesBefore.get(eventId) ?? new Map<StateKey, EventId>();
	}

	stateAfter(eventId: EventId): StateMap {
		return this.#statesAfter.get(eventId) ?? new Map<StateKey, EventId>();
	}

	/** Resolves the states after these events. An event is built, checked and added with the same ones before it. */
	resolve(eventIds: readonly EventId[]): StateMap {
		const key = eventIds.join(' ');
		if (this.#resolved?.key !== key) {
			this.#resolved = {key, state: this.resolveStates(eventIds.map((eventId) => this.stateAfter(eventId)))};
		}
		return this.#resolved.state;
	}

	resolveStates(stateSets: readonly StateMap[]): StateMap {
		if (stateSets.length === 0) return new Map();
		return resolveState(this.version, {
			roomId: this.roomId,
			stateSets,
			findEvent: (eventId) => this.events.get(eventId),
			rejectionOf: (eventId) => this.rejections.get(eventId),
		});
	}

	lookUpIn(state: StateMap): StateLookup {
		return (type, stateKey) => {
			const eventId = state.get(stateKeyOf(type, stateKey));
			return eventId === undefined ? undefined : this.get(eventId);
		};
	}
}

function createdRoomId(isSent: boolean, server: string): RoomId | undefined {
	return isSent ? (`!room:${server}` as RoomId) : undefined;
}
