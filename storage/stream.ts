import {and, sql} from 'drizzle-orm';
import {type ChangeKind, type CommittedChange, Outcome, type Position} from './batch.ts';
import {above, atMost, build, equals} from './catalog.ts';
import type {Core} from './core.ts';
import type {Driver} from './driver.ts';
import {tables} from './schema/index.ts';
import type {Stream} from './storage.ts';

/** Changes of other processes that are read at a time. */
const pageSize = 1000;
/** How long after a failed look at other processes' changes the next one is taken. */
const retryMs = 1000;
/** Changes that one call of `list` gives at most. */
const listMax = 10_000;
/** Changes that one call of `sweep` removes at most: a commit with so many deletions takes the writer some milliseconds. */
const sweepMax = 500;
/** Under which name the floor is kept among the facts of the server. */
const floorName = 'stream_floor';

type Listener = (changes: readonly CommittedChange[]) => void;
type ReadPage = (after: Position, upto: Position, limit: number) => Promise<CommittedChange[]>;

interface Own {
	readonly changes: readonly CommittedChange[];
	readonly done: () => void;
}

/**
 * Hands committed changes to listeners: in position order, each once, whoever committed them. Changes of this process
 * come straight from its batches; where positions are missing between, other processes' rows are read first.
 */
export class Delivery {
	readonly #driver: Driver;
	readonly #readPage: ReadPage;
	readonly #onProblem: (problem: Error) => void;
	readonly #listeners = new Set<Listener>();
	#own: Own[] = [];
	#applied: Position = 0;
	#floor: Position = 0;
	#catchingUp: Promise<void> | undefined;
	#barrier: Promise<void> | undefined;
	#isClosed = false;

	constructor(driver: Driver, readPage: ReadPage, onProblem: (problem: Error) => void) {
		this.#driver = driver;
		this.#readPage = readPage;
		this.#onProblem = onProblem;
	}

	/** Starts at what is committed already: a listener is told only of what comes after. */
	async start(readFact: (name: string) => Promise<string | undefined>): Promise<void> {
		this.#applied = await this.#driver.readHead();
		this.#floor = Number((await readFact(floorName)) ?? 0);
		this.#driver.onWake(() => {
			this.barrier().catch((error: unknown) => {
				if (!this.#isClosed) this.#onProblem(error as Error);
			});
		});
	}

	get head(): Position {
		return this.#applied;
	}

	/** Up to where changes may have been swept, as of `head`. */
	get floor(): Position {
		return this.#floor;
	}

	listen(listener: Listener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Delivers the changes of a batch of this process when all below are delivered, then calls `done`. */
	deliver(changes: readonly CommittedChange[], done: () => void): void {
		if (changes.length === 0) {
			done();
			return;
		}
		this.#own.push({changes, done});
		this.#drain();
	}

	/** Delivers what was committed before this call. All who wait in one turn of the event loop share one look. */
	async barrier(): Promise<void> {
		if (this.#driver.isSynchronous) {
			await this.#reach(await this.#driver.readHead());
			return;
		}
		this.#barrier ??= new Promise<void>((resolve) => {
			setImmediate(resolve);
		}).then(async () => {
			this.#barrier = undefined;
			await this.#reach(await this.#driver.readHead());
		});
		await this.#barrier;
	}

	/** Stops reporting: what still looks finds the database closed. */
	close(): void {
		this.#isClosed = true;
	}

	async #reach(head: Position): Promise<void> {
		while (this.#applied < head) {
			// What is missing may be our own and about to be told to us, which is cheaper than to read it.
			await (this.#driver.whenSettled() ?? this.#catchUp(head));
		}
	}

	#drain(): void {
		while (this.#own.length > 0) {
			const {changes, done} = this.#own[0]!;
			const first = changes[0]!.pos;
			if (first > this.#applied + 1) {
				this.#catchUp(first - 1).then(
					() => this.#drain(),
					(error: unknown) => this.#retry(error as Error),
				);
				return;
			}
			this.#own.shift();
			this.#emit(changes);
			done();
		}
	}

	/** The commit itself has happened, so its caller must not get the error; the look is taken again. */
	#retry(error: Error): void {
		this.#onProblem(error);
		setTimeout(() => this.#drain(), retryMs).unref();
	}

	#catchUp(upto: Position): Promise<void> {
		this.#catchingUp ??= this.#read(upto).finally(() => {
			this.#catchingUp = undefined;
		});
		return this.#catchingUp;
	}

	async #read(upto: Position): Promise<void> {
		while (this.#applied < upto) {
			const covered = Math.min(upto, this.#applied + pageSize);
			this.#emit(await this.#readPage(this.#applied, covered, pageSize));
			// Rows that cannot be decoded are left out of a page, and swept rows are gone.
			this.#applied = Math.max(this.#applied, covered);
		}
		this.#drain();
	}

	#emit(changes: readonly CommittedChange[]): void {
		const fresh =
			changes[0] !== undefined && changes[0].pos > this.#applied
				? changes
				: changes.filter(({pos}) => pos > this.#applied);
		const last = fresh.at(-1);
		if (last === undefined) return;
		this.#applied = last.pos;
		for (const {kind, ref} of fresh) if (kind === 'floor') this.#floor = Math.max(this.#floor, ref ?? 0);
		for (const listener of this.#listeners) {
			try {
				listener(fresh);
			} catch (error) {
				// One listener's fault must not keep the others, nor the caller, from a commit that has happened.
				this.#onProblem(error as Error);
			}
		}
	}
}

