import {once} from 'node:events';
import {Worker} from 'node:worker_threads';
import type {Database, Statement} from 'better-sqlite3';
import type {Catalog} from '../catalog.ts';
import {type CommittedBatch, createSignal, type EncodedBatch, type RawRow} from '../driver.ts';
import type {StartableDriver} from '../assemble.ts';
import {type Condition, ConflictError, DuplicateError, StorageError} from '../errors.ts';
import {failureOf} from './failure.ts';
import {type Failure, flatten, type Reply, type Request, type Result} from './protocol.ts';
import type {WriterData} from './writer-thread.ts';

/** How often other processes' commits are looked for. */
const pollMs = 1000;

/** What the writer makes is garbage with the next group, and small; V8 would let it grow to 48 MiB. */
const writerYoungMebibytes = 12;

/** Pages that are given back at once: of 4 KiB each, which takes some milliseconds. */
const reclaimPages = 250;

type Settle = (outcome: CommittedBatch | Error) => void;

/** Of the operations of a batch, what is lost where one fails, in the order of running. */
type Conditions = readonly (Condition | undefined)[];

interface Waiting {
	/** All that is kept of the batch: the rest is the writer's. */
	readonly conditions: Conditions;
	readonly settle: Settle;
}

/** Gives what is kept of a batch until it is answered. */
export function conditionsOf({plain, positioned}: EncodedBatch): Conditions {
	return [...plain, ...positioned].map(({condition}) => condition);
}

/** Gives the error that the caller of a batch gets for what the writer says of it. */
export function errorOf(failure: Failure, conditions: Conditions): StorageError {
	if (failure.code === 'conflict') return new ConflictError(conditions[failure.operation] ?? 'intern');
	if (failure.code !== 'duplicate') return new StorageError(failure.code, failure.message);
	return failure.table === 'strings' ? new ConflictError('intern') : new DuplicateError(failure.table ?? '');
}

/** SQLite: reads are synchronous on the main thread's connection, writes go to the writer thread. */
export class SqliteDriver implements StartableDriver {
	readonly #db: Database;
	readonly #catalog: Catalog;
	readonly #path: string;
	#worker: Worker | undefined;
	readonly #reads: (Statement | undefined)[] = [];
	readonly #readHead: Statement<[], number>;
	readonly #waiting = new Map<number, Waiting>();
	#outbox: unknown[] = [];
	#isFlushing = false;
	#sequence = 0;
	#commits = 0;
	#batches = 0;
	#walBytes = 0;
	#freeBytes = 0;
	/** Who waits for pages to be given back, in the order of asking. */
	#reclaims: (() => void)[] = [];
	#broken: Error | undefined;
	#poll: NodeJS.Timeout | undefined;
	#settled: {readonly promise: Promise<void>; readonly resolve: () => void} | undefined;
	readonly isSynchronous = true;

	constructor(db: Database, path: string, catalog: Catalog) {
		this.#db = db;
		this.#catalog = catalog;
		this.#readHead = db.prepare<[], number>('select pos from stream_head where id = 1').pluck();
		this.#path = path;
	}

