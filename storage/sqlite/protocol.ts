import type {EncodedBatch, EncodedOperation, RawRow} from '../driver.ts';
import type {StorageErrorCode} from '../errors.ts';

/*
 * What the main thread and the writer thread say to each other. A batch travels as a run of values in one flat array,
 * for structured clone costs by the object:
 *   sequence, plain count, positioned count, change count, then for each operation
 *   statement, expected changes, wants rows, 2 × position count, positions…, parameter count, parameters…,
 *   row count (−1: it runs once without one), values of a row, values…
 *   and for each change its six columns.
 */

/** Columns of the table `stream` beside the position. */
const changeWidth = 6;

/** Why a batch was not written, as the writer saw it. */
export interface Failure {
	readonly code: StorageErrorCode;
	readonly message: string;
	/** Which operation, in the order of running; −1: none. */
	readonly operation: number;
	/** For a duplicate: the table. */
	readonly table?: string;
}

/** What became of one batch. */
export interface Result {
	readonly sequence: number;
	readonly firstPos: number;
	readonly rows?: readonly (readonly RawRow[])[];
	readonly failure?: Failure;
}

/** What the writer answers to the batches of a group. */
export interface Reply {
	readonly results: readonly Result[];
	readonly walBytes: number;
	/** Bytes of pages that hold nothing. */
	readonly freeBytes: number;
	/** Whether this answers a request to give pages back. */
	readonly isReclaimed?: true;
}

/** What the writer is asked: a flat array of batches, to give so many free pages back to the file system, or to finish. */
export type Request = readonly unknown[] | {readonly reclaim: number} | 'close';

function flattenOperation(flat: unknown[], operation: EncodedOperation): void {
	const {statement, expect, wantsRows, positions, params, rows} = operation;
	flat.push(statement, expect, wantsRows, positions.length, ...positions, params.length);
	for (const param of params) flat.push(param);
	if (rows === undefined) flat.push(-1);
	else {
		flat.push(rows.length, rows[0]?.length ?? 0);
		for (const row of rows) for (const value of row) flat.push(value);
	}
}

/** Appends a batch to a message. */
export function flatten(flat: unknown[], sequence: number, batch: EncodedBatch): void {
	flat.push(sequence, batch.plain.length, batch.positioned.length, batch.changes.length);
	for (const operation of batch.plain) flattenOperation(flat, operation);
	for (const operation of batch.positioned) flattenOperation(flat, operation);
	for (const change of batch.changes) for (const value of change) flat.push(value);
}

/** Reads batches off a message. */
export class MessageReader {
	readonly #flat: readonly unknown[];
	#at = 0;

	constructor(flat: readonly unknown[]) {
		this.#flat = flat;
	}

	get isAtEnd(): boolean {
		return this.#at >= this.#flat.length;
	}

	readBatch(): {readonly sequence: number; readonly batch: EncodedBatch} {
		const sequence = this.#number();
		const [plainCount, positionedCount, changeCount] = [this.#number(), this.#number(), this.#number()];
		const plain = this.#readOperations(plainCount);
		const positioned = this.#readOperations(positionedCount);
		const changes: RawRow[] = [];
		for (let index = 0; index < changeCount; index++) changes.push(this.#take(changeWidth));
		return {sequence, batch: {plain, positioned, changes}};
	}

	#readOperations(count: number): EncodedOperation[] {
		const operations: EncodedOperation[] = [];
		for (let index = 0; index < count; index++) {
			const statement = this.#number();
			const expect = this.#number();
			const wantsRows = this.#flat[this.#at++] === true;
			const positions = this.#take(this.#number()) as number[];
			const params = this.#take(this.#number());
			const rows = this.#readRows();
			operations.push({statement, expect, wantsRows, positions, params, rows, condition: undefined});
		}
		return operations;
	}

	#readRows(): (readonly unknown[])[] | undefined {
		const count = this.#number();
		if (count < 0) return undefined;
		const width = this.#number();
		return Array.from({length: count}, () => this.#take(width));
	}

	#number(): number {
		return this.#flat[this.#at++] as number;
	}

	#take(count: number): unknown[] {
		const from = this.#at;
		this.#at += count;
		return this.#flat.slice(from, this.#at);
	}
}