interface StreamFields {
	readonly pos: Position;
	readonly kind: ChangeKind;
	readonly roomId: CommittedChange['roomId'] | null;
	readonly subject: string | null;
	readonly ref: number | null;
	readonly relay: boolean;
	readonly extra: CommittedChange['extra'] | null;
}

const changeOf = ({pos, kind, roomId, subject, ref, relay, extra}: StreamFields): CommittedChange => ({
	pos,
	kind,
	roomId: roomId ?? undefined,
	subject: subject ?? undefined,
	ref: ref ?? undefined,
	relay,
	extra: extra ?? undefined,
});

/** Makes the writing side of the floor, which is a fact of the server and a change that every process is told. */
function createFloor(core: Core): Stream['setFloor'] {
	const set = core.put(core.catalog.upsert(tables.meta, ['name']));
	return (batch, pos) => {
		set(batch, {name: floorName, value: String(pos)});
		batch.announce({kind: 'floor', ref: pos});
	};
}

function createSweep(core: Core): Stream['sweep'] {
	const {stream} = tables;
	type Range = {after: Position; upto: Position; kinds: readonly ChangeKind[]};
	const sweep = core.putReturning<Range, {pos: Position}>(
		core.catalog.write<Range>(
			(p) => sql`delete from ${stream} where ${stream.pos} in
				(select ${stream.pos} from ${stream} where ${above(stream.pos, p.after)} and ${atMost(stream.pos, p.upto)}
					and ${core.catalog.isOneOf(stream.kind, p.kinds)} order by ${stream.pos} limit ${sql.raw(String(sweepMax))})
				returning pos`,
			{pos: stream.pos},
		),
	);
	return (batch, {after, upto, kinds}) => {
		const rows = sweep(batch, {after, upto, kinds});
		return new Outcome(() => {
			const count = rows.value.length;
			return {count, upto: count < sweepMax ? upto : Math.max(...rows.value.map(({pos}) => pos))};
		});
	};
}

/** Makes reading and sweeping of the stream. */
export function createStream(
	core: Core,
	{head, floor}: Pick<Stream, 'head' | 'floor'>,
): {readonly stream: Stream; readonly readPage: ReadPage} {
	const {stream} = tables;
	type Range = {after: Position; upto: Position; limit: number};
	const all = core.many<Range, StreamFields>((p) =>
		build
			.select()
			.from(stream)
			.where(and(above(stream.pos, p.after), atMost(stream.pos, p.upto)))
			.orderBy(stream.pos)
			.limit(p.limit.placeholder),
	);
	type Filtered = Range & {kinds: readonly ChangeKind[]; subject: string; relay: boolean};
	const filtered = (useKinds: boolean, useSubject: boolean, useRelay: boolean) =>
		core.many<Filtered, StreamFields>((p) =>
			build
				.select()
				.from(stream)
				.where(
					and(
						above(stream.pos, p.after),
						atMost(stream.pos, p.upto),
						useKinds ? core.catalog.isOneOf(stream.kind, p.kinds) : undefined,
						useSubject ? equals(stream.subject, p.subject) : undefined,
						useRelay ? equals(stream.relay, p.relay) : undefined,
					),
				)
				.orderBy(stream.pos)
				.limit(p.limit.placeholder),
		);
	const choices = [0, 1, 2, 3, 4, 5, 6, 7].map((bits) => filtered((bits & 1) > 0, (bits & 2) > 0, (bits & 4) > 0));
	const readPage: ReadPage = async (after, upto, limit) => (await all({after, upto, limit})).map(changeOf);
	return {
		readPage,
		stream: {
			head,
			floor,
			setFloor: createFloor(core),
			sweep: createSweep(core),
			async list({after, upto, kinds, relay, subject, limit}) {
				const bits = (kinds === undefined ? 0 : 1) + (subject === undefined ? 0 : 2) + (relay === undefined ? 0 : 4);
				const rows = await choices[bits]!({
					after,
					upto,
					kinds: kinds ?? [],
					subject: subject ?? '',
					relay: true,
					limit: Math.min(limit, listMax),
				});
				return rows.map(changeOf);
			},
		},
	};
}
