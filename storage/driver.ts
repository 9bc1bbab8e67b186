import type {Position} from './batch.ts';
import type {Condition} from './errors.ts';
import type {StorageFigures} from './storage.ts';

/** A value that is there already, or will be: SQLite reads at once, PostgreSQL does not. */
export type MaybePromise<T> = T | Promise<T>;

/** A promise with its resolver. */
export function createSignal(): {readonly promise: Promise<void>; readonly resolve: () => void} {
	let resolve = () => {};
	const promise = new Promise<void>((settle) => {
		resolve = settle;
	});
	return {promise, resolve};
}

/** A row as the database gives it, in the order of the selected fields. */
export type RawRow = readonly unknown[];

/** One statement with the values it is run with. */
export interface EncodedOperation {
	readonly statement: number;
	readonly params: unknown[];
	/** Values of the last parameters for each time that it runs; absent: it runs once. */
	readonly rows?: readonly (readonly unknown[])[] | undefined;
	/** How many rows it must change; −1: any number. */
	readonly expect: number;
	/** What is lost where it changes another number. */
	readonly condition: Condition | undefined;
	readonly wantsRows: boolean;
	/** Pairs: index in `params`, index of the announced position that belongs there. */
	readonly positions: readonly number[];
}

/** A batch without symbols but for its positions. */
export interface EncodedBatch {
	/** Run first, in order. */
	readonly plain: readonly EncodedOperation[];
	/** Run when positions are handed out. */
	readonly positioned: readonly EncodedOperation[];
	/** Rows of the table `stream` without their position. */
	readonly changes: readonly RawRow[];
}

/** What became of a batch that is on disk. */
export interface CommittedBatch {
	/** The position of its first change; the others follow without a gap. */
	readonly firstPos: Position;
	/** Rows of the operations that wanted them, in the order of the operations as run. */
	readonly rows: readonly (readonly RawRow[])[];
}

/** One database: runs prepared statements by their number in the catalog. */
export interface Driver {
	/** Runs a reading statement. */
	read(statement: number, params: readonly unknown[]): MaybePromise<readonly RawRow[]>;
	/**
	 * Commits a batch. Promises settle in the order of positions, in the same turn for batches of one group: whoever
	 * handles them in order sees positions in order.
	 *
	 * @throws StorageError
	 */
	submit(batch: EncodedBatch, settle: (outcome: CommittedBatch | Error) => void): void;
	/** Reads the last position that is committed by any process. */
	readHead(): MaybePromise<Position>;
	/** Whether reads are done when they are asked for, without a wait. */
	readonly isSynchronous: boolean;
	/** Resolves when the next batch under way is settled; `undefined` where none is under way. */
	whenSettled(): Promise<void> | undefined;
	/** Calls back when another process may have committed. */
	onWake(listener: () => void): void;
	figures(): StorageFigures;
	/** Gives some of the space that deleted rows have left back to the file system; how many bytes are still free. */
	reclaim(): Promise<number>;
	close(): Promise<void>;
}
