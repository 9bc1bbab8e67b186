import {
	canonicalJson,
	isRoomId,
	type JsonObject,
	readStrictJson,
	type RoomId,
	type ServerName,
} from '../../crypto/index.ts';
import {type Batch, DuplicateError, type StagedPdu, type StagedRow} from '../../storage/index.ts';
import type {Clock} from '../engine/index.ts';
import type {JoinsUnderway} from './joins-underway.ts';
import {type RetractionContext, takeRetraction} from './retractions.ts';

/** Staged PDUs that are read at once after a restart. */
const PAGE = 1_000;
/** How long a PDU waits before it is tried again: what it needs could not be fetched, or the database was not there. */
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15 * 60_000;
/** Tries before a PDU is given up; with the waits above about five hours. */
const TRIES_MAX = 30;
/** What may wait at once, of all partner servers and of one of them; beyond, they are told to come back. */
const WAITING_MAX = 20_000;
/**
 * Events of one server in rooms that it never was in, which wait for its join: more are left out without a word, since who
 * is told to come back for such an event is told that there is the room.
 */
const OUTSIDERS_MAX = 20;
const WAITING_BYTES_MAX = 64 << 20;
const WAITING_OF_ORIGIN_MAX = 2_000;
/** Rooms that are worked on at once: some wait for slow servers, so more than there are cores. */
const ROOMS_MAX = 64;

/**
 * How long a transaction waits for its only PDU to get into the room: the two then share a commit. What takes longer, for
 * which others have to be asked or which a busy room keeps waiting, is staged and answered for before it is judged.
 */
const STRAIGHT_MS = 50;

/** PDUs of one room whose signatures are verified before their turn: a transaction, and the beginning of the next. */
const AHEAD_MAX = 64;

/** What draining needs. */
export interface StagingOptions extends RetractionContext {
	readonly clock: Clock;
	readonly joins: JoinsUnderway;
	/** Told of a PDU that was given up, and of failures that are tried again; no contents. */
	readonly onProblem: (problem: {
		readonly origin: ServerName;
		readonly isGivenUp: boolean;
		readonly cause: unknown;
	}) => void;
}

/** A transaction of a partner server, its envelope checked. */
export interface InboundTransaction {
	readonly origin: ServerName;
	readonly txnId: string;
	/** With the place each had in the transaction, and whether the server never was in the event's room. */
	readonly pdus: readonly {
		readonly index: number;
		readonly roomId: RoomId;
		readonly json: JsonObject;
		readonly isOfOutsider?: boolean;
	}[];
	/** What this server answers, now and whenever the transaction comes again. */
	readonly answer: JsonObject;
}

interface Waiting {
	readonly origin: ServerName;
	readonly txnId: string;
	readonly index: number;
	readonly roomId: RoomId;
	readonly json: JsonObject;
	sizeBytes: number;
	readonly isOfOutsider?: boolean;
	tries: number;
	/** What goes into the commit that settles it. */
	settle: (batch: Batch) => void;
	/** Told whether the first look at it has settled it. */
	onJudged?: (isSettled: boolean) => void;
}

/**
 * PDUs between the transaction that brought them and the room they belong to. A transaction is answered once its PDUs
 * are here, on disk; each leaves in the same commit that stores its event. What is left after a crash is drained again.
 * A PDU that comes alone and can be judged at once is in its room when its transaction is answered, and was never staged.
 */
export class Staging {
	readonly #options: StagingOptions;
	readonly #rooms = new Map<RoomId, Waiting[]>();
	/** Rooms whose turn has not come. */
	readonly #idle: RoomId[] = [];
	readonly #known = new Set<string>();
	readonly #origins = new Map<ServerName, number>();
	/** Transactions whose PDU is on its way straight into its room; a repetition shares what comes of it. */
	readonly #straight = new Map<string, Promise<void>>();
	/** Likewise, of events of rooms that the server never was in. */
	readonly #outsiders = new Map<ServerName, number>();
	#working = 0;
	#waitingBytes = 0;
	#isStopped = false;

	constructor(options: StagingOptions) {
		this.#options = options;
	}

	/** How many PDUs wait. */
	get waiting(): number {
		return this.#known.size;
	}

