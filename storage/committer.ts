import {AnnouncedPosition, type Batch, type Change, type Operation} from './batch.ts';
import {freshId, NameValue} from './core.ts';
import type {CommittedBatch, Driver, EncodedBatch, EncodedOperation, MaybePromise, RawRow} from './driver.ts';
import {ConflictError, StorageError} from './errors.ts';
import type {LeasedIds} from './ids.ts';
import type {Names} from './names.ts';
import type {Delivery} from './stream.ts';
import {encodeText} from './text.ts';

/** How often a batch that lost the race to intern is encoded anew before its caller is told. */
const internAttemptsMax = 5;
/** Batches under way at once: beyond, the disk does not keep up and more waiting helps nobody. */
const pendingMax = 20_000;
/** Bytes that the `extra` of a change may take as JSON. */
const extraMax = 32_768;

interface Pending {
	readonly batch: Batch;
	readonly resolve: () => void;
	readonly reject: (error: Error) => void;
	attempts: number;
}

/** What is left to be done once the database has answered. */
interface Submitted {
	/** Interned texts whose rows the batch writes. */
	readonly interned: readonly (readonly [string, number])[];
	/** Who receives the rows of operations, in the order of running. */
	readonly receivers: readonly NonNullable<Operation['onRows']>[];
}

interface Encoded extends Submitted {
	readonly batch: EncodedBatch;
}

/** Encodes batches in the order they came, has them written, and tells of what they announced. */
export class Committer {
	readonly #driver: Driver;
	readonly #names: Names;
	readonly #ids: LeasedIds;
	readonly #delivery: Delivery;
	/** The number of the statement that writes an interned text. */
	readonly #intern: number;
	readonly #queue: Pending[] = [];
	#isEncoding = false;
	#isClosed = false;
	#underWay = 0;
	#onIdle: (() => void) | undefined;

	constructor(parts: {driver: Driver; names: Names; ids: LeasedIds; delivery: Delivery; intern: number}) {
		this.#driver = parts.driver;
		this.#names = parts.names;
		this.#ids = parts.ids;
		this.#delivery = parts.delivery;
		this.#intern = parts.intern;
	}

