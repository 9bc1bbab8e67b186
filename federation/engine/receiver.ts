import type {EventId, JsonObject, RoomId, ServerName} from '../../crypto/index.ts';
import type {Batch, EventNid} from '../../storage/index.ts';
import type {Pdu, RoomVersionId} from '../rooms/index.ts';
import type {ImportRoomRequest, ReceiveRequest, Reception, SentEvent} from './engine.ts';
import {EngineError} from './errors.ts';
import {isHistory} from './history.ts';
import {EndMerger, type MergeContext} from './merge-ends.ts';
import {
	type Allowance,
	fetchAuthEvents,
	fetchGap,
	fetchStateBefore,
	GAP_ALLOWANCE,
	listMissing,
	type MissingContext,
	OWN_ALLOWANCE,
} from './missing-events.ts';
import {storeOutliers} from './outliers.ts';
import {recommend} from './recommend.ts';
import {
	type CheckedPdu,
	checkPdu,
	type PduCheck,
	judgeByAuthEvents,
	judgeByState,
	RoomCompleted,
	type Judged,
	keysOfPdu,
	listCited,
	ReceiveEvent,
} from './receive-event.ts';
import {isTooComplex} from './resolve-states.ts';
import type {RoomActor} from './room-actor.ts';
import type {RoomState} from './room-state.ts';
import {findSent} from './send-event.ts';
import {StateUnknown} from './state-before.ts';

interface Room {
	readonly roomId: RoomId;
	readonly version: RoomVersionId;
	readonly actor: RoomActor;
}

/** What receiving needs of the engine: what comes from outside may have to be answered in the room. */
type ReceiverContext = MissingContext & MergeContext;

/** Takes PDUs from outside through the checks on receipt, one after the other in each room. */
export class Receiver {
	readonly #context: ReceiverContext;
	readonly #merger: EndMerger;
	readonly #activate: (roomId: RoomId) => Promise<RoomActor | undefined>;
	readonly #queues = new Map<RoomId, Promise<unknown>>();
	/** Checks that were begun before the turn of their event; forgotten with it. */
	readonly #ahead = new WeakMap<JsonObject, Promise<PduCheck | undefined>>();

	constructor(context: ReceiverContext, activate: (roomId: RoomId) => Promise<RoomActor | undefined>) {
		this.#context = context;
		this.#activate = activate;
		this.#merger = new EndMerger(context);
	}

