import {type EventId, verify} from '../../crypto/index.ts';
import {
	checkAuth,
	checkAuthEvents,
	type Pdu,
	type Rejection,
	resolveState,
	type StateKey,
	type StateMap,
	stateKeyOf,
	stateOf,
} from '../../federation/rooms/index.ts';

/**
 * What a room's graph says by the specification's rules alone: each event judged by the states that follow from its past,
 * without an engine, a database or an order of arrival.
 */
export class Replay {
	readonly #pdus: ReadonlyMap<EventId, Pdu>;
	readonly #after = new Map<EventId, StateMap | undefined>();
	readonly #rejections = new Map<EventId, Rejection>();

	/** @param pdus All events of one room that anybody knows. */
	constructor(pdus: ReadonlyMap<EventId, Pdu>) {
		this.#pdus = pdus;
		for (const eventId of this.#inOrder()) this.#after.set(eventId, this.#judge(eventId));
	}

	/** Why an event is rejected, if it is. */
	rejectionOf(eventId: EventId): Rejection | undefined {
		return this.#rejections.get(eventId);
	}

	/** The state that follows from several ends of the graph; `undefined` where nobody knows all of their past. */
	stateAfter(eventIds: readonly EventId[]): StateMap | undefined {
		const states = eventIds.map((eventId) => this.#after.get(eventId));
		const [first] = eventIds.map((eventId) => this.#pdus.get(eventId));
		const known = states.filter((state) => state !== undefined);
		if (!first || known.length < states.length) return undefined;
		return resolveState(first.roomVersion, {
			roomId: first.roomId,
			stateSets: known,
			findEvent: (eventId) => this.#pdus.get(eventId),
			rejectionOf: (eventId) => this.#rejections.get(eventId),
		});
	}

	#judge(eventId: EventId): StateMap | undefined {
		const pdu = this.#pdus.get(eventId) as Pdu;
		const rejection = this.#judgeByAuthEvents(pdu);
		if (rejection) this.#rejections.set(eventId, rejection);
		const before = pdu.prevEvents.length === 0 ? new Map() : this.stateAfter(pdu.prevEvents);
		if (!before || rejection) return before;
		const lookup = (type: string, stateKey: string): Pdu | undefined =>
			this.#pdus.get(before.get(stateKeyOf(type, stateKey)) as EventId);
		if (!checkAuth(pdu, lookup, {createEvent: lookup('m.room.create', ''), verifySignature: verify}).allowed) {
			this.#rejections.set(eventId, 'state-before');
			return before;
		}
		if (pdu.stateKey === undefined) return before;
		return new Map<StateKey, EventId>([...before, [stateKeyOf(pdu.type, pdu.stateKey), eventId]]);
	}

	#judgeByAuthEvents(pdu: Pdu): Rejection | undefined {
		const authEvents = pdu.authEvents.map((eventId) => this.#pdus.get(eventId)).filter((event) => event !== undefined);
		const isRejected = (eventId: EventId): boolean => this.#rejections.has(eventId);
		if (!checkAuthEvents(pdu, authEvents, {isRejected}).allowed) return 'auth-events';
		const createEvent = [...this.#pdus.values()].find(({type}) => type === 'm.room.create');
		const verdict = checkAuth(pdu, stateOf(authEvents), {createEvent, verifySignature: verify});
		return verdict.allowed ? undefined : 'auth-events';
	}

	/** Lists all events, each after those that it names, as what comes before it or as what it is allowed by. */
	#inOrder(): EventId[] {
		const ordered: EventId[] = [];
		const seen = new Set<EventId>();
		for (const start of this.#pdus.keys()) {
			const stack = [start];
			for (let eventId = stack.at(-1); eventId !== undefined; eventId = stack.at(-1)) {
				const pdu = this.#pdus.get(eventId) as Pdu;
				const unseen = [...pdu.prevEvents, ...pdu.authEvents].filter((id) => this.#pdus.has(id) && !seen.has(id));
				if (seen.has(eventId) || unseen.length === 0) {
					stack.pop();
					if (!seen.has(eventId)) ordered.push(eventId);
					seen.add(eventId);
				} else {
					stack.push(...unseen);
				}
			}
		}
		return ordered;
	}
}
