import {type ServerName, sha256Base64Url} from '../../crypto/index.ts';
import {
	type CursorFailure,
	type CursorRow,
	type InFlight,
	type Position,
	type Storage,
	StorageError,
} from '../../storage/index.ts';
import type {Clock, Random, Timer} from '../engine/index.ts';
import {nextFailure, SERVER_PACE, timeUntilRetry} from './backoff.ts';
import {CatchUp, CATCH_UP_EVENTS} from './catch-up.ts';
import {type FederationClient, path} from './client.ts';
import {DestinationRow} from './destination-row.ts';
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
	/** Gives the highest mark that is on disk, or may be by now: what lies after it is found again after a crash. */
	readonly highestMark: () => Position;
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
/** A body that is on its way for so long is written down, so that one slow server does not hold back the sender's mark. */
const SLOW_MS = 5000;
/** 132 bits: no two bodies have one id by chance, and nobody gains by making two that have. */
const TXN_ID_CHARACTERS = 22;

/**
 * Tells one server what it is owed, one transaction after the other. A body is kept, and sent byte for byte until it is
 * taken. It is kept in memory, which costs no write, where the sender's mark lies before it: after a crash it is made
 * anew from the stream. It is written into the server's row when it fails, is slow or is left behind by the end of the
 * program, and before its first attempt where the mark lies after it, because then nothing but the row knows of it.
 */
