import type {EventId, JsonObject, RoomId, ServerName} from '../../crypto/index.ts';
import type {Batch, EventNid, GapRow, StateKey} from '../../storage/index.ts';
import {
	authEventKeys,
	checkAuth,
	checkAuthEvents,
	hasRightContentHash,
	mayApplyRedaction,
	type Pdu,
	parsePdu,
	redactPdu,
	roomVersion,
	type RoomVersionId,
	type StateLookup,
	stateOf,
	type Verdict,
} from '../rooms/index.ts';
import type {Draft, Head} from './draft.ts';
import {type Reception, type SignatureChecker, UNKNOWN_KEY} from './engine.ts';
import {EngineError} from './errors.ts';
import {findRedactionTarget, type RedactionTarget} from './redaction-target.ts';
import {REDACTION_RELATION} from './relations.ts';
import {addsTooManyEnds, type EntryPlan, planEntry, planUnsettled} from './plan-entry.ts';
import type {RecommendContext} from './recommend.ts';
import {isTooComplex, type ResolveContext} from './resolve-states.ts';
import {HeadMoved, type Intent} from './room-actor.ts';
import type {RoomState} from './room-state.ts';
import type {StatesAtEvents} from './state-before.ts';
import type {KnownEvent} from './stored-events.ts';
import {findThreadCount} from './thread-counts.ts';

/** What receiving needs of the engine. */
export interface ReceiveContext extends ResolveContext, RecommendContext {
	readonly now: () => number;
	readonly states: StatesAtEvents;
	readonly signatures: SignatureChecker;
}

/** A PDU whose form, hash and signatures are right. */
export interface CheckedPdu {
	readonly pdu: Pdu;
	readonly origin: ServerName;
	readonly relay: boolean;
	readonly alsoWrite?: ((batch: Batch) => void) | undefined;
}

/** What the checks of a PDU by itself have come to. */
export type PduCheck = {readonly pdu: Pdu} | {readonly reason: string; readonly isTemporary?: boolean};

/**
 * The checks that depend on nothing but the event itself: form, content hash (redacted where it does not match), and
 * signatures. @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu 1 to 3
 */
export async function checkPdu(
	signatures: SignatureChecker,
	version: RoomVersionId,
	json: JsonObject,
	options: {readonly roomId: RoomId; readonly allowManyReferences?: boolean},
): Promise<PduCheck> {
	const parsed = parsePdu(json, version, options);
	if (!parsed.ok) return {reason: parsed.fault.reason};
	if (parsed.pdu.roomId !== options.roomId) return {reason: 'the event is of another room'};
	const verdict = await signatures.check(parsed.pdu);
	if (!verdict.allowed) return {reason: verdict.reason, isTemporary: verdict.rule === UNKNOWN_KEY};
	return {pdu: hasRightContentHash(parsed.pdu.json) ? parsed.pdu : redactPdu(parsed.pdu)};
}

/** Everything about a PDU that is settled before its turn. */
export interface Judged {
	/** The state before it; `null` where it is rejected by its auth events already. */
	readonly stateBefore: RoomState | null;
	/** Why it is rejected; absent: it is allowed by its auth events and the state before it. */
	readonly rejected?: string | undefined;
	/** Its `prev_events` that this server has not. */
	readonly missing: readonly EventId[];
	/** Whether the room has a policy server, and that does not recommend it: it is soft-failed then. */
	readonly isAdvisedAgainst?: boolean | undefined;
	/** Where the room is partial: the members that the event itself names, for those that are not known. */
	readonly claims?: readonly Pdu[] | undefined;
}

/** A partial room was completed while an event was judged by what was known of it: it is judged again. */
export class RoomCompleted extends Error {
	override readonly name = 'RoomCompleted';
}

/** An event that another one rests on. */
export interface CitedEvent {
	readonly pdu: Pdu;
	readonly isRejected: boolean;
}

/** Lists what an event rests on: its auth events, and the create event, which from version 12 on the room's id names. */
export function listCited(pdu: Pdu): EventId[] {
	if (pdu.type === 'm.room.create' || roomVersion(pdu.roomVersion).selectsCreateEvent) return [...pdu.authEvents];
	return [...pdu.authEvents, `$${pdu.roomId.slice(1)}` as EventId];
}

/**
 * Judges an event by its auth events (4). All of them must be stored: of an event whose auth events cannot be had nothing
 * is known, and so nothing is settled. @throws EngineError('bad_response')
 */
export async function judgeByAuthEvents(context: ResolveContext, pdu: Pdu): Promise<Verdict> {
	const cited = listCited(pdu);
	const [known, marks] = await Promise.all([context.events.findPdus(cited), context.storage.events.findMarks(cited)]);
	const verdict = judgeByCited(context, pdu, (eventId) => {
		const event = known.get(eventId);
		return event && {pdu: event.pdu, isRejected: (marks.get(eventId)?.rejected ?? null) !== null};
	});
	if (!verdict) throw new EngineError('bad_response', 'auth events cannot be had');
	return verdict;
}