	/** Runs something that must not run beside the reception of an event of the same room. */
	async inOrder<T>(roomId: RoomId, run: () => Promise<T>): Promise<T> {
		const before = this.#queues.get(roomId) ?? Promise.resolve();
		const mine = before.then(run, run);
		this.#queues.set(roomId, mine);
		try {
			return await mine;
		} finally {
			if (this.#queues.get(roomId) === mine) this.#queues.delete(roomId);
		}
	}

	/** Begins the checks of a PDU by itself; what fails here is done again, and told of, when it is received. */
	checkAhead({roomId, json}: Pick<ReceiveRequest, 'roomId' | 'json'>): void {
		if (this.#ahead.has(json)) return;
		const check = async (): Promise<PduCheck | undefined> => {
			const version = await this.#context.events.findVersion(roomId);
			return version && checkPdu(this.#context.signatures, version, json, {roomId});
		};
		const checking = check().catch(() => undefined);
		this.#ahead.set(json, checking);
	}

	/** Receives one PDU. @throws EngineError, TransportError: nothing is settled; the PDU may be received again. */
	async receive(request: ReceiveRequest): Promise<Reception> {
		const {roomId, json, origin, relay = false, alsoWrite} = request;
		const version = await this.#context.events.findVersion(roomId);
		if (!version) return this.#drop(request, 'the room is not known here');
		const ahead = this.#ahead.get(json);
		this.#ahead.delete(json);
		const checked = (await ahead) ?? (await checkPdu(this.#context.signatures, version, json, {roomId}));
		if ('reason' in checked) {
			// The sender's server may be away for a while: an event must not be lost for that.
			if (checked.isTemporary) throw new EngineError('unavailable', checked.reason);
			return this.#drop(request, checked.reason);
		}
		const {pdu} = checked;
		return this.inOrder(roomId, async () => {
			const actor = await this.#activate(roomId);
			if (!actor) return this.#drop(request, 'this server is not in the room');
			const room = {roomId, version, actor};
			if (!relay && (await this.#isOutsider(actor, origin)) && (await this.#lacks(pdu))) {
				throw new EngineError('unavailable', 'the sender is not in the room, or its join is still to come');
			}
			const event = {pdu, origin, relay, alsoWrite};
			// What we made a template for is new, whatever it is built on.
			if (!relay && (await this.#isHistory(room, event))) {
				return this.#drop(request, 'it lies before what is known of the room');
			}
			try {
				return await this.#receiveChecked(room, event);
			} catch (error) {
				// Later it would take as much. Events after it are judged by what the other server says of the state.
				if (!isTooComplex(error)) throw error;
				return this.#drop(request, 'the state before it takes too much to be worked out');
			}
		});
	}

	/**
	 * Receives a join of ours that a resident server let in, with what it gave us to judge it by. Only within `inOrder`.
	 * @throws EngineError('forbidden') where the room does not allow it any more
	 */
	async receiveJoin(room: Room, request: ImportRoomRequest): Promise<SentEvent> {
		const {join: pdu, state, authChain, origin, alsoWrite} = request;
		await storeOutliers(
			this.#context,
			[...authChain, ...state].map((event) => ({pdu: event, origin, relay: false})),
		);
		const write = alsoWrite && ((batch: Batch) => alsoWrite(batch, {roomId: room.roomId, pdus: [pdu]}));
		const reception = await this.#receiveChecked(room, {pdu, origin, relay: false, alsoWrite: write});
		const sent = await findSent(this.#context.events, pdu.eventId);
		if (reception.status === 'rejected' || reception.status === 'soft_failed' || !sent) {
			throw new EngineError('forbidden', 'The room has changed meanwhile and does not allow the join any more');
		}
		return sent;
	}

	/**
	 * Whether a server has never been in a room. It is asked nothing about the room's events, since it would learn from the
	 * question that there is such a room; where its join is on the way to us, the event waits for that.
	 */
	async #isOutsider({roomId, committed: {isPartial, joined}}: RoomActor, server: ServerName): Promise<boolean> {
		if (isPartial || joined?.has(server) === true) return false;
		return !(await this.#context.storage.memberships.hasServerBeenIn(roomId, server));
	}

	/** Whether something is not here that an event names. */
	async #lacks(pdu: Pdu): Promise<boolean> {
		if ((await listMissing(this.#context, pdu.prevEvents)).length > 0) return true;
		const cited = listCited(pdu);
		return (await this.#context.storage.events.findMarks(cited)).size < new Set(cited).size;
	}

	/** Whether an event is history, and has not got its place among it. */
	async #isHistory(room: Room, checked: CheckedPdu): Promise<boolean> {
		if (followsHead(room, checked)) return false;
		const isMissing = async (): Promise<boolean> =>
			(await listMissing(this.#context, [checked.pdu.eventId])).length > 0;
		if (!(await isMissing())) return false;
		return (await isHistory(this.#context, room, checked, room.actor.committed.extremities)) && isMissing();
	}

	/** A PDU that is none, or of no room of ours: what the caller wants to be written with it is written all the same. */
	async #drop({alsoWrite}: ReceiveRequest, reason: string): Promise<Reception> {
		await this.#writeAlone(alsoWrite);
		return {status: 'rejected', reason};
	}

	async #writeAlone(alsoWrite: ReceiveRequest['alsoWrite']): Promise<void> {
		if (!alsoWrite) return;
		const batch = this.#context.storage.batch();
		alsoWrite(batch);
		await this.#context.storage.commit(batch);
	}

	/** @param gap What the events of a gap may still ask for, where the event is one of them. */
	async #receiveChecked(room: Room, checked: CheckedPdu, gap?: Allowance): Promise<Reception> {
		const {pdu} = checked;
		const mark = (await this.#context.storage.events.findMarks([pdu.eventId])).get(pdu.eventId);
		if (mark && !mark.outlier) {
			await this.#writeAlone(checked.alsoWrite);
			return {status: 'known', pdu};
		}
		const allowance = gap ?? {...OWN_ALLOWANCE};
		// Asked before any state is: one that is completed meanwhile does not fit the turn.
		const {isPartial} = room.actor.committed;
		// What an event rests on often lies in the gap before it.
		if (!gap) await this.#fillGap(room, checked);
		const isFounded = await fetchAuthEvents(this.#context, room, checked, allowance);
		// Who does not tell an auth chain by itself tells it with the state before the event.
		const before = isFounded ? undefined : await this.#stateBefore(room, checked, allowance);
		const verdict = await judgeByAuthEvents(this.#context, pdu);
		const claims = isPartial ? await this.#findClaims(pdu) : undefined;
		if (!verdict.allowed) {
			const judged = {stateBefore: null, rejected: verdict.reason, missing: [], claims};
			return this.#submit(room, checked, judged, mark?.nid);
		}
		const {state, missing} = before ?? (await this.#stateBefore(room, checked, allowance));
		await state.load(keysOfPdu(pdu));
		const byState = judgeByState(this.#context, pdu, state, claims);
		if (!byState.allowed) {
			return this.#submit(room, checked, {stateBefore: state, rejected: byState.reason, missing, claims}, mark?.nid);
		}
		const advised = await recommend(this.#context, room.actor.committed, pdu);
		const judged = {stateBefore: state, missing, claims, isAdvisedAgainst: advised.refusal !== undefined};
		return this.#submit(room, {...checked, pdu: advised.pdu}, judged, mark?.nid);
	}

	/** Lists the members that an event names, for a room where not all are known. */
	async #findClaims({authEvents}: Pdu): Promise<readonly Pdu[]> {
		const named = await this.#context.events.findPdus(authEvents);
		return [...named.values()].map((event) => event.pdu).filter(({type}) => type === 'm.room.member');
	}

	async #submit(room: Room, checked: CheckedPdu, judged: Judged, outlier: EventNid | undefined): Promise<Reception> {
		const intent = new ReceiveEvent(this.#context, room.version, checked, judged, outlier);
		const reception = await room.actor.submit(intent).catch((error: unknown) => {
			if (!(error instanceof RoomCompleted)) throw error;
			return undefined;
		});
		// What was judged by half a state is judged by the whole one.
		if (!reception) return this.#receiveChecked(room, checked, {...OWN_ALLOWANCE});
		// The event is in; whether its ends could be brought together does not matter to who sent it.
		if (reception.status === 'accepted') await this.#merger.look(room.actor);
		return reception;
	}

	/** Receives the events between what is known and this one; each that fails is left to the state that is asked for. */
	async #fillGap(room: Room, checked: CheckedPdu): Promise<void> {
		if (followsHead(room, checked)) return;
		if ((await listMissing(this.#context, checked.pdu.prevEvents)).length === 0) return;
		const allowance = {...GAP_ALLOWANCE};
		for (const earlier of await fetchGap(this.#context, room, checked, room.actor.committed.extremities)) {
			try {
				await this.#receiveChecked(room, earlier, allowance);
			} catch (error) {
				if (error instanceof EngineError && error.code === 'unavailable') throw error;
			}
		}
	}

	async #stateBefore(
		room: Room,
		{pdu, origin}: CheckedPdu,
		allowance: Allowance,
	): Promise<{readonly state: RoomState; readonly missing: readonly EventId[]}> {
		const {committed} = room.actor;
		if (isSameSet(pdu.prevEvents, committed.extremities)) return {state: committed.state, missing: []};
		try {
			return {state: await this.#context.states.before(room, pdu.prevEvents), missing: []};
		} catch (error) {
			if (!(error instanceof StateUnknown)) throw error;
			if (allowance.states === 0) throw new EngineError('bad_response', 'too many states would have to be asked for');
			allowance.states -= 1;
			const state = await fetchStateBefore(this.#context, room, {pdu, origin});
			return {state, missing: error.eventIds};
		}
	}
}

/** Whether an event follows ends of the graph alone: then it is news and nothing is missing before it, as of most events. */
function followsHead({actor}: Room, {pdu: {prevEvents}}: CheckedPdu): boolean {
	const {extremities} = actor.committed;
	return prevEvents.length > 0 && prevEvents.every((eventId) => extremities.includes(eventId));
}

function isSameSet(one: readonly EventId[], other: readonly EventId[]): boolean {
	return one.length === other.length && one.every((eventId) => other.includes(eventId));
}