	async start(): Promise<void> {
		const data: WriterData = {path: this.#path, statements: this.#catalog.statements.map(({sql}) => sql)};
		const worker = new Worker(new URL('./writer-thread.js', import.meta.url), {
			workerData: data,
			resourceLimits: {maxYoungGenerationSizeMb: writerYoungMebibytes},
		});
		worker.on('message', (reply: Reply) => this.#settle(reply));
		worker.on('error', (error) => this.#fail(error));
		worker.on('exit', () => this.#fail(new Error('the writer thread has ended')));
		await once(worker, 'online');
		worker.unref();
		this.#worker = worker;
	}

	read(statement: number, params: readonly unknown[]): readonly RawRow[] {
		if (!this.#db.open) throw new StorageError('unavailable', 'the storage is closed');
		try {
			return this.#prepare(statement).all(params) as RawRow[];
		} catch (error) {
			const failure = failureOf(error);
			throw new StorageError(failure.code, failure.message, {cause: error});
		}
	}

	readHead(): number {
		return this.#readHead.get() ?? 0;
	}

	submit(batch: EncodedBatch, settle: Settle): void {
		if (this.#broken !== undefined) {
			settle(new StorageError('unavailable', 'the writer is not running', {cause: this.#broken}));
			return;
		}
		const sequence = this.#sequence++;
		// The process lives as long as a batch is under way.
		if (this.#waiting.size === 0) this.#worker?.ref();
		this.#waiting.set(sequence, {conditions: conditionsOf(batch), settle});
		flatten(this.#outbox, sequence, batch);
		this.#scheduleFlush();
	}

	/** Another process on the same file is the command line: it is noticed soon enough by looking. */
	onWake(listener: () => void): void {
		this.#poll = setInterval(listener, pollMs).unref();
	}

	whenSettled(): Promise<void> | undefined {
		if (this.#waiting.size === 0) return undefined;
		this.#settled ??= createSignal();
		return this.#settled.promise;
	}

	figures() {
		return {
			commits: this.#commits,
			batches: this.#batches,
			queued: this.#waiting.size,
			walBytes: this.#walBytes,
			freeBytes: this.#freeBytes,
		};
	}

	async reclaim(): Promise<number> {
		if (this.#broken !== undefined) throw new StorageError('unavailable', 'the writer is not running');
		await new Promise<void>((resolve) => {
			this.#reclaims.push(resolve);
			this.#post({reclaim: reclaimPages});
		});
		return this.#freeBytes;
	}

	async close(): Promise<void> {
		clearInterval(this.#poll);
		this.#flush();
		if (this.#broken === undefined && this.#worker !== undefined) {
			const exit = once(this.#worker, 'exit');
			this.#worker.ref();
			this.#post('close');
			await exit;
		}
		this.#broken ??= new Error('the storage is closed');
		this.#db.close();
	}

	/** One message for all batches of a turn: at once where the writer idles, else when the turn is over. */
	#scheduleFlush(): void {
		if (this.#isFlushing) return;
		this.#isFlushing = true;
		if (this.#waiting.size === 1) queueMicrotask(() => this.#flush());
		else setImmediate(() => this.#flush());
	}

	#flush(): void {
		this.#isFlushing = false;
		if (this.#outbox.length === 0 || this.#broken !== undefined) return;
		this.#post(this.#outbox);
		this.#outbox = [];
	}

	#post(request: Request): void {
		// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a worker, not a window
		this.#worker?.postMessage(request);
	}

	#settle({results, walBytes, freeBytes, isReclaimed}: Reply): void {
		this.#walBytes = walBytes;
		this.#freeBytes = freeBytes;
		if (isReclaimed) {
			this.#reclaims.shift()?.();
			return;
		}
		this.#commits++;
		this.#batches += results.length;
		for (const result of results) this.#settleOne(result);
		if (this.#waiting.size === 0) this.#worker?.unref();
		this.#signal();
	}

	#signal(): void {
		this.#settled?.resolve();
		this.#settled = undefined;
	}

	#settleOne({sequence, firstPos, rows, failure}: Result): void {
		const waiting = this.#waiting.get(sequence);
		if (waiting === undefined) return;
		this.#waiting.delete(sequence);
		waiting.settle(failure === undefined ? {firstPos, rows: rows ?? []} : errorOf(failure, waiting.conditions));
	}

	/** The thread died: what was under way may or may not be on disk. */
	#fail(error: Error): void {
		if (this.#broken !== undefined) return;
		this.#broken = error;
		const waiting = [...this.#waiting.values()];
		this.#waiting.clear();
		for (const {settle} of waiting) settle(new StorageError('outcome_unknown', 'the writer died', {cause: error}));
		for (const resolve of this.#reclaims.splice(0)) resolve();
		this.#signal();
	}

	#prepare(statement: number): Statement {
		const known = this.#reads[statement];
		if (known !== undefined) return known;
		const prepared = this.#db.prepare(this.#catalog.statements[statement]!.sql).raw();
		this.#reads[statement] = prepared;
		return prepared;
	}
}