	/** Whether more of a server can be taken: nobody can fill the place of the others. */
	hasRoomFor(origin: ServerName): boolean {
		return (
			this.#known.size < WAITING_MAX &&
			this.#waitingBytes < WAITING_BYTES_MAX &&
			(this.#origins.get(origin) ?? 0) < WAITING_OF_ORIGIN_MAX
		);
	}

	/**
	 * Returns when a transaction's PDUs and its answer are on disk; a repetition is stored once. Waits for a room no longer
	 * than {@link STRAIGHT_MS}.
	 */
	async take(transaction: InboundTransaction): Promise<void> {
		const admitted = {...transaction, pdus: this.#listAdmitted(transaction)};
		const {pdus} = admitted;
		const [only] = pdus;
		const key = only && keyOf({...transaction, ...only});
		const underway = key === undefined ? undefined : this.#straight.get(key);
		if (underway) return underway;
		if (key === undefined || pdus.length > 1 || only!.isOfOutsider === true || !this.#isFree(only!.roomId)) {
			await this.#stage(admitted, this.#waitingOf(admitted));
			return;
		}
		const taking = this.#takeStraight(admitted).finally(() => this.#straight.delete(key));
		this.#straight.set(key, taking);
		await taking;
	}

	/** Leaves out events of rooms that their server never was in, as far as too many of those wait already. */
	#listAdmitted({origin, pdus}: InboundTransaction): InboundTransaction['pdus'] {
		let places = OUTSIDERS_MAX - (this.#outsiders.get(origin) ?? 0);
		return pdus.filter(({isOfOutsider}) => isOfOutsider !== true || places-- > 0);
	}

	/** Whether an event of a room would have its turn at once. */
	#isFree(roomId: RoomId): boolean {
		return !this.#rooms.has(roomId) && this.#working < ROOMS_MAX && !this.#options.joins.has(roomId);
	}

	#waitingOf({origin, txnId, pdus}: InboundTransaction): Waiting[] {
		return pdus.map((pdu) => {
			const settle = this.#unstageOf({origin, txnId, index: pdu.index});
			return {origin, txnId, ...pdu, sizeBytes: 0, tries: 0, settle};
		});
	}

