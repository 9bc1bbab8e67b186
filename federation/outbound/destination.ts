import {encodeBase64Url, type ServerName} from '../../crypto/index.ts';
import {
	type CursorFailure,
	type CursorRow,
	type InFlight,
	type Position,
	type Storage,
	StorageError,
} from '../../storage/index.ts';
import type {Clock, Random, Timer} from '../engine/index.ts';
import {nextFailure, timeUntilRetry} from './backoff.ts';
import {CatchUp, CATCH_UP_EVENTS} from './catch-up.ts';
import {type FederationClient, path} from './client.ts';
import type {Edu} from './edus.ts';
import {OutboundError, RemoteError} from './errors.ts';
import type {Lanes} from './lanes.ts';
import {EDUS_MAX, type Owed, type OwedContext, PDUS_MAX, readOwed} from './owed.ts';
import {countRefused, writeTransaction} from './transaction.ts';

/** What an operator may want to know of the sending to one server. */
export type SenderNotice =
	/** It takes transactions again after so many failed attempts. */
	| {readonly kind: 'recovered'; readonly server: ServerName; readonly attempts: number}
	/** The first failure since it last took a transaction. */
	| {readonly kind: 'failing'; readonly server: ServerName; readonly error: unknown}
	/** It took a transaction but refused some of its events. */
	| {readonly kind: 'events_refused'; readonly server: ServerName; readonly count: number}
	/** It refused one item for good, again and again; the item was left out. */
	| {readonly kind: 'item_dropped'; readonly server: ServerName; readonly error: unknown}
	/** Something that should not happen did; tried again later, so that one server's trouble stays its own. */
	| {readonly kind: 'broken'; readonly server: ServerName | undefined; readonly error: unknown}
	/** The database could not be used; tried again shortly. */
	| {readonly kind: 'store_failed'; readonly server: ServerName | undefined; readonly error: unknown};

/** What all destinations share. */
export interface DestinationContext extends OwedContext {
	readonly storage: OwedContext['storage'] & Pick<Storage, 'batch' | 'commit' | 'cursors' | 'stream'>;
	readonly client: Pick<FederationClient, 'request'>;
	readonly clock: Clock;
	readonly random: Random;
	readonly lanes: Lanes;
	readonly signal: AbortSignal;
	readonly onNotice: (notice: SenderNotice) => void;
}

const TIMEOUT_MS = 60_000;
/** A peer's answer names each event of the transaction, and errors that it may word at length. */
const RESPONSE_BYTES_MAX = 1 << 20;
/** A request refused as such so often is refused for what is in it. */
const REFUSALS_MAX = 3;
/** Statuses that mean that the body itself is the trouble. */
const REFUSAL_STATUSES: ReadonlySet<number> = new Set([400, 413, 414, 422, 431]);
/** After a failed attempt that a contact of the peer brought about, further contacts bring about none for so long. */
const CONTACT_PAUSE_MS = 60_000;
const STORE_RETRY_MS = 5000;
const BROKEN_RETRY_MS = 60_000;
/** Ephemeral EDUs that wait for one server; older ones give way. */
const EPHEMERAL_MAX = 50;

/** The cursor of a server. */
export function cursorName(server: ServerName): string {
	return `federation:${server}`;
}

/**
 * Tells one server what it is owed, one transaction after the other. A body is frozen in the cursor's row before its first
 * attempt and sent byte for byte until it is taken; the row moves on, and the next body is frozen, in one commit. So a row
 * without body or failure has always been told everything up to where the sender's mark stood.
 */
export class Destination {
	readonly server: ServerName;
	readonly #context: DestinationContext;
	#row: CursorRow | undefined;
	#isLoaded = false;
	/** Everything up to here was told, or is not owed. */
	#from: Position;
	#isDirty = true;
	#failure: CursorFailure | null = null;
	#refusals = 0;
	/** Items that a transaction may hold; halved while one is refused, to find out which item it is. */
	#itemsMax = PDUS_MAX;
	#catchUp: CatchUp | undefined;
	#wake: (() => void) | undefined;
	#contactPauseUntil = 0;
	readonly #ephemeral = new Map<string, Edu>();

