import type {EventId, RoomId} from '../../crypto/index.ts';
import {ConflictError, DuplicateError, type EventNid, StorageError} from '../../storage/index.ts';
import type {RoomVersionId} from '../rooms/index.ts';
import {Draft, type DraftContext, type Head} from './draft.ts';
import {EngineError} from './errors.ts';
import {NotLoaded} from './room-state.ts';
import {followHead, loadHead} from './read-head.ts';
import type {Clock} from './seams.ts';
import type {StatesAtEvents} from './state-before.ts';
import type {StoredEvents} from './stored-events.ts';

/** Intents that may wait for one room; more are told to come back. */
const WAITING_MAX = 512;
/** Intents that one batch carries at most: enough to fill a commit, and a bound on what one lost batch repeats. */
const BATCH_INTENTS_MAX = 64;
/** Batches that may be on their way to the disk: one is being committed while the next one is built on its head. */
const FLIGHTS_MAX = 2;
/** Times that an intent is built anew after its batch lost a race. */
const ATTEMPTS_MAX = 5;
/** Times that an intent is prepared anew because the head moved under it, before it counts as an attempt. */
const PREPARATIONS_MAX = 16;
/** Times that it is prepared beside others; then the others wait for it. */
const SHARED_PREPARATIONS_MAX = 3;
/** How long to wait between looks at a database that dropped the connection during COMMIT, and how often to look. */
const UNKNOWN_OUTCOME_WAIT_MS = 250;
const UNKNOWN_OUTCOME_LOOKS_MAX = 20;
const RETRY_AFTER_MS = 1_000;

/** The head moved in a way that what was prepared no longer fits; the intent is prepared again. */
export class HeadMoved extends Error {
	override readonly name = 'HeadMoved';
}

/** What an intent needs to read names events that are not on disk yet; it is prepared again once they are. */
export class HeadUnstored extends Error {
	override readonly name = 'HeadUnstored';
}

/** Something that is to happen in a room: kept as what is wanted, never as the event that was built for it. */
export interface Intent<T> {
	/**
	 * Loads what the turn needs on this head; gives nothing where all is in memory. Called again after a lost race.
	 * @param isStored Whether all events of the head are on disk. @throws HeadUnstored where only then it can be prepared
	 */
	prepare(head: Head, isStored: boolean): Promise<void> | undefined;
	/**
	 * Judges, builds and adds to the draft, without waiting for anything; all checks come before the first write.
	 * Gives what makes the answer once the batch is committed. @throws NotLoaded, HeadMoved, EngineError
	 */
	turn(draft: Draft): () => T;
	/** After a lost race: gives the answer where somebody else's commit has done it already. */
	findDone(): Promise<T | undefined>;
}

interface Waiting {
	readonly intent: Intent<unknown>;
	readonly resolve: (value: unknown) => void;
	readonly reject: (error: unknown) => void;
	attempts: number;
	preparations: number;
}

interface Flight {
	readonly draft: Draft;
	readonly head: Head;
	readonly passengers: {readonly waiting: Waiting; readonly answer: () => unknown}[];
}

/** What an actor is given. */
export interface ActorContext extends DraftContext {
	readonly clock: Clock;
	readonly events: StoredEvents;
	readonly states: StatesAtEvents;
}

/**
 * One room in memory. `tip` is what the next event is built on and is private; `committed` is what readers are given.
 * @see docs/architecture.md, "The room engine"
 */
export class RoomActor {
	readonly roomId: RoomId;
	readonly version: RoomVersionId;
	readonly #context: ActorContext;
	#tip: Head;
	#committed: Head;
	#ready: Waiting[] = [];
	/** Intents that are prepared once the head is on disk. */
	#stalled: Waiting[] = [];
	#flights: Flight[] = [];
	#failed: {readonly flight: Flight; readonly error: unknown}[] = [];
	#waiting = 0;
	#isDrainDue = false;
	/** An intent that the moving head overtook too often: until it had its turn, no other has. */
	#exclusive: Waiting | undefined;
	#isRecovering = false;
	/** Whether another process has moved the head since it was read. */
	#isBehind = false;
	#catchingUp: Promise<void> | undefined;
	/** Whether another process has moved the head from under batches that are on their way. */
	#isTipVoid = false;

	constructor(context: ActorContext, room: {readonly roomId: RoomId; readonly version: RoomVersionId}, head: Head) {
		this.#context = context;
		this.roomId = room.roomId;
		this.version = room.version;
		this.#tip = head;
		this.#committed = head;
	}

	/** The head that is on disk. */
	get committed(): Head {
		return this.#committed;
	}

	/** Whether nothing waits: only then may the actor be let go of. */
	get isIdle(): boolean {
		return this.#waiting === 0 && !this.#isRecovering;
	}

