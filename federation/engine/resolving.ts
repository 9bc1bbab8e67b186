import {LRUCache} from 'lru-cache';
import {breathe, type RoomId, Semaphore} from '../../crypto/index.ts';
import {createWorkBudget, type Steps, type WorkBudget} from '../rooms/index.ts';
import {AuthGraphs} from './auth-graphs.ts';
import {pause} from './pause.ts';
import type {RoomState} from './room-state.ts';
import type {Clock} from './seams.ts';
import type {StoredEvents} from './stored-events.ts';

/**
 * What one resolution may take (C11): between one and two seconds of the processor, in steps of some milliseconds. It is counted in
 * units of work and not in time, so that the same events come to the same end in every run.
 */
const UNITS_MAX = 2_000_000;
/** What a resolution may take in a room where one was given up lately: enough for an ordinary conflict. */
const STRAINED_UNITS_MAX = 100_000;
/** How long such a room is kept short: nobody can have the server think for nothing again and again. */
const STRAINED_MS = 10 * 60_000;
/**
 * What one room may take of the server for as long as it likes: a third of one core. What it takes beyond is a debt, and
 * while that is larger than one resolution may take, the next one waits; so do the events of this room, and no others.
 */
const UNITS_PER_SECOND = 400_000;
/** Rooms that are kept short at once. */
const STRAINED_ROOMS_MAX = 1_000;
/** Resolved states that are kept: as long as a fork is open, every event beside it asks for the same one. */
const RESOLVED_MAX = 1_000;
/** As for other states that are in memory only: nodes that nothing in the database reaches are removed after a day. */
const RESOLVED_MS = 3_600_000;
/** Resolutions that may wait for the one that is going on; no room has more than its events that are prepared at once. */
const WAITING_MAX = 10_000;
const RETRY_AFTER_MS = 1_000;

/** What all resolutions of an engine share: what is known from the last ones, and the time that they may take. */
export class Resolving {
	readonly graphs: AuthGraphs;
	readonly #resolved = new LRUCache<string, RoomState>({
		maxSize: RESOLVED_MAX,
		sizeCalculation: () => 1,
		ttl: RESOLVED_MS,
	});
	readonly #underway = new Map<string, Promise<RoomState>>();
	readonly #clock: Clock;
	readonly #unitsMax: number;
	readonly #onStrain: (roomId: RoomId) => void;
	/** Until when rooms are kept short. */
	readonly #strained = new LRUCache<RoomId, number>({maxSize: STRAINED_ROOMS_MAX, sizeCalculation: () => 1});
	/** What rooms have taken and not made up for: so much at a time, falling ever since. */
	readonly #debts = new LRUCache<RoomId, {readonly units: number; readonly at: number}>({
		maxSize: STRAINED_ROOMS_MAX,
		sizeCalculation: () => 1,
	});
	/** Large ones go one after the other: a step of each in every turn of the event loop would add up. */
	readonly #large = new Semaphore({permits: 1, waitingMax: WAITING_MAX, retryAfterMs: RETRY_AFTER_MS});

	constructor(options: {
		readonly events: StoredEvents;
		readonly clock: Clock;
		readonly unitsMax?: number | undefined;
		/** Told of a room whose state is kept as it is, because working it out would take too much. */
		readonly onStrain?: ((roomId: RoomId) => void) | undefined;
	}) {
		this.graphs = new AuthGraphs(options.events);
		this.#clock = options.clock;
		this.#unitsMax = options.unitsMax ?? UNITS_MAX;
		this.#onStrain = options.onStrain ?? (() => undefined);
	}

	/** Resolves what the name says, unless that is known or under way: many events may ask for the same at once. */
	async once(name: string, resolve: () => Promise<RoomState>): Promise<RoomState> {
		const known = this.#resolved.get(name) ?? this.#underway.get(name);
		if (known) return known;
		const resolving = resolve().finally(() => this.#underway.delete(name));
		this.#underway.set(name, resolving);
		const resolved = await resolving;
		this.#resolved.set(name, resolved);
		return resolved;
	}

	/** Whether a resolution was given up in a room lately. */
	#isStrained(roomId: RoomId): boolean {
		return (this.#strained.get(roomId) ?? 0) > this.#clock.monotonic();
	}

	/** Gives what the next resolution in a room may take, once the room has made up for the last ones. */
	async openBudget(roomId: RoomId): Promise<WorkBudget> {
		const surplus = this.#debtOf(roomId) - UNITS_MAX;
		if (surplus > 0) await pause(this.#clock, Math.ceil((surplus / UNITS_PER_SECOND) * 1_000));
		return createWorkBudget(this.#isStrained(roomId) ? Math.min(STRAINED_UNITS_MAX, this.#unitsMax) : this.#unitsMax);
	}

	/** Notes what a resolution has taken. */
	noteSpent(roomId: RoomId, budget: WorkBudget): void {
		this.#debts.set(roomId, {units: this.#debtOf(roomId) + budget.spent, at: this.#clock.monotonic()});
	}

	#debtOf(roomId: RoomId): number {
		const debt = this.#debts.get(roomId);
		if (!debt) return 0;
		return Math.max(0, debt.units - ((this.#clock.monotonic() - debt.at) / 1_000) * UNITS_PER_SECOND);
	}

	/** Notes that a resolution was given up. */
	noteStrain(roomId: RoomId): void {
		if (!this.#isStrained(roomId)) this.#onStrain(roomId);
		this.#strained.set(roomId, this.#clock.monotonic() + STRAINED_MS);
	}

	/** Takes all steps, and lets everything else have its turn between them. What is done in one step waits for nobody. */
	async drive<Result>(steps: Steps<Result>): Promise<Result> {
		const first = steps.next();
		if (first.done === true) return first.value;
		return this.#large.run(async () => {
			for (;;) {
				await breathe();
				const step = steps.next();
				if (step.done === true) return step.value;
			}
		});
	}
}
