import type {Database, Statement} from 'better-sqlite3';
import type {EncodedBatch, EncodedOperation, RawRow} from '../driver.ts';
import {codeOf, failureOf, isCommonFate} from './failure.ts';
import type {Failure, Result} from './protocol.ts';

/** A batch that failed alone; the group goes on. */
class BatchFailure extends Error {
	readonly failure: Failure;
	constructor(failure: Failure, options?: ErrorOptions) {
		super(failure.message, options);
		this.failure = failure;
	}
}

/** A batch and the number by which its answer is known. */
export interface Queued {
	readonly sequence: number;
	readonly batch: EncodedBatch;
}

const failAll = (group: readonly Queued[], failure: Failure): Result[] =>
	group.map(({sequence}) => ({sequence, firstPos: 0, failure}));

/** Runs a statement once, or once for each row of its operation; how many rows it has changed. */
function runAll(statement: Statement, {params, rows}: EncodedOperation): number {
	if (rows === undefined) return statement.run(params).changes;
	let changes = 0;
	for (const row of rows) changes += statement.run(params, row).changes;
	return changes;
}

/** Writes batches in groups: one transaction for each group, one savepoint for each batch. Lives in the writer thread. */
export class GroupWriter {
	readonly #db: Database;
	readonly #texts: readonly string[];
	readonly #statements: (Statement | undefined)[] = [];
	readonly #insertChange: Statement;
	readonly #readHead: Statement<[], number>;
	readonly #setHead: Statement<[number]>;
	readonly #begin: Statement<[]>;
	readonly #commit: Statement<[]>;
	readonly #savepoint: Statement<[]>;
	readonly #release: Statement<[]>;
	readonly #rollbackTo: Statement<[]>;

	constructor(db: Database, texts: readonly string[]) {
		this.#db = db;
		this.#texts = texts;
		this.#insertChange = db.prepare(
			'insert into stream (pos, kind, room_id, subject, ref, relay, extra) values (?, ?, ?, ?, ?, ?, ?)',
		);
		this.#readHead = db.prepare<[], number>('select pos from stream_head where id = 1').pluck();
		this.#setHead = db.prepare('update stream_head set pos = ? where id = 1');
		this.#begin = db.prepare('begin immediate');
		this.#commit = db.prepare('commit');
		this.#savepoint = db.prepare('savepoint batch');
		this.#release = db.prepare('release batch');
		this.#rollbackTo = db.prepare('rollback to batch');
	}

	/** Commits what can be committed of a group, and says of each batch what became of it. */
	write(group: readonly Queued[]): Result[] {
		const results: Result[] = [];
		try {
			this.#begin.run();
			const before = this.#readHead.get() ?? 0;
			let head = before;
			for (const queued of group) {
				const result = this.#writeBatch(queued, head);
				results.push(result);
				if (result.failure === undefined) head += queued.batch.changes.length;
			}
			if (head !== before) this.#setHead.run(head);
		} catch (error) {
			this.#rollback();
			return failAll(group, failureOf(error));
		}
		try {
			this.#commit.run();
			return results;
		} catch (error) {
			this.#rollback();
			const failure = failureOf(error);
			// After a failed fsync nobody can say what the disk holds.
			const isUnknown = codeOf(error).startsWith('SQLITE_IOERR_FSYNC');
			return failAll(group, isUnknown ? {...failure, code: 'outcome_unknown'} : failure);
		}
	}

	#rollback(): void {
		if (this.#db.inTransaction) this.#db.exec('rollback');
	}

	#writeBatch({sequence, batch}: Queued, head: number): Result {
		this.#savepoint.run();
		try {
			const rows = this.#run(batch, head);
			this.#release.run();
			return rows.length === 0 ? {sequence, firstPos: head + 1} : {sequence, firstPos: head + 1, rows};
		} catch (error) {
			// A full disk ends the whole transaction; then the group fails.
			if (!(error instanceof BatchFailure) || !this.#db.inTransaction) throw error;
			this.#rollbackTo.run();
			this.#release.run();
			return {sequence, firstPos: 0, failure: error.failure};
		}
	}

	#run(batch: EncodedBatch, head: number): (readonly RawRow[])[] {
		const rows: (readonly RawRow[])[] = [];
		let index = 0;
		for (const operation of batch.plain) this.#runOperation(operation, index++, rows);
		for (const operation of batch.positioned) {
			for (let at = 0; at < operation.positions.length; at += 2) {
				operation.params[operation.positions[at]!] = head + 1 + operation.positions[at + 1]!;
			}
			this.#runOperation(operation, index++, rows);
		}
		let pos = head;
		for (const change of batch.changes) this.#insertChange.run(++pos, ...change);
		return rows;
	}

	#runOperation(operation: EncodedOperation, index: number, rows: (readonly RawRow[])[]): void {
		try {
			const statement = this.#prepare(operation);
			if (operation.wantsRows) {
				rows.push(statement.all(operation.params) as RawRow[]);
				return;
			}
			const changes = runAll(statement, operation);
			if (operation.expect >= 0 && changes !== operation.expect) {
				throw new BatchFailure({code: 'conflict', message: 'another number of rows changed', operation: index});
			}
		} catch (error) {
			if (error instanceof BatchFailure || isCommonFate(error)) throw error;
			throw new BatchFailure(failureOf(error, index), {cause: error});
		}
	}

	#prepare(operation: EncodedOperation): Statement {
		const known = this.#statements[operation.statement];
		if (known !== undefined) return known;
		const statement = this.#db.prepare(this.#texts[operation.statement]!);
		if (operation.wantsRows) statement.raw();
		this.#statements[operation.statement] = statement;
		return statement;
	}
}
