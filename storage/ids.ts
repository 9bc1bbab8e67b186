import type {CommittedBatch, Driver} from './driver.ts';
import {StorageError} from './errors.ts';
import type {Ids} from './storage.ts';

/** Ids in a block. */
const blockSize = 1000;
/** Below this many a block is fetched ahead of need. */
const lowMark = 1000;

/** Ids in blocks from the table `sequence`; what is left of a block when the process ends is never used. */
export class LeasedIds implements Ids {
	readonly #driver: Driver;
	/** The number of the statement that adds its parameter to the sequence and returns the new end. */
	readonly #lease: number;
	readonly #blocks: {next: number; readonly end: number}[] = [];
	#available = 0;
	#refill: Promise<void> | undefined;

	constructor(driver: Driver, lease: number) {
		this.#driver = driver;
		this.#lease = lease;
	}

	/** Whether so many can be taken at once. */
	has(count: number): boolean {
		return this.#available >= count;
	}

	async reserve(count: number): Promise<void> {
		while (this.#available < count) await this.#fill(Math.max(blockSize, count - this.#available));
	}

	next(): number {
		if (this.#available < lowMark && this.#refill === undefined) {
			// Who takes an id when there is none left gets the error; here there is nobody to tell.
			this.#fill(blockSize).catch(() => undefined);
		}
		const block = this.#blocks[0];
		if (block === undefined) throw new StorageError('unavailable', 'more ids were taken than reserved');
		this.#available--;
		const id = block.next++;
		if (block.next === block.end) this.#blocks.shift();
		return id;
	}

	#fill(count: number): Promise<void> {
		this.#refill ??= this.#fetch(count).finally(() => {
			this.#refill = undefined;
		});
		return this.#refill;
	}

	async #fetch(count: number): Promise<void> {
		const committed = await new Promise<CommittedBatch>((resolve, reject) => {
			const operation = {
				statement: this.#lease,
				params: [count],
				expect: -1,
				condition: undefined,
				wantsRows: true,
				positions: [],
			};
			this.#driver.submit({plain: [operation], positioned: [], changes: []}, (outcome) =>
				outcome instanceof Error ? reject(outcome) : resolve(outcome),
			);
		});
		const end = committed.rows[0]?.[0]?.[0] as number;
		this.#blocks.push({next: end - count, end});
		this.#available += count;
	}
}
