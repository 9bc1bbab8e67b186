import type {Database} from 'better-sqlite3';
import {assemble, type StartableDriver} from '../../storage/assemble.ts';
import {Catalog} from '../../storage/catalog.ts';
import {sqliteDialect} from '../../storage/dialect.ts';
import type {CommittedBatch, EncodedBatch, RawRow} from '../../storage/driver.ts';
import {type Storage, StorageError} from '../../storage/index.ts';
import {migrate} from '../../storage/migrate.ts';
import {connect} from '../../storage/sqlite/connect.ts';
import {conditionsOf, errorOf} from '../../storage/sqlite/driver.ts';
import {migrations} from '../../storage/sqlite/migrations/index.ts';
import {sessionOf} from '../../storage/sqlite/open.ts';
import {GroupWriter} from '../../storage/sqlite/writer.ts';
import type {SeededRandom} from '../harness/seeded-random.ts';

type Settle = (outcome: CommittedBatch | Error) => void;

interface Queued {
	readonly batch: EncodedBatch;
	readonly settle: Settle;
}

/** What one life of a node is given of its disk. */
export interface DiskSeams {
	/** Draws how long a commit takes, and whether it fails. */
	readonly random: SeededRandom;
	/** Nothing that was not committed when the node crashed is ever committed. */
	readonly isAlive: () => boolean;
	/** Runs something later, in virtual time once that runs. */
	readonly later: (delayMs: number, run: () => void) => void;
	/** How likely a commit fails: half of those are lost, of the others nobody knows whether they are written. */
	readonly errorRate: () => number;
}

type Read = (params: readonly unknown[]) => RawRow[];

/** What a disk keeps for all lives of its node: statements that are prepared once. */
interface Prepared {
	readonly reads: Read[];
	writer: GroupWriter | undefined;
}

/** How long a group commit takes, and how long until the process hears of it. */
const COMMIT_MS_MAX = 4;
const ANSWER_MS = 1;

/**
 * A node's disk, which outlives its crashes: an SQLite database in memory, with the statements, the group commit and the
 * schema of the real one, but written by the same thread in virtual time, so that the order of things follows from the
 * seed. A crash drops what is queued; between a commit and the moment in which its process hears of it both readers and
 * crashes may come.
 */
export class SimulatedDisk {
	readonly #db: Database = connect(':memory:');
	readonly #serverName: string;
	readonly #salt: number;
	readonly #prepared: Prepared = {reads: [], writer: undefined};

	/** `salt` decides on the shape of the state tries, which otherwise each database draws for itself. */
	constructor(serverName: string, salt: number) {
		this.#serverName = serverName;
		this.#salt = salt;
	}

	/** Opens the database for one life of the node. */
	async open(seams: DiskSeams, onProblem: (problem: Error) => void): Promise<Storage> {
		this.#db.exec('begin immediate');
		await migrate(sessionOf(this.#db), migrations, this.#serverName);
		this.#db.exec('commit');
		this.#db.prepare("insert or ignore into meta (name, value) values ('trie_salt', ?)").run(String(this.#salt));
		const catalog = new Catalog(sqliteDialect);
		const driver = new InlineDriver(this.#db, catalog, this.#prepared, seams);
		const options = {url: 'sqlite::memory:', serverName: this.#serverName, onProblem};
		return assemble(catalog, driver, options);
	}

	close(): void {
		this.#db.close();
	}
}

class InlineDriver implements StartableDriver {
	readonly #db: Database;
	readonly #catalog: Catalog;
	readonly #seams: DiskSeams;
	readonly #prepared: Prepared;
	#queue: Queued[] = [];
	#isCommitDue = false;
	/** Batches that their callers have not heard of yet. */
	#unsettled = 0;
	#listeners: (() => void)[] = [];
	readonly isSynchronous = true;
	#commits = 0;
	#batches = 0;

	constructor(db: Database, catalog: Catalog, prepared: Prepared, seams: DiskSeams) {
		this.#db = db;
		this.#prepared = prepared;
		this.#catalog = catalog;
		this.#seams = seams;
	}

	async start(): Promise<void> {
		this.#prepared.writer ??= new GroupWriter(
			this.#db,
			this.#catalog.statements.map(({sql}) => sql),
		);
	}

	read(statement: number, params: readonly unknown[]): readonly RawRow[] {
		const {reads} = this.#prepared;
		reads[statement] ??= this.#prepare(statement);
		return reads[statement](params);
	}

	#prepare(statement: number): Read {
		const prepared = this.#db.prepare(this.#catalog.statements[statement]!.sql).raw();
		return (params) => prepared.all(params) as RawRow[];
	}

	readHead(): number {
		return this.#db.prepare<[], number>('select pos from stream_head where id = 1').pluck().get() ?? 0;
	}

	submit(batch: EncodedBatch, settle: Settle): void {
		this.#unsettled += 1;
		this.#queue.push({batch, settle});
		if (this.#isCommitDue) return;
		this.#isCommitDue = true;
		this.#seams.later(1 + this.#seams.random.below(COMMIT_MS_MAX), () => this.#commit());
	}

	/** Commits what has queued, as the writer thread does; the process hears of it a moment later. */
	#commit(): void {
		const {isAlive, later, random, errorRate} = this.#seams;
		if (!isAlive()) return;
		this.#isCommitDue = false;
		const group = this.#queue;
		this.#queue = [];
		const fails = random.chance(errorRate());
		const isLost = random.chance(0.5);
		const isWritten = !fails || random.chance(0.5);
		if (fails && (isLost || !isWritten)) {
			const error = () => new StorageError(isLost ? 'unavailable' : 'outcome_unknown', 'the simulated disk failed');
			later(ANSWER_MS, () => this.#answer(group, () => error()));
			return;
		}
		const results = this.#prepared.writer?.write(group.map(({batch}, sequence) => ({sequence, batch}))) ?? [];
		this.#commits++;
		this.#batches += group.length;
		later(ANSWER_MS, () =>
			this.#answer(group, ({batch}, index) => {
				const {failure, firstPos = 0, rows = []} = results[index] ?? {};
				if (fails) return new StorageError('outcome_unknown', 'the simulated disk failed');
				return failure === undefined ? {firstPos, rows} : errorOf(failure, conditionsOf(batch));
			}),
		);
	}

	#answer(group: readonly Queued[], outcomeOf: (queued: Queued, index: number) => CommittedBatch | Error): void {
		if (!this.#seams.isAlive()) return;
		this.#unsettled -= group.length;
		for (const [index, queued] of group.entries()) queued.settle(outcomeOf(queued, index));
		const listeners = this.#listeners;
		this.#listeners = [];
		for (const listener of listeners) listener();
	}

	whenSettled(): Promise<void> | undefined {
		if (this.#unsettled === 0) return undefined;
		return new Promise((resolve) => this.#listeners.push(resolve));
	}

	onWake(): void {
		// Nobody else writes.
	}

	figures() {
		return {commits: this.#commits, batches: this.#batches, queued: this.#queue.length, walBytes: 0, freeBytes: 0};
	}

	reclaim(): Promise<number> {
		return Promise.resolve(0);
	}

	async close(): Promise<void> {
		// The database outlives this life of the node.
	}
}