export class Destination {
	readonly server: ServerName;
	readonly #context: DestinationContext;
	readonly #row: DestinationRow;
	#isLoaded = true;
	/** The body that is not taken yet. */
	#inFlight: InFlight | null = null;
	/** Whether EDUs that wait in the database were sent and are not removed yet. */
	#hasWaited = false;
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
		this.#row = new DestinationRow(context.storage, server, row);
		if (row !== undefined) this.#adopt(row);
	}

	/** Up to where this server certainly has been told everything; `undefined` while its row in the database says more. */
	get unmarkedFrom(): Position | undefined {
		return this.#row.isWritten ? undefined : this.#from;
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

	/** Says that the server is there: it has just sent us something, or answered. */
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
				this.#hasWaited = true;
				const isStore = error instanceof StorageError;
				this.#context.onNotice({kind: isStore ? 'store_failed' : 'broken', server: this.server, error});
				await this.#sleep(isStore ? STORE_RETRY_MS : BROKEN_RETRY_MS);
			}
		}
	}

	/** Reads anew what is on disk after something went wrong. Without a row there, the body in memory goes on. */
	async #load(): Promise<void> {
		const row = await this.#row.load();
		// What a plan had given out may be lost; what is owed is read anew.
		this.#catchUp = undefined;
		if (row !== undefined) this.#adopt(row);
		this.#isLoaded = true;
	}

	#adopt({acked, inFlight, failure}: CursorRow): void {
		this.#from = acked;
		this.#inFlight = inFlight;
		this.#failure = failure;
		this.#hasWaited = true;
	}

	/** Waits until a retry is due; true if there was something to wait for. */
	async #waitForRetry(failure: CursorFailure): Promise<boolean> {
		const delayMs = timeUntilRetry(failure, this.#context.clock.now(), SERVER_PACE);
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
			// A body is made and sent in one turn: those who wait for a place hold none.
			if (this.#inFlight === null && (this.#isDirty || this.isFailing)) await this.#makeNext();
			if (this.#inFlight === null) return await this.#sendEphemeral();
			await this.#deliver(this.#inFlight);
			return true;
		} finally {
			leave();
		}
	}

	/** Sends the body, and moves on or notes the failure. */
	async #deliver(inFlight: InFlight): Promise<void> {
		try {
			await this.#sendOrWrite(inFlight);
		} catch (error) {
			// What was taken or not is not known; the next start finds out, with the same bytes.
			if (this.#context.signal.aborted) await this.#writeDown(inFlight);
			else await this.#noteFailure(inFlight, error);
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
		this.#passTo(inFlight.to);
	}

	/** Lets the next turn make a body of what comes after a position; a row says until then what it said. */
	#passTo(position: Position): void {
		this.#inFlight = null;
		this.#from = position;
		this.#isDirty = true;
	}

	/** Sends the body; where that takes long, it is written down meanwhile. */
	async #sendOrWrite(inFlight: InFlight): Promise<void> {
		const {clock, onNotice} = this.#context;
		let writing: Promise<void> | undefined;
		const slow = clock.setTimer(SLOW_MS, () => {
			writing = this.#writeDown(inFlight).catch((error: unknown) =>
				onNotice({kind: error instanceof StorageError ? 'store_failed' : 'broken', server: this.server, error}),
			);
		});
		try {
			await this.#send(inFlight.txnId, inFlight.body);
		} finally {
			slow.cancel();
			await writing;
		}
	}

	/** Writes a body into the row, if it is not there. */
	async #writeDown(inFlight: InFlight): Promise<void> {
		if (this.#row.holds(inFlight)) return;
		await this.#row.write({acked: this.#from, inFlight, failure: this.#failure, hasWaited: false});
	}

	/**
	 * Makes the next body, if anything is owed after what was told. How far that goes is only written where the row says
	 * otherwise, and the body only where nothing else would find it again.
	 */
	async #makeNext(): Promise<void> {
		const {storage} = this.#context;
		this.#isDirty = false;
		const isCatchingUp = this.#catchUp !== undefined;
		const {owed, to} = await this.#readNext(this.#from, storage.stream.head());
		const isEmpty = owed.pdus.length === 0 && owed.edus.length === 0;
		const acked = isEmpty ? owed.to : this.#from;
		if (isEmpty) this.#failure = null;
		const hasWaited = this.#hasWaited;
		const inFlight = isEmpty ? null : this.#freeze(owed, to);
		this.#inFlight = inFlight;
		this.#from = acked;
		this.#hasWaited = owed.hasWaiting || isCatchingUp;
		// The mark is asked for in the same turn in which the row stops to count.
		if (inFlight !== null && this.#row.isWritten && acked < this.#context.highestMark())
			await this.#row.write({acked, inFlight, failure: null, hasWaited});
		else await this.#row.remove({acked, hasWaited});
	}

	#freeze(owed: Owed, to: Position): InFlight {
		const body = this.#writeBody(owed);
		return {txnId: createTxnId(body), to, body};
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

	async #noteFailure(inFlight: InFlight, error: unknown): Promise<void> {
		const {clock, random, onNotice} = this.#context;
		if (this.#failure === null) onNotice({kind: 'failing', server: this.server, error});
		this.#ephemeral.clear();
		if (error instanceof RemoteError && REFUSAL_STATUSES.has(error.status)) {
			this.#refusals++;
			if (this.#refusals >= REFUSALS_MAX) return this.#splitRefused(inFlight, error);
		}
		const retryAfterMs = error instanceof RemoteError ? error.retryAfterMs : undefined;
		this.#failure = nextFailure(this.#failure, clock.now(), SERVER_PACE, random, retryAfterMs);
		if (this.#row.holds(inFlight)) await this.#row.setFailure(this.#failure);
		else await this.#writeDown(inFlight);
	}

	/** Has a refused body made anew with half as many items, or passes over the one item that it is. */
	#splitRefused(inFlight: InFlight, error: unknown): void {
		this.#refusals = 0;
		this.#failure = null;
		this.#catchUp = undefined;
		const isSingle = this.#itemsMax === 1;
		if (isSingle) this.#context.onNotice({kind: 'item_dropped', server: this.server, error});
		this.#itemsMax = Math.max(1, this.#itemsMax >> 1);
		this.#passTo(isSingle ? inFlight.to : this.#from);
	}

	/** Sends EDUs that nothing else goes with. They are not frozen: lost ones are no loss. */
	async #sendEphemeral(): Promise<boolean> {
		if (this.#ephemeral.size === 0) return false;
		const body = this.#writeBody({pdus: [], edus: [], newestTs: undefined});
		try {
			await this.#send(createTxnId(body), body);
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

	/**
	 * Writes a transaction; ephemeral EDUs go along as far as there is room. Its time is that of its newest event: so the
	 * same events are the same bytes when they are read again after a crash.
	 */
	#writeBody({pdus, edus, newestTs}: Pick<Owed, 'pdus' | 'edus' | 'newestTs'>): string {
		const {serverName, clock, onNotice} = this.#context;
		const ephemeral = [...this.#ephemeral.values()].slice(0, EDUS_MAX - edus.length);
		this.#ephemeral.clear();
		return writeTransaction(serverName, newestTs ?? clock.now(), pdus, [...edus, ...ephemeral], (error) =>
			onNotice({kind: 'item_dropped', server: this.server, error}),
		);
	}
}

/** Gives the id that this body has and no other: a receiver answers an id that it knows from memory. */
function createTxnId(body: string): string {
	return sha256Base64Url(body).slice(0, TXN_ID_CHARACTERS);
}