/** Judges an event by its auth events, where they are found; gives no verdict where one of them is not. */
export function judgeByCited(
	{verifySignature}: Pick<ResolveContext, 'verifySignature'>,
	pdu: Pdu,
	find: (eventId: EventId) => CitedEvent | undefined,
): Verdict | undefined {
	const found = pdu.authEvents.map(find).filter((event) => event !== undefined);
	if (found.length < pdu.authEvents.length) return undefined;
	const authEvents = found.map((event) => event.pdu);
	const verdict = checkAuthEvents(pdu, authEvents, {isRejected: (eventId) => find(eventId)?.isRejected === true});
	if (!verdict.allowed) return verdict;
	return checkAuth(pdu, stateOf(authEvents), {createEvent: findCreateEvent(pdu, authEvents, find), verifySignature});
}

/** Finds the room's create event: among the auth events, or from version 12 on by the room's id. */
function findCreateEvent(
	pdu: Pdu,
	authEvents: readonly Pdu[],
	find: (eventId: EventId) => CitedEvent | undefined,
): Pdu | undefined {
	const named = authEvents.find(({type}) => type === 'm.room.create');
	if (named || pdu.type === 'm.room.create') return named;
	return find(`$${pdu.roomId.slice(1)}` as EventId)?.pdu;
}

/** Lists the entries of state that judging an event asks for. */
export function keysOfPdu(pdu: Pdu): StateKey[] {
	const keys = authEventKeys(pdu).map(([type, stateKey]) => ({type, stateKey}));
	keys.push({type: 'm.room.create', stateKey: ''}, {type: 'm.room.join_rules', stateKey: ''});
	if (pdu.stateKey !== undefined) keys.push({type: pdu.type, stateKey: pdu.stateKey});
	return keys;
}

/**
 * Judges an event by a state whose entries are loaded (5, 6). @throws NotLoaded
 * @param claims Members that stand in where the state has none: only for states that lack them.
 */
export function judgeByState(
	{verifySignature}: Pick<ResolveContext, 'verifySignature'>,
	pdu: Pdu,
	state: RoomState,
	claims: readonly Pdu[] = [],
): Verdict {
	const claimed = stateOf(claims);
	const lookup: StateLookup = (type, stateKey) => state.lookup(type, stateKey) ?? claimed(type, stateKey);
	return checkAuth(pdu, claims.length === 0 ? state.lookup : lookup, {
		createEvent: state.lookup('m.room.create', ''),
		verifySignature,
	});
}

/** A PDU from outside on its way into a room; its past is settled, its place in the present is not. */
export class ReceiveEvent implements Intent<Reception> {
	readonly #context: ReceiveContext;
	readonly #version: RoomVersionId;
	readonly #checked: CheckedPdu;
	readonly #judged: Judged;
	readonly #event: KnownEvent;
	readonly #isStored: boolean;
	#redaction: RedactionTarget | null = null;
	/** A redaction of this very event that came before it. */
	#redactedBy: EventNid | undefined;
	#threadNotifyCount = 0;
	/** Gaps that it fills. */
	#gaps: readonly GapRow[] = [];
	#isFollowed = false;
	#plan: (EntryPlan & {readonly head: Head}) | undefined;

	/** @param outlier The nid under which the event is stored already, as an outlier. */
	constructor(
		context: ReceiveContext,
		version: RoomVersionId,
		checked: CheckedPdu,
		judged: Judged,
		outlier: EventNid | undefined,
	) {
		this.#context = context;
		this.#version = version;
		this.#checked = checked;
		this.#judged = judged;
		this.#isStored = outlier !== undefined;
		this.#event = {nid: outlier ?? context.storage.ids.next(), pdu: checked.pdu};
	}