	/** `from`: everything up to there was told already, unless the cursor's row knows of something unfinished. */
	constructor(context: DestinationContext, server: ServerName, from: Position, row?: CursorRow) {
		this.#context = context;
		this.server = server;
		this.#from = from;
		if (row !== undefined) this.#adopt(row);
	}

	/** Up to where this server certainly has been told everything; `undefined` while its row in the database says more. */
	get unmarkedFrom(): Position | undefined {
		const isMarked = this.#row !== undefined && (this.#row.inFlight !== null || this.#row.failure !== null);
		return isMarked ? undefined : this.#from;
	}

	/** Whether something may be left to do, so that `run` is called again. */
	get hasWork(): boolean {
		return this.#isDirty || this.#ephemeral.size > 0;
	}

	/** Whether it waits for the time of the next attempt. */
	get isWaiting(): boolean {
		return this.#wake !== undefined;
	}

	get isFailing(): boolean {
		return this.#failure !== null;
	}

	/** Says that something may be owed since the last look. */
	markDirty(): void {
		this.#isDirty = true;
		if (this.#failure === null) this.#wake?.();
	}

	/** Adds an EDU that is worth sending only soon; a later one with the same key replaces it. */
	addEphemeral(key: string, edu: Edu): void {
		if (this.#failure !== null) return;
		this.#ephemeral.delete(key);
		this.#ephemeral.set(key, edu);
		for (const oldest of this.#ephemeral.keys()) {
			if (this.#ephemeral.size <= EPHEMERAL_MAX) break;
			this.#ephemeral.delete(oldest);
		}
		this.#wake?.();
	}

	/** Says that the server is there: it has just sent us something. */
	noteContact(): void {
		if (this.#failure === null || this.#context.clock.monotonic() < this.#contactPauseUntil) return;
		this.#contactPauseUntil = this.#context.clock.monotonic() + CONTACT_PAUSE_MS;
		this.#failure = {...this.#failure, retryTs: 0};
		this.#wake?.();
	}

	/** Sends until nothing is owed any more, or the sender stops. Never throws. */
	async run(): Promise<void> {
		const {signal} = this.#context;
		while (!signal.aborted) {
			try {
				if (!this.#isLoaded) await this.#load();
				if (this.#failure !== null && (await this.#waitForRetry(this.#failure))) continue;
				if (!(await this.#takeTurn())) return;
			} catch (error) {
				if (signal.aborted) return;
				// Whatever was written or not: the row says it, and what is owed is looked up again.
				this.#isLoaded = false;
				this.#isDirty = true;
				const isStore = error instanceof StorageError;
				this.#context.onNotice({kind: isStore ? 'store_failed' : 'broken', server: this.server, error});
				await this.#sleep(isStore ? STORE_RETRY_MS : BROKEN_RETRY_MS);
			}
		}
	}

	async #load(): Promise<void> {
		const row = await this.#context.storage.cursors.find(cursorName(this.server));
		if (row === undefined) this.#row = undefined;
		else this.#adopt(row);
		this.#isLoaded = true;
	}

	#adopt(row: CursorRow): void {
		this.#row = row;
		this.#isLoaded = true;
		this.#failure = row.failure;
		this.#from = row.inFlight === null && row.failure === null ? Math.max(this.#from, row.acked) : row.acked;
		this.#catchUp = undefined;
	}

	/** Waits until a retry is due; true if there was something to wait for. */
	async #waitForRetry(failure: CursorFailure): Promise<boolean> {
		const delayMs = timeUntilRetry(failure, this.#context.clock.now());
		if (delayMs > 0) await this.#sleep(delayMs);
		return delayMs > 0;
	}

	/** Waits for a time, or until woken or stopped. */
	async #sleep(delayMs: number): Promise<void> {
		const {clock, signal} = this.#context;
		await new Promise<void>((resolve) => {
			const end = (): void => {
				this.#wake = undefined;
				timer.cancel();
				signal.removeEventListener('abort', end);
				resolve();
			};
			this.#wake = end;
			const timer: Timer = clock.setTimer(delayMs, end);
			signal.addEventListener('abort', end);
			if (signal.aborted) end();
		});
	}

	/** Does one step in a lane of its own kind, so that servers that fail never keep others waiting; false: nothing to do. */
	async #takeTurn(): Promise<boolean> {
		const leave = await this.#context.lanes.enter(this.isFailing ? 'failing' : 'healthy');
		try {
			if (this.#context.signal.aborted) return false;
			const inFlight = this.#row?.inFlight ?? null;
			if (inFlight !== null) {
				await this.#deliver(inFlight);
				return true;
			}
			if (this.#isDirty || this.isFailing) return await this.#freezeNext(undefined);
			return await this.#sendEphemeral();
		} finally {
			leave();
		}
	}

	/** Sends the frozen body, and moves on or notes the failure. */
	async #deliver(inFlight: InFlight): Promise<void> {
		try {
			await this.#send(inFlight.txnId, inFlight.body);
		} catch (error) {
			if (this.#context.signal.aborted) return;
			await this.#noteFailure(error);
			return;
		}
		if (this.#failure !== null) {
			this.#context.onNotice({kind: 'recovered', server: this.server, attempts: this.#failure.attempts});
			if (this.#catchUp === undefined) await this.#considerCatchUp(inFlight.to);
		}
		this.#failure = null;
		this.#refusals = 0;
		this.#itemsMax = Math.min(PDUS_MAX, this.#itemsMax * 2);
		this.#contactPauseUntil = 0;
		await this.#freezeNext(inFlight.to);
	}

	/**
	 * Freezes the next body, in the same commit that acknowledges the one before (`done`: up to where). Where nothing is
	 * owed, the cursor moves to where the stream was read to, but only if it has to be written anyway.
	 */
	async #freezeNext(done: Position | undefined): Promise<boolean> {
		const {storage} = this.#context;
		const name = cursorName(this.server);
		const start = done ?? this.#from;
		this.#isDirty = false;
		const upto = storage.stream.head();
		const {owed, to} = await this.#readNext(start, upto);
		const isEmpty = owed.pdus.length === 0 && owed.edus.length === 0;
		const isMarked = this.#row !== undefined && this.#row.failure !== null;
		if (isEmpty && done === undefined && !isMarked) {
			this.#from = owed.to;
			return this.hasWork;
		}
		const batch = storage.batch();
		const acked = isEmpty ? owed.to : start;
		if (this.#row === undefined) storage.cursors.add(batch, name, acked);
		else storage.cursors.advance(batch, name, this.#row.acked, acked);
		storage.federation.removeOutgoingEdus(batch, this.server, acked);
		const inFlight = isEmpty ? null : {txnId: this.#createTxnId(to), to, body: this.#writeBody(owed)};
		if (inFlight !== null) storage.cursors.freeze(batch, name, acked, inFlight);
		await storage.commit(batch);
		this.#row = {name, acked, inFlight, failure: null};
		this.#from = acked;
		return true;
	}

	/** Reads what comes next, and up to where its delivery acknowledges. */
	async #readNext(start: Position, upto: Position): Promise<{owed: Owed; to: Position}> {
		if (this.#catchUp !== undefined) {
			const owed = await this.#catchUp.next(this.#itemsMax);
			const isDone = this.#catchUp.isDone;
			const to = isDone ? this.#catchUp.upto : start;
			if (isDone) this.#catchUp = undefined;
			if (owed.pdus.length > 0 || owed.edus.length > 0) return {owed, to};
			return this.#readNext(to, upto);
		}
		const limits = {pdusMax: this.#itemsMax, edusMax: this.#itemsMax === PDUS_MAX ? EDUS_MAX : this.#itemsMax};
		const owed = await readOwed(this.#context, this.server, {after: start, upto}, limits);
		// Nothing, but not the end: what was owed cannot be read back.
		if (owed.pdus.length === 0 && owed.edus.length === 0 && owed.to < upto) return this.#readNext(owed.to, upto);
		return {owed, to: owed.to};
	}

	/** A server that was away while a great deal happened is told the newest of each room first, and asks for the rest. */
	async #considerCatchUp(after: Position): Promise<void> {
		const range = {after, upto: this.#context.storage.stream.head()};
		const catchUp = await CatchUp.plan(this.#context, this.server, range);
		if (catchUp.owedCount > CATCH_UP_EVENTS) this.#catchUp = catchUp;
	}

	async #noteFailure(error: unknown): Promise<void> {
		const {storage, clock, random, onNotice} = this.#context;
		if (this.#failure === null) onNotice({kind: 'failing', server: this.server, error});
		this.#ephemeral.clear();
		if (error instanceof RemoteError && REFUSAL_STATUSES.has(error.status)) {
			this.#refusals++;
			if (this.#refusals >= REFUSALS_MAX) return this.#splitRefused(error);
		}
		const retryAfterMs = error instanceof RemoteError ? error.retryAfterMs : undefined;
		this.#failure = nextFailure(this.#failure, clock.now(), random, retryAfterMs);
		const batch = storage.batch();
		storage.cursors.setFailure(batch, cursorName(this.server), this.#failure);
		await storage.commit(batch);
		if (this.#row !== undefined) this.#row = {...this.#row, failure: this.#failure};
	}

	/** Makes a refused body anew with half as many items, or passes over the one item that it is. */
	async #splitRefused(error: unknown): Promise<void> {
		const inFlight = this.#row?.inFlight ?? null;
		if (inFlight === null || this.#row === undefined) return;
		this.#refusals = 0;
		this.#failure = null;
		this.#catchUp = undefined;
		const isSingle = this.#itemsMax === 1;
		if (isSingle) this.#context.onNotice({kind: 'item_dropped', server: this.server, error});
		this.#itemsMax = Math.max(1, this.#itemsMax >> 1);
		await this.#freezeNext(isSingle ? inFlight.to : this.#row.acked);
	}

	/** Sends EDUs that nothing else goes with. They are not frozen: lost ones are no loss. */
	async #sendEphemeral(): Promise<boolean> {
		if (this.#ephemeral.size === 0) return false;
		const body = this.#writeBody({pdus: [], edus: []});
		try {
			await this.#send(this.#createTxnId(this.#from), body);
		} catch (error) {
			// The next fact that must arrive finds out whether the server is down.
			if (!(error instanceof OutboundError)) throw error;
		}
		return true;
	}

	async #send(txnId: string, body: string): Promise<void> {
		const {client, signal, onNotice} = this.#context;
		const answer = await client.request({
			destination: this.server,
			method: 'PUT',
			path: path`/_matrix/federation/v1/send/${txnId}`,
			body,
			limits: {timeoutMs: TIMEOUT_MS, responseBytesMax: RESPONSE_BYTES_MAX},
			signal,
		});
		const count = countRefused(answer.body);
		if (count > 0) onNotice({kind: 'events_refused', server: this.server, count});
	}

	/** Writes a transaction; ephemeral EDUs go along as far as there is room. */
	#writeBody({pdus, edus}: Pick<Owed, 'pdus' | 'edus'>): string {
		const {serverName, clock, onNotice} = this.#context;
		const ephemeral = [...this.#ephemeral.values()].slice(0, EDUS_MAX - edus.length);
		this.#ephemeral.clear();
		return writeTransaction(serverName, clock.now(), pdus, [...edus, ...ephemeral], (error) =>
			onNotice({kind: 'item_dropped', server: this.server, error}),
		);
	}

	/** An id that no other body ever had. */
	#createTxnId(to: Position): string {
		return `${to}-${encodeBase64Url(this.#context.random.bytes(9))}`;
	}
}
