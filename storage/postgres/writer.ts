import type {Client} from 'pg';
import type {Catalog} from '../catalog.ts';
import {type CommittedBatch, createSignal, type EncodedBatch, type EncodedOperation, type RawRow} from '../driver.ts';
import {ConflictError, StorageError} from '../errors.ts';
import {errorOf, isRetriable, isServerError} from './failure.ts';

/** Batches in one transaction. */
const groupMax = 200;
/** How often a transaction that was the victim of another one is run again. */
const attemptsMax = 10;

type Settle = (outcome: CommittedBatch | Error) => void;

/** A batch and who waits for it. */
export interface Queued {
	readonly batch: EncodedBatch;
	readonly settle: Settle;
}

interface Answer {
	readonly rows: readonly RawRow[];
	readonly rowCount: number | null;
}

const lockHead = 'update stream_head set pos = pos + $1 where id = 1 returning pos';
const insertChanges = `insert into stream (pos, kind, room_id, subject, ref, relay, extra)
	select * from unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::smallint[], $7::text[])`;

/** What every statement after the first failed one is answered with. */
const transactionAborted = '25P02';

/** Waits for all, so that nothing of a failed pipeline is still under way; throws what went wrong first. */
async function settleAll<T>(promises: readonly Promise<T>[]): Promise<T[]> {
	const values: T[] = [];
	const failures: unknown[] = [];
	for (const result of await Promise.allSettled(promises)) {
		if (result.status === 'fulfilled') values.push(result.value);
		else failures.push(result.reason);
	}
	if (failures.length === 0) return values;
	throw failures.find((failure) => (failure as {code?: string}).code !== transactionAborted) ?? failures[0];
}

/**
 * Writes batches in groups over one connection: one transaction for each group. PostgreSQL aborts a transaction at its
 * first error and savepoints cost a round trip, so a group that fails is run again batch by batch.
 */
export class GroupWriter {
	readonly #catalog: Catalog;
	readonly #connect: () => Promise<Client>;
	readonly #queue: Queued[] = [];
	readonly #onCommit: (hasChanges: boolean) => void;
	#client: Client | undefined;
	#running: Promise<void> | undefined;
	#settled: ReturnType<typeof createSignal> | undefined;
	commits = 0;
	batches = 0;

	constructor(catalog: Catalog, connect: () => Promise<Client>, onCommit: (hasChanges: boolean) => void) {
		this.#catalog = catalog;
		this.#connect = connect;
		this.#onCommit = onCommit;
	}

	whenSettled(): Promise<void> | undefined {
		if (this.#running === undefined) return undefined;
		this.#settled ??= createSignal();
		return this.#settled.promise;
	}

	get queued(): number {
		return this.#queue.length;
	}

	submit(queued: Queued): void {
		this.#queue.push(queued);
		this.#running ??= this.#run();
	}

	async close(): Promise<void> {
		await this.#running;
		await this.#client?.end();
	}

	async #run(): Promise<void> {
		// Batches of this turn of the event loop go together.
		await new Promise<void>((resolve) => {
			setImmediate(resolve);
		});
		while (this.#queue.length > 0) {
			await this.#write(this.#queue.splice(0, groupMax));
			this.#settled?.resolve();
			this.#settled = undefined;
		}
		// In the same turn as the look at the queue: a batch that comes later must start a new run.
		this.#running = undefined;
	}

