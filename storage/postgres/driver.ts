import {randomUUID} from 'node:crypto';
import type {Client, Pool} from 'pg';
import type {StartableDriver} from '../assemble.ts';
import type {Position} from '../batch.ts';
import type {Catalog} from '../catalog.ts';
import type {CommittedBatch, EncodedBatch, RawRow} from '../driver.ts';
import {connect, createPool} from './connect.ts';
import {errorOf} from './failure.ts';
import {GroupWriter} from './writer.ts';

/** How long after the listening connection was lost a new one is tried. */
const relistenMs = 2000;
/** How often other processes' commits are looked for without a notification: it makes wake-ups early, no more. */
const pollMs = 5000;
const channel = 'broadsheet_stream';

/** PostgreSQL: reads go through a pool, writes through one connection, wake-ups come by NOTIFY. */
export class PostgresDriver implements StartableDriver {
	readonly #url: string;
	readonly catalog: Catalog;
	readonly #pool: Pool;
	readonly #writer: GroupWriter;
	readonly #onProblem: (problem: Error) => void;
	/** Tells our own notifications from others'. */
	readonly #instance = randomUUID();
	readonly #wakes: (() => void)[] = [];
	#listener: Client | undefined;
	#poll: NodeJS.Timeout | undefined;
	#relisten: NodeJS.Timeout | undefined;
	#isNotifying = false;
	#mustNotify = false;
	#isClosed = false;
	readonly isSynchronous = false;

	constructor(url: string, catalog: Catalog, onProblem: (problem: Error) => void) {
		this.#url = url;
		this.catalog = catalog;
		this.#onProblem = onProblem;
		this.#pool = createPool(url, onProblem);
		this.#writer = new GroupWriter(
			catalog,
			() => connect(url, {pipeline: true}),
			(hasChanges) => {
				if (!hasChanges) return;
				this.#mustNotify = true;
				void this.#notify();
			},
		);
	}

	async start(): Promise<void> {
		await this.#listen();
		this.#poll = setInterval(() => this.#wake(), pollMs).unref();
	}

	async read(statement: number, params: readonly unknown[]): Promise<readonly RawRow[]> {
		const text = this.catalog.statements[statement]!.sql;
		try {
			const query = {name: `s${statement}`, text, values: params as unknown[], rowMode: 'array' as const};
			return (await this.#pool.query<unknown[]>(query)).rows;
		} catch (error) {
			throw errorOf(error);
		}
	}

	async readHead(): Promise<Position> {
		try {
			const query = {name: 'read_head', text: 'select pos from stream_head where id = 1', rowMode: 'array' as const};
			return (await this.#pool.query<number[]>(query)).rows[0]?.[0] ?? 0;
		} catch (error) {
			throw errorOf(error);
		}
	}

	submit(batch: EncodedBatch, settle: (outcome: CommittedBatch | Error) => void): void {
		this.#writer.submit({batch, settle});
	}

	whenSettled(): Promise<void> | undefined {
		return this.#writer.whenSettled();
	}

	onWake(listener: () => void): void {
		this.#wakes.push(listener);
	}

	figures() {
		const {commits, batches, queued} = this.#writer;
		return {commits, batches, queued, walBytes: 0, freeBytes: 0};
	}

	/** Its own autovacuum does that. */
	reclaim(): Promise<number> {
		return Promise.resolve(0);
	}

	async close(): Promise<void> {
		if (this.#isClosed) return;
		this.#isClosed = true;
		clearInterval(this.#poll);
		clearTimeout(this.#relisten);
		await this.#writer.close();
		await this.#listener?.end().catch(() => undefined);
		await this.#pool.end();
	}

	#wake(): void {
		for (const wake of this.#wakes) wake();
	}

	/** Tells other processes, outside the transaction: NOTIFY inside it would make all commits take turns. */
	async #notify(): Promise<void> {
		if (this.#isNotifying) return;
		this.#isNotifying = true;
		while (this.#mustNotify) {
			this.#mustNotify = false;
			try {
				await this.#pool.query({name: 'notify', text: 'select pg_notify($1, $2)', values: [channel, this.#instance]});
			} catch {
				// They look for themselves before long.
			}
		}
		this.#isNotifying = false;
	}

	async #listen(): Promise<void> {
		const client = await connect(this.#url, {pipeline: false});
		client.on('notification', ({payload}) => {
			if (payload !== this.#instance) this.#wake();
		});
		client.once('end', () => this.#listenLater());
		await client.query(`listen ${channel}`);
		this.#listener = client;
	}

	#listenLater(): void {
		if (this.#isClosed) return;
		this.#relisten = setTimeout(() => {
			this.#listen().then(
				() => this.#wake(),
				(error: unknown) => {
					this.#onProblem(errorOf(error));
					this.#listenLater();
				},
			);
		}, relistenMs).unref();
	}
}