	commit(batch: Batch): Promise<void> {
		if (batch.isCommitted) return Promise.reject(new Error('a batch can be committed once'));
		if (batch.isEmpty) return Promise.resolve();
		batch.isCommitted = true;
		if (this.#isClosed) return Promise.reject(new StorageError('unavailable', 'the storage is closed'));
		if (this.#underWay >= pendingMax) {
			return Promise.reject(new StorageError('unavailable', 'too many batches wait for the disk'));
		}
		this.#underWay++;
		return new Promise((resolve, reject) => {
			this.#queue.push({
				batch,
				attempts: 0,
				resolve: () => {
					this.#end();
					resolve();
				},
				reject: (error) => {
					this.#end();
					reject(error);
				},
			});
			this.#pump();
		});
	}

	/** Takes no more batches, and waits until those under way are settled. */
	async close(): Promise<void> {
		this.#isClosed = true;
		if (this.#underWay === 0) return;
		await new Promise<void>((resolve) => {
			this.#onIdle = resolve;
		});
	}

	#end(): void {
		this.#underWay--;
		if (this.#underWay === 0) this.#onIdle?.();
	}

	/** Submits what waits, never out of order: a batch may be built on the one before. */
	#pump(): void {
		while (!this.#isEncoding) {
			const pending = this.#queue.shift();
			if (pending === undefined) return;
			const encoded = this.#tryEncode(pending.batch);
			if (encoded instanceof Error) {
				pending.reject(encoded);
			} else if (encoded instanceof Promise) {
				this.#isEncoding = true;
				void encoded.then(
					(ready) => this.#resume(pending, ready),
					(error: unknown) => this.#resume(pending, error as Error),
				);
			} else {
				this.#submit(pending, encoded);
			}
		}
	}

	#resume(pending: Pending, encoded: Encoded | Error): void {
		this.#isEncoding = false;
		if (encoded instanceof Error) pending.reject(encoded);
		else this.#submit(pending, encoded);
		this.#pump();
	}

	#submit(pending: Pending, {batch, interned, receivers}: Encoded): void {
		this.#driver.submit(batch, (outcome) => this.#settle(pending, {interned, receivers}, outcome));
		// Values are most of what a request holds while it waits for the disk, and whoever collects garbage copies them. Those
		// that may have to be encoded anew stay.
		if (interned.length === 0 && pending.batch.auditEntries.length === 0) pending.batch.operations.length = 0;
	}

	#settle(pending: Pending, submitted: Submitted, outcome: CommittedBatch | Error): void {
		if (outcome instanceof Error) {
			const isLostRace = outcome instanceof ConflictError && outcome.condition === 'intern';
			if (isLostRace) this.#names.forget(submitted.interned);
			if (isLostRace && pending.batch.interned.size === 0 && pending.attempts++ < internAttemptsMax) {
				this.#queue.unshift(pending);
				this.#pump();
			} else {
				pending.reject(outcome);
			}
			return;
		}
		try {
			this.#apply(pending, submitted, outcome);
		} catch (error) {
			// What the batch returned cannot be read back; it is written all the same.
			pending.reject(error as Error);
		}
	}

	#apply(pending: Pending, {interned, receivers}: Submitted, outcome: CommittedBatch): void {
		this.#names.confirm(interned);
		const {positions, changes} = pending.batch;
		for (const [index, position] of positions.entries()) position.settle(outcome.firstPos + index);
		for (const hook of pending.batch.afterCommit) hook();
		for (const [index, receive] of receivers.entries()) receive(outcome.rows[index]!);
		const committed = changes.map((change, index) => ({...change, pos: outcome.firstPos + index}));
		this.#delivery.deliver(committed, pending.resolve);
	}

	#tryEncode(batch: Batch): MaybePromise<Encoded> | Error {
		try {
			return this.#encode(batch);
		} catch (error) {
			return error as Error;
		}
	}

	#encode(batch: Batch): MaybePromise<Encoded> {
		const texts = new Set<string>(batch.interned.keys());
		let freshIds = 0;
		for (const {params} of batch.operations) {
			for (const param of params) {
				if (param instanceof NameValue) texts.add(param.text);
				else if (param === freshId) freshIds++;
			}
		}
		for (const {roomId} of batch.changes) if (roomId !== undefined) texts.add(roomId);
		const found = texts.size === 0 ? new Map<string, number>() : this.#names.findIds([...texts]);
		if (!(found instanceof Promise) && this.#ids.has(freshIds + texts.size - found.size)) {
			return this.#encodeWith(batch, this.#complete(batch, texts, found));
		}
		return this.#encodeLater(batch, texts, found, freshIds);
	}

	async #encodeLater(
		batch: Batch,
		texts: ReadonlySet<string>,
		asked: MaybePromise<Map<string, number>>,
		freshIds: number,
	): Promise<Encoded> {
		const found = await asked;
		const needed = freshIds + texts.size - found.size;
		while (!this.#ids.has(needed)) await this.#ids.reserve(needed);
		return this.#encodeWith(batch, this.#complete(batch, texts, found));
	}

	#complete(batch: Batch, texts: ReadonlySet<string>, ids: Map<string, number>): Map<string, number> {
		for (const text of texts) if (!ids.has(text)) ids.set(text, this.#names.reserve(text));
		// Ids that stand in trie nodes already must be the ones that the database has or will have.
		for (const [text, id] of batch.interned) if (ids.get(text) !== id) throw new ConflictError('intern');
		return ids;
	}

	#encodeWith(batch: Batch, ids: ReadonlyMap<string, number>): Encoded {
		// In one order everywhere, so that two processes that intern the same texts cannot wait for each other.
		const interned = [...ids].filter(([text]) => this.#names.isPending(text)).toSorted(([a], [b]) => (a < b ? -1 : 1));
		const plain: EncodedOperation[] = interned.map(([text, id]) => ({
			statement: this.#intern,
			params: [id, encodeText(text)],
			expect: -1,
			condition: 'intern',
			wantsRows: false,
			positions: [],
		}));
		const positioned: EncodedOperation[] = [];
		for (const operation of batch.operations) {
			(operation.isLate ? positioned : plain).push(this.#encodeOperation(operation, ids));
		}
		const changes = batch.changes.map((change) => this.#encodeChange(change, ids));
		const receivers = [false, true].flatMap((isLate) =>
			batch.operations.flatMap((it) => (it.onRows !== undefined && it.isLate === isLate ? [it.onRows] : [])),
		);
		return {batch: {plain, positioned, changes}, interned, receivers};
	}

	#encodeOperation(operation: Operation, ids: ReadonlyMap<string, number>): EncodedOperation {
		const positions: number[] = [];
		const params = operation.params.map((param, index) => {
			if (param instanceof NameValue) return ids.get(param.text)!;
			if (param === freshId) return this.#ids.next();
			if (!(param instanceof AnnouncedPosition)) return param;
			positions.push(index, param.index);
			return 0;
		});
		return {
			statement: operation.statement,
			params,
			rows: operation.rows,
			expect: operation.expect?.changes ?? -1,
			condition: operation.expect?.condition,
			wantsRows: operation.onRows !== undefined,
			positions,
		};
	}

	#encodeChange(change: Change, ids: ReadonlyMap<string, number>): RawRow {
		const {kind, roomId, subject, ref, relay, extra} = change;
		const json = extra === undefined ? null : JSON.stringify(extra);
		if (json !== null && json.length > extraMax)
			throw new StorageError('invalid_text', 'extra of a change is too long');
		return [
			kind,
			roomId === undefined ? null : ids.get(roomId)!,
			subject === undefined ? null : encodeText(subject),
			ref ?? null,
			relay === true ? 1 : 0,
			json,
		];
	}
}
