import {canonicalJson, type JsonObject, readStrictJson, type RoomId, type ServerName} from '../../crypto/index.ts';
import {DuplicateError, type StagedPdu, type Storage} from '../../storage/index.ts';
import type {Clock, Engine} from '../engine/index.ts';

/** Staged PDUs that are read at once after a restart. */
const PAGE = 1_000;
/** How long a PDU waits before it is tried again: what it needs could not be fetched, or the database was not there. */
const RETRY_FIRST_MS = 1_000;
const RETRY_MAX_MS = 15 * 60_000;
/** Tries before a PDU is given up; with the waits above about five hours. */
const TRIES_MAX = 30;
/** PDUs that may wait at once; beyond, partner servers are told to come back. */
const WAITING_MAX = 20_000;

/** What draining needs. */
export interface StagingOptions {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly clock: Clock;
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
	/** With the place each had in the transaction. */
	readonly pdus: readonly {readonly index: number; readonly roomId: RoomId; readonly json: JsonObject}[];
	/** What this server answers, now and whenever the transaction comes again. */
	readonly answer: JsonObject;
}

interface Waiting {
	readonly origin: ServerName;
	readonly txnId: string;
	readonly index: number;
	readonly roomId: RoomId;
	readonly json: JsonObject;
	tries: number;
}

/**
 * PDUs between the transaction that brought them and the room they belong to. A transaction is answered once its PDUs
 * are here, on disk; each leaves in the same commit that stores its event. What is left after a crash is drained again.
 */
export class Staging {
	readonly #options: StagingOptions;
	readonly #rooms = new Map<RoomId, Waiting[]>();
	readonly #known = new Set<string>();
	#waiting = 0;
	#isStopped = false;

	constructor(options: StagingOptions) {
		this.#options = options;
	}

	/** How many PDUs wait. */
	get waiting(): number {
		return this.#waiting;
	}

	/** Whether more can be taken. */
	get hasRoom(): boolean {
		return this.#waiting < WAITING_MAX;
	}

	/** Stores a transaction's PDUs and its answer in one commit; a repetition is stored once. Does not wait for rooms. */
	async take(transaction: InboundTransaction): Promise<void> {
		const {storage, clock} = this.#options;
		const {origin, txnId, pdus} = transaction;
		const receivedTs = clock.now();
		const staged: StagedPdu[] = pdus.map(({index, json}) => ({
			origin,
			txnId,
			index,
			json: canonicalJson(json),
			receivedTs,
		}));
		const batch = storage.batch();
		storage.federation.addInboundTransaction(batch, {
			origin,
			txnId,
			answer: JSON.stringify(transaction.answer),
			receivedTs,
		});
		if (staged.length > 0) storage.federation.stage(batch, staged);
		try {
			await storage.commit(batch);
		} catch (error) {
			// The same transaction came twice at once; the other one has it.
			if (error instanceof DuplicateError) return;
			throw error;
		}
		for (const pdu of pdus) this.#enqueue({origin, txnId, ...pdu, tries: 0});
	}

	/** Takes up what a former run of the server left. */
	async resume(): Promise<void> {
		// Rows leave while this reads: what is known already is passed over, until a page brings nothing new.
		for (let found = true; found && !this.#isStopped; ) {
			const rows = await this.#options.storage.federation.listStaged(PAGE);
			found = false;
			for (const row of rows) {
				if (this.#known.has(keyOf(row))) continue;
				found = true;
				const json = readStrictJson(row.json) as JsonObject;
				const roomId = roomIdOf(json);
				if (roomId === undefined) continue;
				this.#enqueue({origin: row.origin, txnId: row.txnId, index: row.index, roomId, json, tries: 0});
			}
			if (rows.length < PAGE) return;
		}
	}

	/** Takes up nothing more; what waits stays on disk. */
	stop(): void {
		this.#isStopped = true;
	}

	#enqueue(waiting: Waiting): void {
		if (this.#known.has(keyOf(waiting))) return;
		this.#known.add(keyOf(waiting));
		this.#waiting += 1;
		this.#push(waiting);
	}

	#push(waiting: Waiting): void {
		const queue = this.#rooms.get(waiting.roomId);
		if (queue) {
			queue.push(waiting);
			return;
		}
		const started = [waiting];
		this.#rooms.set(waiting.roomId, started);
		void this.#drain(waiting.roomId, started);
	}

	/** One room's PDUs, one after the other; rooms do not wait for each other. */
	async #drain(roomId: RoomId, queue: Waiting[]): Promise<void> {
		for (let waiting = queue[0]; waiting && !this.#isStopped; waiting = queue[0]) {
			await this.#receive(waiting);
			queue.shift();
		}
		this.#rooms.delete(roomId);
	}

	async #receive(waiting: Waiting): Promise<void> {
		const {engine, storage, onProblem} = this.#options;
		const {roomId, json, origin} = waiting;
		try {
			await engine.receive({
				roomId,
				json,
				origin,
				alsoWrite: (batch) => storage.federation.unstage(batch, waiting),
			});
			this.#forget(waiting);
		} catch (cause) {
			if (this.#isStopped) return;
			waiting.tries += 1;
			const isGivenUp = waiting.tries >= TRIES_MAX;
			onProblem({origin, isGivenUp, cause});
			if (isGivenUp) await this.#giveUp(waiting);
			else this.#retryLater(waiting);
		}
	}

	#retryLater(waiting: Waiting): void {
		const delayMs = Math.min(RETRY_FIRST_MS * 2 ** (waiting.tries - 1), RETRY_MAX_MS);
		this.#options.clock.setTimer(delayMs, () => {
			if (!this.#isStopped) this.#push(waiting);
		});
	}

	async #giveUp(waiting: Waiting): Promise<void> {
		const batch = this.#options.storage.batch();
		this.#options.storage.federation.unstage(batch, waiting);
		await this.#options.storage.commit(batch).catch(() => undefined);
		this.#forget(waiting);
	}

	#forget(waiting: Waiting): void {
		this.#known.delete(keyOf(waiting));
		this.#waiting -= 1;
	}
}

/** Gives the room that an event says it is of. */
export function roomIdOf(json: JsonObject): RoomId | undefined {
	const roomId = json['room_id'];
	return typeof roomId === 'string' ? (roomId as RoomId) : undefined;
}

function keyOf({origin, txnId, index}: Pick<StagedPdu, 'origin' | 'txnId' | 'index'>): string {
	return `${origin}\0${txnId}\0${index}`;
}