	async #write(group: readonly Queued[]): Promise<void> {
		let committed: CommittedBatch[];
		try {
			committed = await this.#attempt(group);
		} catch (error) {
			const failure = error as Error;
			const isCommonFate = failure instanceof StorageError && ['unavailable', 'outcome_unknown'].includes(failure.code);
			if (group.length === 1 || isCommonFate) for (const {settle} of group) settle(failure);
			else for (const queued of group) await this.#write([queued]);
			return;
		}
		this.commits++;
		this.batches += group.length;
		this.#onCommit(group.some(({batch}) => batch.changes.length > 0));
		for (const [index, {settle}] of group.entries()) settle(committed[index]!);
	}

	/** Runs a transaction, again where it fell victim to another one. @throws StorageError */
	async #attempt(group: readonly Queued[]): Promise<CommittedBatch[]> {
		for (let attempt = 1; ; attempt++) {
			try {
				return await this.#transact(group);
			} catch (error) {
				if (!isRetriable(error) || attempt >= attemptsMax) throw errorOf(error);
			}
		}
	}

	async #transact(group: readonly Queued[]): Promise<CommittedBatch[]> {
		const client = await this.#open();
		let committed: CommittedBatch[];
		try {
			committed = await this.#runGroup(client, group);
		} catch (error) {
			await this.#rollback(client, error);
			throw error;
		}
		try {
			const {command} = await client.query('commit');
			if (command !== 'COMMIT') throw new StorageError('refused', `COMMIT was answered with ${command}`);
			return committed;
		} catch (error) {
			if (error instanceof StorageError || isServerError(error)) throw error;
			this.#drop(client);
			throw new StorageError('outcome_unknown', 'the connection was lost while a transaction was committed', {
				cause: error,
			});
		}
	}

	async #runGroup(client: Client, group: readonly Queued[]): Promise<CommittedBatch[]> {
		const changeCount = group.reduce((sum, {batch}) => sum + batch.changes.length, 0);
		const started = client.query('begin');
		const plain = group.map(({batch}) => batch.plain.map((operation) => this.#send(client, operation)));
		// The row of the head is locked last: from here to the commit other processes wait.
		const head = changeCount === 0 ? undefined : this.#query(client, 'head', lockHead, [changeCount]);
		const [plainAnswers, headAnswer] = await this.#collect(group, plain, 'plain', [started, head]);
		let pos = changeCount === 0 ? 0 : (headAnswer?.rows[0]?.[0] as number) - changeCount;
		const firsts: number[] = [];
		for (const {batch} of group) {
			firsts.push(pos + 1);
			pos += batch.changes.length;
		}
		const positioned = group.map(({batch}, index) =>
			batch.positioned.map((operation) => this.#send(client, operation, firsts[index])),
		);
		const stream = changeCount === 0 ? undefined : this.#announce(client, group, firsts);
		const [positionedAnswers] = await this.#collect(group, positioned, 'positioned', [stream]);
		return group.map(({batch}, index) => {
			const rows: (readonly RawRow[])[] = [];
			for (const [at, operation] of batch.plain.entries()) {
				if (operation.wantsRows) rows.push(plainAnswers[index]![at]!.rows);
			}
			for (const [at, operation] of batch.positioned.entries()) {
				if (operation.wantsRows) rows.push(positionedAnswers[index]![at]!.rows);
			}
			return {firstPos: firsts[index]!, rows};
		});
	}

	/** Waits for a phase, and checks what its operations expect. The last of `others` is given back. */
	async #collect(
		group: readonly Queued[],
		sent: readonly (readonly Promise<Answer>[])[],
		phase: 'plain' | 'positioned',
		others: readonly (Promise<unknown> | undefined)[],
	): Promise<[Answer[][], Answer | undefined]> {
		const rest = others.map((other) => other ?? Promise.resolve(undefined));
		const all = await settleAll([...rest, ...sent.flat()]);
		const answers = all.slice(rest.length) as Answer[];
		let at = 0;
		const byBatch = group.map(({batch}) =>
			batch[phase].map((operation) => {
				const answer = answers[at++]!;
				if (operation.expect >= 0 && answer.rowCount !== operation.expect) {
					throw new ConflictError(operation.condition ?? 'intern');
				}
				return answer;
			}),
		);
		return [byBatch, all[rest.length - 1] as Answer | undefined];
	}

	#announce(client: Client, group: readonly Queued[], firsts: readonly number[]): Promise<Answer> {
		const columns: unknown[][] = [[], [], [], [], [], [], []];
		for (const [index, {batch}] of group.entries()) {
			for (const [offset, change] of batch.changes.entries()) {
				columns[0]!.push(firsts[index]! + offset);
				for (const [column, value] of change.entries()) columns[column + 1]!.push(value);
			}
		}
		return this.#query(client, 'stream', insertChanges, columns);
	}

	#send(client: Client, operation: EncodedOperation, first = 0): Promise<Answer> {
		const {params, positions, rows} = operation;
		const values = positions.length === 0 ? params : [...params];
		for (let at = 0; at < positions.length; at += 2) values[positions[at]!] = first + positions[at + 1]!;
		const name = `s${operation.statement}`;
		const {sql} = this.#catalog.statements[operation.statement]!;
		return rows === undefined
			? this.#query(client, name, sql, values)
			: this.#sendEach(client, {name, sql}, values, rows);
	}

	async #sendEach(
		client: Client,
		{name, sql}: {readonly name: string; readonly sql: string},
		values: readonly unknown[],
		rows: readonly (readonly unknown[])[],
	): Promise<Answer> {
		const answers = await settleAll(rows.map((row) => this.#query(client, name, sql, [...values, ...row])));
		return {rows: [], rowCount: answers.reduce((sum, answer) => sum + (answer.rowCount ?? 0), 0)};
	}

	#query(client: Client, name: string, text: string, values: unknown[]): Promise<Answer> {
		return client.query({name, text, values, rowMode: 'array'});
	}

	async #open(): Promise<Client> {
		if (this.#client !== undefined) return this.#client;
		const client = await this.#connect();
		client.once('end', () => this.#drop(client));
		this.#client = client;
		return client;
	}

	async #rollback(client: Client, cause: unknown): Promise<void> {
		const isAlive = cause instanceof ConflictError || isServerError(cause);
		if (!isAlive) {
			this.#drop(client);
			return;
		}
		try {
			await client.query('rollback');
		} catch {
			this.#drop(client);
		}
	}

	#drop(client: Client): void {
		if (this.#client === client) this.#client = undefined;
		client.end().catch(() => undefined);
	}
}
