import type {EventId, RoomId} from '../../crypto/index.ts';
import type {AnnouncedPosition, StateKey} from '../../storage/index.ts';
import {authEventKeys, checkAuth, type Pdu, type RoomVersionId, selectAuthEvents} from '../rooms/index.ts';
import {type BuildContext, buildEvent} from './build-event.ts';
import {choosePrevEvents, namesAll, type Draft, type Entrance, type Head} from './draft.ts';
import type {EventTemplate, SendRequest, SentEvent} from './engine.ts';
import {EngineError} from './errors.ts';
import {findRedactionTarget, type RedactionTarget} from './redaction-target.ts';
import {type EntryPlan, findStatesAfter, type PlanContext, type PlannedHead, planEntry} from './plan-entry.ts';
import {
	findPolicyServer,
	isRecommendedOn,
	mustBeRecommended,
	POLICY_KEY,
	readPolicyServer,
	type RecommendContext,
} from './recommend.ts';
import {isTooComplex, resolveStates} from './resolve-states.ts';
import {HeadMoved, HeadUnstored, type Intent} from './room-actor.ts';
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
export interface SendContext extends BuildContext, PlanContext, RecommendContext {}

/** Builds an event on a head and judges it; synchronous. @throws NotLoaded, EngineError('forbidden' | 'bad_event' | 'too_large') */
export function buildAllowed(
	context: SendContext,
	room: {readonly roomId: RoomId; readonly version: RoomVersionId},
	head: Head,
	template: EventTemplate,
): KnownEvent {
	// Rule 1.1, before building: from version 12 on such an event has not even the form of one.
	if (template.type === 'm.room.create') {
		throw new EngineError('bad_event', 'the room has its create event', {rule: '1.1'});
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
	mustBeAllowed(context, pdu, head.state);
	return {nid: context.storage.ids.next(), pdu};
}

/** @throws NotLoaded, EngineError('forbidden' | 'bad_event') */
function mustBeAllowed({verifySignature}: SendContext, pdu: Pdu, {lookup}: RoomState): void {
	const verdict = checkAuth(pdu, lookup, {createEvent: lookup('m.room.create', ''), verifySignature});
	if (verdict.allowed) return;
	const {rule, reason, isMalformed = false} = verdict;
	throw new EngineError(isMalformed ? 'bad_event' : 'forbidden', reason, {rule});
}

/** Adds an event of ours to a draft, that names all extremities: its state before is the current state. */
export function appendOwn(
	draft: Draft,
	event: KnownEvent,
	facts: Pick<Entrance, 'relay' | 'threadNotifyCount' | 'redactionOf'>,
): AnnouncedPosition {
	const stateBefore = draft.head.state;
	const after = stateBefore.after(event);
	return place(draft, event, {
		...facts,
		stateBefore,
		extremities: [event.pdu.eventId],
		state: after,
		after,
		changes: [],
	});
}

function place(
	draft: Draft,
	event: KnownEvent,
	entrance: Omit<Entrance, 'isSoftFailed' | 'missing' | 'replaces'>,
): AnnouncedPosition {
	const pos = draft.append(event, {...entrance, isSoftFailed: false, missing: [], replaces: false});
	if (!pos) throw new Error('an event of this server has no place in the timeline');
	return pos;
}

/** An event of ours that is built before its turn, on events that are on disk. */
interface Built {
	readonly event: KnownEvent;
	readonly stateBefore: RoomState;
}

/** Such an event with its place in what one head comes to by it. */
interface Merge extends Built {
	readonly head: Head;
	readonly plan: EntryPlan;
}

/** One event of this server on its way into a room. */
export class SendEvent implements Intent<SentEvent> {
	readonly #context: SendContext;
	readonly #version: RoomVersionId;
	readonly #request: SendRequest;
	readonly #keys: readonly StateKey[];
	#redaction: RedactionTarget | null | undefined;
	#threadNotifyCount: number | undefined;
	#merge: Merge | undefined;
	/** The event as the room's policy server has signed it: it is asked once, whatever else happens in the room meanwhile. */
	#recommended: Built | undefined;

	constructor(context: SendContext, version: RoomVersionId, request: SendRequest) {
		this.#context = context;
		this.#version = version;
		this.#request = request;
		this.#keys = [...keysOf(version, request.event), POLICY_KEY];
		if (threadOf(request.event) === undefined) this.#threadNotifyCount = 0;
	}

	prepare(head: Head, isStored: boolean): Promise<void> | undefined {
		if (!namesAll(head) || this.#recommended) return this.#prepareMerge({head, isStored});
		const {event, condition} = this.#request;
		const isLoaded = this.#keys.every(({type, stateKey}) => head.state.isLoaded(type, stateKey));
		const isReady = isLoaded && event.redacts === undefined && this.#threadNotifyCount !== undefined;
		if (!isReady || condition !== undefined) return this.#loadAndAsk({head, isStored});
		return findPolicyServer(head, event) ? this.#prepareMerge({head, isStored}) : undefined;
	}

	async #loadAndAsk(planned: PlannedHead): Promise<void> {
		await this.#load(planned.head.state);
		if (await readPolicyServer(planned.head, this.#request.event)) await this.#prepareMerge(planned);
	}

	/** What an event does not name is not before it: its state is that of those it names, and the others stay beside it. */
	async #prepareMerge(planned: PlannedHead): Promise<void> {
		const {head} = planned;
		await this.#load(head.state);
		try {
			const built = (await this.#findRecommended(head)) ?? (await this.#build(planned));
			mustBeAllowed(this.#context, built.event.pdu, head.state);
			this.#merge = {...built, head, plan: await planEntry(this.#context, this.#version, planned, built)};
		} catch (error) {
			if (!isTooComplex(error)) throw error;
			this.#merge = await this.#prepareBeside(planned);
		}
	}

	/** Gives the event as it was signed before, unless the room has come to follow another policy server since. */
	async #findRecommended(head: Head): Promise<Built | undefined> {
		const built = this.#recommended;
		return built && (await isRecommendedOn(this.#context, head, built.event.pdu)) ? built : undefined;
	}

	/** Builds the event on all that it can name. @throws HeadUnstored, EngineError */
	async #build(planned: PlannedHead): Promise<Built> {
		const {head} = planned;
		const room = {roomId: this.#request.roomId, version: this.#version};
		const named = namesAll(head) ? [head.state] : await findStatesAfter(this.#context, planned, choosePrevEvents(head));
		if (!planned.isStored) throw new HeadUnstored();
		return this.#buildOn(await resolveStates(this.#context, room, named), head, head.extremities);
	}

	/** Where the ends of the graph cannot be brought together, people still talk: on top of the newest, beside the others. */
	async #prepareBeside(planned: PlannedHead): Promise<Merge> {
		const {head} = planned;
		const newest = head.extremities.slice(-1);
		const [newestState = head.state] = await findStatesAfter(this.#context, planned, newest);
		const {event, stateBefore} = await this.#buildOn(newestState, head, newest);
		const extremities = [...head.extremities.slice(0, -1), event.pdu.eventId];
		const {type, stateKey} = event.pdu;
		const changed = stateKey === undefined ? [] : [{type, stateKey}];
		await Promise.all([head.state, stateBefore].map((each) => each.loadForChange(changed)));
		const [state, after] = [head.state.after(event), stateBefore.after(event)];
		return {head, event, stateBefore, plan: {extremities, state, after, changes: [], isConflicted: true}};
	}

	/** Builds the event, and has it signed where the room has a policy server. @throws EngineError */
	async #buildOn(stateBefore: RoomState, head: Head, extremities: readonly EventId[]): Promise<Built> {
		const room = {roomId: this.#request.roomId, version: this.#version};
		await stateBefore.load(this.#keys);
		const event = buildAllowed(this.#context, room, {...head, state: stateBefore, extremities}, this.#request.event);
		mustBeAllowed(this.#context, event.pdu, head.state);
		if (!(await readPolicyServer(head, event.pdu))) return {event, stateBefore};
		const pdu = await mustBeRecommended(this.#context, head, event.pdu);
		this.#recommended = {event: {...event, pdu}, stateBefore};
		return this.#recommended;
	}

	async #load(state: RoomState): Promise<void> {
		const {events, storage} = this.#context;
		await this.#request.condition?.();
		await state.load(this.#keys);
		this.#threadNotifyCount = await findThreadCount(storage, this.#request.roomId, this.#request.event);
		const {redacts} = this.#request.event;
		this.#redaction = redacts === undefined ? null : await findRedactionTarget(events, this.#request.roomId, redacts);
	}

	turn(draft: Draft): () => SentEvent {
		const {roomId, transaction, alsoWrite} = this.#request;
		const isApart = !namesAll(draft.head) || findPolicyServer(draft.head, this.#request.event) !== undefined;
		const {event, pos} = isApart ? this.#appendMerge(draft) : this.#append(draft);
		const {pdu} = event;
		if (transaction) {
			const {clientTransactions} = this.#context.storage;
			clientTransactions.add(draft.batch, {...transaction, answer: {event_id: pdu.eventId}, ts: this.#context.now()});
			clientTransactions.setEvent(draft.batch, pdu.eventId, transaction, this.#context.now());
		}
		alsoWrite?.(draft.batch, {roomId, pdus: [pdu]});
		return () => ({eventId: pdu.eventId, pdu, pos: pos.value});
	}

	#append(draft: Draft): {readonly event: KnownEvent; readonly pos: AnnouncedPosition} {
		const {roomId, event: template} = this.#request;
		const event = buildAllowed(this.#context, {roomId, version: this.#version}, draft.head, template);
		return {event, pos: appendOwn(draft, event, this.#factsOf(event, draft.head.state))};
	}

	#appendMerge(draft: Draft): {readonly event: KnownEvent; readonly pos: AnnouncedPosition} {
		const merge = this.#merge;
		if (merge?.head !== draft.head) throw new HeadMoved();
		const {event, stateBefore, plan} = merge;
		return {event, pos: place(draft, event, {...this.#factsOf(event, stateBefore), ...plan, stateBefore})};
	}

	#factsOf({pdu}: KnownEvent, stateBefore: RoomState): Pick<Entrance, 'relay' | 'threadNotifyCount' | 'redactionOf'> {
		const redactionOf = this.#redaction?.mayBeRedactedBy(pdu, stateBefore) ? this.#redaction : undefined;
		return {relay: true, threadNotifyCount: this.#threadNotifyCount ?? 0, redactionOf};
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
