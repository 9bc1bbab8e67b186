import {breathe, type EventId, type RoomId} from '../../crypto/index.ts';
import type {EventNid} from '../../storage/index.ts';
import {
	AuthChainIndex,
	type AuthEdges,
	type AuthGraph,
	createAuthGraph,
	MissingEvents,
	type Pdu,
} from '../rooms/index.ts';
import type {KnownEvent, StoredEvents} from './stored-events.ts';

/** Events of one room's auth graph (C11): some 250 MB. A room with more has no state that could be worked out here. */
const ROOM_EVENTS_MAX = 1_000_000;
/** Events of all graphs that are kept for the next time; some 100 MB. The graph in use is kept whatever its size. */
const HELD_EVENTS_MAX = 400_000;
/** Events that are read before others get their turn. */
const PAGE = 200;

/**
 * The auth graph of one room, as far as it was asked about: who cites whom, and no event itself. It grows by what is new
 * of a room, so that working out the difference of two forks reads neither the whole state nor its auth chain again.
 */
export class RoomAuthGraph {
	readonly graph: AuthGraph;
	readonly #events: StoredEvents;
	readonly #index = new AuthChainIndex({eventsMax: ROOM_EVENTS_MAX});
	readonly #eventIds: EventId[] = [];
	readonly #numbers = new Map<EventId, number>();
	readonly #byNid = new Map<EventNid, EventId>();

	constructor(events: StoredEvents) {
		this.#events = events;
		this.graph = createAuthGraph(this.#index, {
			numberOf: (eventId) => this.#numberOf(eventId),
			eventIdOf: (number) => this.#eventIds[number] as EventId,
		});
	}

	/** How many events it holds. */
	get size(): number {
		return this.#eventIds.length;
	}

	/** Takes in events with their auth chains. @throws MissingEvents, BudgetExceeded, AuthChainCycle */
	async follow(events: Iterable<Pdu>): Promise<void> {
		await this.#complete(this.#index.add([...events].map((pdu) => this.#edgesOf(pdu))));
	}

	/** Takes in events by their nids, with their auth chains, and names them; damaged ones are left out. */
	async followNids(nids: readonly EventNid[]): Promise<ReadonlyMap<EventNid, EventId>> {
		const unknown = nids.filter((nid) => !this.#byNid.has(nid));
		for (let start = 0; start < unknown.length; start += PAGE) {
			const page = await this.#events.findByNids(unknown.slice(start, start + PAGE));
			this.#index.add([...page.values()].map((pdu) => this.#edgesOf(pdu)));
			for (const [nid, {eventId}] of page) this.#byNid.set(nid, eventId);
			await breathe();
		}
		await this.#complete(this.#index.add([]));
		return this.#byNid;
	}

	/** Reads what is cited and not here, until nothing is. */
	async #complete(cited: readonly number[]): Promise<void> {
		const lost = new Set<number>();
		let missing = cited;
		while (missing.length > 0) {
			if (missing.every((number) => lost.has(number))) {
				throw new MissingEvents(missing.map((number) => this.#eventIds[number] as EventId));
			}
			for (let start = 0; start < missing.length; start += PAGE) {
				const page = missing.slice(start, start + PAGE);
				const found = await this.#events.findPdus(page.map((number) => this.#eventIds[number] as EventId));
				for (const number of page) if (!found.has(this.#eventIds[number] as EventId)) lost.add(number);
				this.#index.add([...found.values()].map((event) => this.#take(event)));
				await breathe();
			}
			missing = this.#index.add([]);
		}
	}

	#take({nid, pdu}: KnownEvent): AuthEdges {
		this.#byNid.set(nid, pdu.eventId);
		return this.#edgesOf(pdu);
	}

	#edgesOf(pdu: Pdu): AuthEdges {
		return [this.#numberOf(pdu.eventId), pdu.authEvents.map((eventId) => this.#numberOf(eventId))];
	}

	#numberOf(eventId: EventId): number {
		const known = this.#numbers.get(eventId);
		if (known !== undefined) return known;
		this.#numbers.set(eventId, this.#eventIds.length);
		return this.#eventIds.push(eventId) - 1;
	}
}

/** The auth graphs of the rooms in which states were resolved last. */
export class AuthGraphs {
	readonly #events: StoredEvents;
	readonly #rooms = new Map<RoomId, RoomAuthGraph>();

	constructor(events: StoredEvents) {
		this.#events = events;
	}

	/** Gives a room's graph, as far as it was read. */
	open(roomId: RoomId): RoomAuthGraph {
		const graph = this.#rooms.get(roomId) ?? new RoomAuthGraph(this.#events);
		this.#rooms.delete(roomId);
		let held = 0;
		for (const {size} of this.#rooms.values()) held += size;
		for (const [other, {size}] of this.#rooms) {
			if (held + graph.size <= HELD_EVENTS_MAX) break;
			this.#rooms.delete(other);
			held -= size;
		}
		this.#rooms.set(roomId, graph);
		return graph;
	}
}