	#unstageOf(pdu: Pick<StagedPdu, 'origin' | 'txnId' | 'index'>): (batch: Batch) => void {
		return (batch) => this.#options.storage.federation.unstage(batch, pdu);
	}

	/** Gives the one PDU of a transaction to its room, with the note that it came; stages it where that takes too long. */
	async #takeStraight(transaction: InboundTransaction): Promise<void> {
		const {storage, clock} = this.#options;
		const [waiting] = this.#waitingOf(transaction);
		if (!waiting) return;
		const note = noteOf(transaction, clock.now());
		const unstage = waiting.settle;
		waiting.settle = (batch) => storage.federation.addInboundTransaction(batch, note);
		const isSettled = await new Promise<boolean>((resolve) => {
			const timer = clock.setTimer(STRAIGHT_MS, () => resolve(false));
			waiting.onJudged = (isSettledNow) => {
				timer.cancel();
				resolve(isSettledNow);
			};
			this.#enqueue(waiting, 0);
		});
		if (isSettled) return;
		// From here on its event, if it is not on its way to the disk by now, comes after the commit that stages it. If it
		// is, the note is there already when this commit has its turn, and nothing is staged.
		waiting.settle = unstage;
		await this.#stage(transaction, [waiting]);
	}

	/** Stores PDUs with the note that their transaction came, in one commit. */
	async #stage(transaction: InboundTransaction, waitings: readonly Waiting[]): Promise<void> {
		const {storage, clock} = this.#options;
		const {origin, txnId} = transaction;
		const receivedTs = clock.now();
		const staged = waitings.map(({index, json}) => ({origin, txnId, index, json: canonicalJson(json), receivedTs}));
		const batch = storage.batch();
		storage.federation.addInboundTransaction(batch, noteOf(transaction, receivedTs));
		if (staged.length > 0) storage.federation.stage(batch, staged);
		try {
			await storage.commit(batch);
		} catch (error) {
			// The same transaction came twice at once; the other one has it.
			if (error instanceof DuplicateError) return;
			// It may be on disk all the same, and would then lie there until the next start.
			clock.setTimer(RETRY_FIRST_MS, () => this.#resumeQuietly());
			throw error;
		}
		for (const [place, waiting] of waitings.entries()) this.#enqueue(waiting, staged[place]?.json.length ?? 0);
	}

	#resumeQuietly(): void {
		this.resume().catch(() => {
			if (!this.#isStopped) this.#options.clock.setTimer(RETRY_MAX_MS, () => this.#resumeQuietly());
		});
	}

	/** Takes up what a former run of the server left. */
	async resume(): Promise<void> {
		for (let after: number | undefined = 0; after !== undefined && !this.#isStopped; ) {
			const rows: StagedRow[] = await this.#options.storage.federation.listStaged({after, limit: PAGE});
			for (const {origin, txnId, index, json: text} of rows) {
				const json = readStrictJson(text) as JsonObject;
				const roomId = roomIdOf(json);
				if (!roomId) continue;
				const settle = this.#unstageOf({origin, txnId, index});
				this.#enqueue({origin, txnId, index, roomId, json, sizeBytes: 0, tries: 0, settle}, text.length);
			}
			after = rows.length < PAGE ? undefined : rows.at(-1)?.id;
		}
	}

	/** Takes up nothing more; what waits stays on disk. */
	stop(): void {
		this.#isStopped = true;
	}

	/** Lets a PDU wait for its turn, if it does not yet. One that was settled while it was staged has another, and leaves. */
	#enqueue(waiting: Waiting, sizeBytes: number): void {
		const isNew = !this.#known.has(keyOf(waiting));
		if (!isNew && waiting.onJudged === undefined) return;
		waiting.sizeBytes = sizeBytes;
		this.#waitingBytes += sizeBytes;
		if (!isNew) return;
		this.#known.add(keyOf(waiting));
		const counts = waiting.isOfOutsider === true ? this.#outsiders : this.#origins;
		counts.set(waiting.origin, (counts.get(waiting.origin) ?? 0) + 1);
		this.#push(waiting);
	}

	#push(waiting: Waiting): void {
		const queue = this.#rooms.get(waiting.roomId);
		if (queue) {
			queue.push(waiting);
			return;
		}
		this.#rooms.set(waiting.roomId, [waiting]);
		this.#idle.push(waiting.roomId);
		this.#work();
	}

	/** Gives rooms their turns. */
	#work(): void {
		while (this.#working < ROOMS_MAX && !this.#isStopped) {
			const roomId = this.#idle.shift();
			if (roomId === undefined) return;
			this.#working += 1;
			void this.#drain(roomId).finally(() => {
				this.#working -= 1;
				this.#work();
			});
		}
	}

	/** One room's PDUs, one after the other; rooms do not wait for each other. */
	async #drain(roomId: RoomId): Promise<void> {
		const queue = this.#rooms.get(roomId) ?? [];
		for (let waiting = queue[0]; waiting && !this.#isStopped; waiting = queue[0]) {
			// Asked anew for each: a join may begin while others are received.
			await this.#options.joins.settled(roomId);
			for (const {json} of queue.slice(0, AHEAD_MAX)) this.#options.engine.checkAhead({roomId, json});
			await this.#receive(waiting);
			queue.shift();
		}
		this.#rooms.delete(roomId);
	}

	async #receive(waiting: Waiting): Promise<void> {
		const {onProblem} = this.#options;
		try {
			await this.#judge(waiting);
			this.#forget(waiting);
			waiting.onJudged?.(true);
		} catch (cause) {
			waiting.onJudged?.(false);
			if (this.#isStopped) return;
			waiting.tries += 1;
			const isGivenUp = waiting.tries >= TRIES_MAX;
			onProblem({origin: waiting.origin, isGivenUp, cause});
			if (isGivenUp) await this.#giveUp(waiting);
			else this.#retryLater(waiting);
		}
	}

	/** Gives a PDU to its room; from a room that is not here only the end of an invite or knock is of use. */
	async #judge(waiting: Waiting): Promise<void> {
		const {engine, serverName} = this.#options;
		const room = await engine.findRoom(waiting.roomId);
		if (room?.isServerJoined(serverName)) {
			const {json, origin} = waiting;
			await engine.receive({roomId: waiting.roomId, json, origin, alsoWrite: (batch) => waiting.settle(batch)});
			return;
		}
		await takeRetraction(this.#options, waiting);
		await this.#settle(waiting);
	}

	#retryLater(waiting: Waiting): void {
		const delayMs = Math.min(RETRY_FIRST_MS * 2 ** (waiting.tries - 1), RETRY_MAX_MS);
		this.#options.clock.setTimer(delayMs, () => {
			if (!this.#isStopped) this.#push(waiting);
		});
	}

	async #settle(waiting: Waiting): Promise<void> {
		const batch = this.#options.storage.batch();
		waiting.settle(batch);
		await this.#options.storage.commit(batch);
	}

	async #giveUp(waiting: Waiting): Promise<void> {
		await this.#settle(waiting).catch(() => undefined);
		this.#forget(waiting);
	}

	#forget(waiting: Waiting): void {
		this.#known.delete(keyOf(waiting));
		this.#waitingBytes -= waiting.sizeBytes;
		const counts = waiting.isOfOutsider === true ? this.#outsiders : this.#origins;
		const left = (counts.get(waiting.origin) ?? 1) - 1;
		if (left > 0) counts.set(waiting.origin, left);
		else counts.delete(waiting.origin);
	}
}

function noteOf({origin, txnId, answer}: InboundTransaction, receivedTs: number) {
	return {origin, txnId, answer: JSON.stringify(answer), receivedTs};
}

/** Gives the room that an event says it is of. */
export function roomIdOf(json: JsonObject): RoomId | undefined {
	const roomId = json['room_id'];
	return isRoomId(roomId) ? roomId : undefined;
}

function keyOf({origin, txnId, index}: Pick<StagedPdu, 'origin' | 'txnId' | 'index'>): string {
	return `${origin}\0${txnId}\0${index}`;
}