	/** Takes an intent through preparation, turn and commit. @throws EngineError */
	async submit<T>(intent: Intent<T>): Promise<T> {
		if (this.#waiting >= WAITING_MAX) {
			throw new EngineError('overloaded', 'Too many events wait for this room; try again soon', {
				retryAfterMs: RETRY_AFTER_MS,
			});
		}
		this.#waiting += 1;
		try {
			return await new Promise<T>((resolve, reject) => {
				const waiting = {intent, resolve: resolve as (value: unknown) => void, reject, attempts: 0, preparations: 0};
				this.#prepare(waiting);
			});
		} finally {
			this.#waiting -= 1;
		}
	}

	/** Whether one of our batches that are on their way brings an event. */
	isBringing(nid: EventNid): boolean {
		return this.#flights.some(({draft}) => draft.announced.some((event) => event.nid === nid));
	}

	/** Notes that another process has moved the head. */
	noteMoved(): void {
		this.#isBehind = true;
	}

	/** Takes over the head as others have moved it until now. @throws StorageError */
	async catchUp(): Promise<void> {
		// A reading that is under way may have begun before the last move; one that begins from now on has not.
		if (this.#catchingUp) await this.#catchingUp;
		if (this.#isBehind || this.#catchingUp) await this.#readOnce();
	}

	/** Reads the head, once for all who ask meanwhile. */
	#readOnce(): Promise<void> {
		this.#catchingUp ??= this.#readHead().finally(() => {
			this.#catchingUp = undefined;
		});
		return this.#catchingUp;
	}

	async #readHead(): Promise<void> {
		this.#isBehind = false;
		try {
			this.#take(await followHead(this.#context, this.roomId, this.#committed));
		} catch (error) {
			this.#isBehind = true;
			throw error;
		}
	}

	#take(head: Head | undefined): void {
		const isNews = head !== undefined && head.version > this.#committed.version;
		if (isNews) this.#committed = head;
		if (this.#flights.length === 0 && !this.#mustRecover) this.#tip = this.#committed;
		// What is on its way cannot be built upon, and nobody may be refused by it.
		else if (isNews) this.#isTipVoid = true;
	}

	#prepare(waiting: Waiting): void {
		waiting.preparations += 1;
		if (waiting.preparations > PREPARATIONS_MAX) {
			this.#giveUp(waiting, new EngineError('unavailable', 'The room changes too fast for this event; try again'));
			return;
		}
		let prepared: Promise<void> | undefined;
		try {
			prepared = waiting.intent.prepare(this.#tip, this.#tip === this.#committed);
		} catch (error) {
			this.#giveUp(waiting, error);
			return;
		}
		if (!prepared) this.#enqueue(waiting);
		else {
			prepared.then(
				() => this.#enqueue(waiting),
				(error: unknown) => {
					if (error instanceof HeadUnstored) this.#stall(waiting);
					else this.#giveUp(waiting, error);
				},
			);
		}
	}

	/** Prepares an intent once the head is on disk: until it had its turn nothing else moves the head. */
	#stall(waiting: Waiting): void {
		this.#exclusive ??= waiting;
		this.#stalled.push(waiting);
		this.#resumeStalled();
	}

	#resumeStalled(): void {
		if (this.#flights.length > 0 || this.#mustRecover) return;
		for (const waiting of this.#stalled.splice(0)) this.#prepare(waiting);
	}

	#giveUp(waiting: Waiting, error: unknown): void {
		if (this.#exclusive === waiting) this.#exclusive = undefined;
		waiting.reject(error);
		this.#drainSoon();
	}

	#enqueue(waiting: Waiting): void {
		this.#ready.push(waiting);
		this.#drainSoon();
	}

	/** Whether the head must be read anew before anything is built. */
	get #mustRecover(): boolean {
		return this.#isRecovering || this.#failed.length > 0 || this.#isTipVoid;
	}

	/** Everything that arrives in one turn of the event loop shares a batch. */
	#drainSoon(): void {
		if (this.#isDrainDue || this.#ready.length === 0) return;
		this.#isDrainDue = true;
		setImmediate(() => {
			this.#isDrainDue = false;
			this.#drain();
		});
	}

	#drain(): void {
		if (this.#mustRecover || this.#flights.length >= FLIGHTS_MAX) return;
		const draft = new Draft(this.#context, this.roomId, this.#tip);
		const passengers: Flight['passengers'] = [];
		for (const waiting of this.#takeReady()) {
			try {
				passengers.push({waiting, answer: waiting.intent.turn(draft)});
			} catch (error) {
				if (error instanceof NotLoaded || error instanceof HeadMoved) this.#prepareAgain(waiting);
				else waiting.reject(error);
			}
		}
		if (passengers.length > 0 && draft.batch.isEmpty) {
			for (const {waiting, answer} of passengers) waiting.resolve(answer());
		} else if (passengers.length > 0) {
			this.#fly({draft, head: draft.finish(), passengers});
		}
		if (!this.#exclusive) this.#drainSoon();
	}

	#takeReady(): Waiting[] {
		const exclusive = this.#exclusive;
		if (!exclusive) return this.#ready.splice(0, BATCH_INTENTS_MAX);
		const index = this.#ready.indexOf(exclusive);
		if (index < 0) return [];
		this.#exclusive = undefined;
		return this.#ready.splice(index, 1);
	}

	#prepareAgain(waiting: Waiting): void {
		if (waiting.preparations >= SHARED_PREPARATIONS_MAX) this.#exclusive ??= waiting;
		this.#prepare(waiting);
	}

	#fly(flight: Flight): void {
		this.#tip = flight.head;
		this.#flights.push(flight);
		for (const event of flight.draft.announced) this.#context.events.hold(event);
		this.#context.storage.commit(flight.draft.batch).then(
			() => this.#land(flight),
			(error: unknown) => this.#crash(flight, error),
		);
	}

	#land(flight: Flight): void {
		const {events, states} = this.#context;
		this.#flights.splice(this.#flights.indexOf(flight), 1);
		// Storage may tell of a batch that announces nothing before it tells of the one below.
		if (flight.head.version > this.#committed.version) this.#committed = flight.head;
		for (const {pdu, nid} of flight.draft.announced) {
			events.note({nid, pdu});
			events.release({nid});
		}
		for (const [eventId, state] of flight.head.ends) states.note(eventId, state);
		for (const {waiting, answer} of flight.passengers) waiting.resolve(answer());
		this.#goOn();
	}

	#goOn(): void {
		if (this.#mustRecover) {
			this.#recoverSoon();
			return;
		}
		this.#resumeStalled();
		this.#drainSoon();
	}

	#crash(flight: Flight, error: unknown): void {
		this.#flights.splice(this.#flights.indexOf(flight), 1);
		for (const event of flight.draft.announced) this.#context.events.release(event);
		this.#failed.push({flight, error});
		this.#recoverSoon();
	}

	/** Whatever was built on a lost head is lost as well: recovery begins when nothing is on its way any more. */
	#recoverSoon(): void {
		if (this.#flights.length > 0 || this.#isRecovering) return;
		this.#isRecovering = true;
		const failed = this.#failed;
		this.#failed = [];
		this.#isTipVoid = false;
		this.#recover(failed)
			.catch((error: unknown) => {
				this.#isBehind = true;
				for (const {flight} of failed) for (const {waiting} of flight.passengers) waiting.reject(unavailable(error));
			})
			.finally(() => {
				this.#isRecovering = false;
				this.#goOn();
			});
	}

	async #recover(failed: readonly {readonly flight: Flight; readonly error: unknown}[]): Promise<void> {
		const again: Waiting[] = [];
		for (const {flight, error} of failed) {
			const fate = await this.#fateOf(flight, error);
			for (const {waiting, answer} of flight.passengers) {
				if (fate === 'written') waiting.resolve(answer());
				else if (fate === 'again' && waiting.attempts < ATTEMPTS_MAX) again.push(waiting);
				else waiting.reject(unavailable(error));
			}
		}
		const head = await loadHead(this.#context, this.roomId);
		if (!head) throw new EngineError('not_in_room', 'The room is not here any more');
		this.#tip = head;
		this.#committed = head;
		for (const waiting of again) {
			waiting.attempts += 1;
			waiting.preparations = 0;
			const done = await waiting.intent.findDone();
			if (done === undefined) this.#prepare(waiting);
			else waiting.resolve(done);
		}
	}

	/** Says whether a batch that failed is written after all, may be built anew, or is given up. */
	async #fateOf(flight: Flight, error: unknown): Promise<'written' | 'again' | 'lost'> {
		if (error instanceof ConflictError || error instanceof DuplicateError) return 'again';
		if (!(error instanceof StorageError) || error.code !== 'outcome_unknown') return 'lost';
		const eventId = flight.draft.announced[0]?.pdu.eventId;
		if (eventId === undefined) return 'again';
		return (await this.#isWritten(eventId)) ? 'written' : 'again';
	}

	async #isWritten(eventId: EventId): Promise<boolean> {
		for (let looks = 1; ; looks += 1) {
			try {
				return (await this.#context.storage.events.findById(eventId)) !== undefined;
			} catch (error) {
				if (looks >= UNKNOWN_OUTCOME_LOOKS_MAX) throw error;
				await new Promise<void>((resolve) => {
					this.#context.clock.setTimer(UNKNOWN_OUTCOME_WAIT_MS, resolve);
				});
			}
		}
	}
}

function unavailable(cause: unknown): EngineError {
	if (cause instanceof EngineError) return cause;
	return new EngineError('unavailable', 'The server cannot store the event just now; try again', {
		cause,
		retryAfterMs: RETRY_AFTER_MS,
	});
}
