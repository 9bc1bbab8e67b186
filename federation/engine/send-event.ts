import type {EventId, RoomId} from '../../crypto/index.ts';
import type {AnnouncedPosition, EventNid, StateKey} from '../../storage/index.ts';
import {authEventKeys, checkAuth, type RoomVersionId, selectAuthEvents} from '../rooms/index.ts';
import {type BuildContext, buildEvent} from './build-event.ts';
import {choosePrevEvents, type Draft, type Head} from './draft.ts';
import type {EventTemplate, SendRequest, SentEvent} from './engine.ts';
import {EngineError} from './errors.ts';
import {findRedactionTarget, type RedactionTarget} from './redaction-target.ts';
import type {Intent} from './room-actor.ts';
import type {RoomState} from './room-state.ts';
import type {KnownEvent, StoredEvents} from './stored-events.ts';
import {findThreadCount, threadOf} from './thread-counts.ts';

/** Lists the entries of state that must be loaded to judge and place an event. */
export function keysOf(version: RoomVersionId, event: EventTemplate): StateKey[] {
	const keys = authEventKeys({roomVersion: version, ...event}).map(([type, stateKey]) => ({type, stateKey}));
	// Judging always asks for these, whatever the version selects as auth events.
	keys.push({type: 'm.room.create', stateKey: ''}, {type: 'm.room.join_rules', stateKey: ''});
	if (event.stateKey !== undefined) keys.push({type: event.type, stateKey: event.stateKey});
	return keys;
}

/** What one room's events are built and judged with. */
export interface SendContext extends BuildContext {
	readonly events: StoredEvents;
}

/** Builds an event on a head and judges it; synchronous. @throws NotLoaded, EngineError('forbidden' | 'bad_event' | 'too_large') */
export function buildAllowed(
	context: SendContext,
	room: {readonly roomId: RoomId; readonly version: RoomVersionId},
	head: Head,
	template: EventTemplate,
): KnownEvent {
	// Rule 1.1, before building: from version 12 on such an event has not even the form of one.
	if (template.type === 'm.room.create') {
		throw new EngineError('forbidden', 'the room has its create event', {rule: '1.1'});
	}
	const {lookup} = head.state;
	const authEvents = selectAuthEvents({roomVersion: room.version, ...template}, lookup);
	const pdu = buildEvent(context, {
		...room,
		template,
		prevEvents: choosePrevEvents(head),
		authEvents: authEvents.map(({eventId}) => eventId),
		depth: head.depth + 1,
	});
	const verdict = checkAuth(pdu, lookup, {
		createEvent: lookup('m.room.create', ''),
		verifySignature: context.verifySignature,
	});
	if (!verdict.allowed) throw new EngineError('forbidden', verdict.reason, {rule: verdict.rule});
	return {nid: context.storage.ids.next(), pdu};
}

/** Adds an event of ours to a draft: its state before is the current state, and it becomes the only extremity. */
export function appendOwn(
	draft: Draft,
	event: KnownEvent,
	facts: {readonly relay: boolean; readonly threadNotifyCount: number; readonly redactionOf: EventNid | undefined},
): AnnouncedPosition {
	const {state, extremities} = draft.head;
	const named = new Set(event.pdu.prevEvents);
	const after = state.after(event);
	const pos = draft.append(event, {
		...facts,
		stateBefore: state,
		isSoftFailed: false,
		// Extremities beyond those that fit into prev_events stay for the next event.
		extremities: [...extremities.filter((eventId) => !named.has(eventId)), event.pdu.eventId],
		state: after,
		after,
		changes: [],
		missing: [],
		replaces: false,
	});
	if (!pos) throw new Error('an event of this server has no place in the timeline');
	return pos;
}

/** One event of this server on its way into a room. */
export class SendEvent implements Intent<SentEvent> {
	readonly #context: SendContext;
	readonly #version: RoomVersionId;
	readonly #request: SendRequest;
	readonly #keys: readonly StateKey[];
	#redaction: RedactionTarget | null | undefined;
	#threadNotifyCount: number | undefined;

	constructor(context: SendContext, version: RoomVersionId, request: SendRequest) {
		this.#context = context;
		this.#version = version;
		this.#request = request;
		this.#keys = keysOf(version, request.event);
		if (threadOf(request.event) === undefined) this.#threadNotifyCount = 0;
	}

	prepare(head: Head): Promise<void> | undefined {
		const isLoaded = this.#keys.every(({type, stateKey}) => head.state.isLoaded(type, stateKey));
		if (isLoaded && this.#request.event.redacts === undefined && this.#threadNotifyCount !== undefined)
			return undefined;
		return this.#load(head.state);
	}

	async #load(state: RoomState): Promise<void> {
		const {events, storage} = this.#context;
		await state.load(this.#keys);
		this.#threadNotifyCount = await findThreadCount(storage, this.#request.roomId, this.#request.event);
		const {redacts} = this.#request.event;
		this.#redaction = redacts === undefined ? null : await findRedactionTarget(events, this.#request.roomId, redacts);
	}

	turn(draft: Draft): () => SentEvent {
		const {roomId, event: template, transaction, alsoWrite} = this.#request;
		const event = buildAllowed(this.#context, {roomId, version: this.#version}, draft.head, template);
		const redactionOf = this.#redaction?.mayBeRedactedBy(event.pdu, draft.head.state) ? this.#redaction.nid : undefined;
		const pos = appendOwn(draft, event, {
			relay: true,
			threadNotifyCount: this.#threadNotifyCount ?? 0,
			redactionOf,
		});
		const {pdu} = event;
		if (transaction) {
			const {clientTransactions} = this.#context.storage;
			clientTransactions.add(draft.batch, {...transaction, answer: {event_id: pdu.eventId}, ts: this.#context.now()});
			clientTransactions.setEvent(draft.batch, pdu.eventId, transaction, this.#context.now());
		}
		alsoWrite?.(draft.batch, {roomId, pdus: [pdu]});
		return () => ({eventId: pdu.eventId, pdu, pos: pos.value});
	}

	async findDone(): Promise<SentEvent | undefined> {
		const {transaction} = this.#request;
		const stored = transaction && (await this.#context.storage.clientTransactions.find(transaction));
		const eventId = (stored?.answer as {event_id?: EventId} | undefined)?.event_id;
		return eventId === undefined ? undefined : findSent(this.#context.events, eventId);
	}
}

/** Gives an event that an earlier request sent. */
export async function findSent(events: StoredEvents, eventId: EventId): Promise<SentEvent | undefined> {
	const stored = await events.find(eventId);
	return stored && {eventId, pdu: stored.pdu, pos: stored.row.anchor ?? 0};
}