	#mustFit(head: Head): void {
		if ((this.#judged.claims !== undefined) !== head.isPartial) throw new RoomCompleted();
	}

	#isAllowedBy({state}: Head): boolean {
		return judgeByState(this.#context, this.#event.pdu, state, this.#judged.claims).allowed;
	}

	async prepare(head: Head, isStored: boolean): Promise<void> {
		this.#mustFit(head);
		if (this.#judged.rejected !== undefined) return;
		const {events, storage} = this.#context;
		const {pdu} = this.#event;
		this.#plan = undefined;
		await head.state.load(keysOfPdu(pdu));
		this.#threadNotifyCount = await findThreadCount(storage, pdu.roomId, pdu);
		if (pdu.redacts !== undefined) this.#redaction = await findRedactionTarget(events, pdu.roomId, pdu.redacts);
		this.#redactedBy = await findEarlierRedaction(this.#context, pdu);
		this.#gaps = await storage.events.listGapsWaitingFor([pdu.eventId]);
		// An event that others here follow already is no new end of the graph; those that have no place do not count.
		this.#isFollowed = this.#gaps.some(({anchor}) => anchor !== null);
		// What the present does not allow changes nothing, and costs no more than that.
		if (!this.#isAllowedBy(head)) return;
		this.#plan = {head, ...(await this.#planOn(head, isStored))};
	}

	async #planOn(head: Head, isStored: boolean): Promise<EntryPlan> {
		const {stateBefore} = this.#judged;
		if (this.#isFollowed || !stateBefore) {
			return {extremities: head.extremities, state: head.state, changes: [], after: undefined, isConflicted: false};
		}
		const entry = {event: this.#event, stateBefore};
		if (addsTooManyEnds(head, this.#event.pdu.prevEvents)) return planUnsettled(head, entry);
		try {
			return await planEntry(this.#context, this.#version, {head, isStored}, entry);
		} catch (error) {
			if (!isTooComplex(error)) throw error;
			return planUnsettled(head, entry);
		}
	}

	turn(draft: Draft): () => Reception {
		const {relay, alsoWrite, pdu} = this.#checked;
		const {rejected, stateBefore, missing, isAdvisedAgainst = false} = this.#judged;
		this.#mustFit(draft.head);
		if (rejected !== undefined) {
			draft.appendRejected(this.#event, rejected, stateBefore, this.#isStored);
			alsoWrite?.(draft.batch);
			return () => ({status: 'rejected', reason: rejected});
		}
		if (!stateBefore) throw new Error('an allowed event has no state before it');
		const {head} = draft;
		// 6 and 7: against the current state, and by the policy server; who fails is soft-failed, and leaves the head as it is.
		const isAllowed = !isAdvisedAgainst && this.#isAllowedBy(head);
		const plan = isAllowed ? this.#planFor(head) : undefined;
		const isSoftFailed = plan === undefined || plan.isUnsettled === true;
		const pos = draft.append(this.#event, {
			stateBefore,
			isSoftFailed,
			relay,
			threadNotifyCount: this.#threadNotifyCount,
			missing,
			replaces: this.#isStored,
			redactionOf: this.#redaction?.mayBeRedactedBy(pdu, stateBefore) ? this.#redaction : undefined,
			...(isSoftFailed ? {extremities: head.extremities, state: head.state, changes: [], after: undefined} : plan),
		});
		const {events} = this.#context.storage;
		if (pos && this.#redactedBy !== undefined) events.setRedactedBy(draft.batch, this.#event.nid, this.#redactedBy);
		for (const {eventNid} of this.#gaps) events.removeGap(draft.batch, eventNid, [pdu.eventId]);
		alsoWrite?.(draft.batch);
		return () => ({status: isSoftFailed ? 'soft_failed' : 'accepted', pdu});
	}

	/** Gives the plan for the draft's head: as prepared, or adapted where only messages came between. @throws HeadMoved */
	#planFor(head: Head): EntryPlan {
		const plan = this.#plan;
		if (!plan) throw new HeadMoved();
		if (plan.head === head) return plan;
		if (plan.isConflicted || plan.head.state.root !== head.state.root) throw new HeadMoved();
		if (this.#isFollowed) return {...plan, extremities: head.extremities};
		const named = new Set(this.#event.pdu.prevEvents);
		const kept = head.extremities.filter((eventId) => !named.has(eventId));
		// A fork beside events that are newer than the plan: their states are the head's, so only a message is safe.
		if (kept.length > 0 && plan.state.root !== head.state.root) throw new HeadMoved();
		return {...plan, extremities: [...kept, this.#event.pdu.eventId]};
	}

	async findDone(): Promise<Reception | undefined> {
		const stored = await this.#context.events.find(this.#event.pdu.eventId);
		return stored && !stored.row.outlier ? {status: 'known', pdu: stored.pdu} : undefined;
	}
}

/** Finds a redaction that came before the event it names, and may be applied. */
export async function findEarlierRedaction(
	{events, storage, states}: Pick<ReceiveContext, 'events' | 'states' | 'storage'>,
	pdu: Pdu,
): Promise<EventNid | undefined> {
	const rows = await storage.events.listRelations({
		roomId: pdu.roomId,
		eventId: pdu.eventId,
		relType: REDACTION_RELATION,
		direction: 'forwards',
		limit: 10,
	});
	for (const {pdu: redaction, row} of await events.read(rows)) {
		if (row.stateBefore === null) continue;
		const state = states.open(pdu.roomId, row.stateBefore);
		await state.load(keysOfPdu(redaction));
		if (mayApplyRedaction(redaction, pdu, state.lookup)) return row.nid;
	}
	return undefined;
}
