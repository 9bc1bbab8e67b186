import type {RoomId} from '../../crypto/index.ts';
import type {Clock, Engine, StoredEvent} from '../../federation/engine/index.ts';
import {type Batch, type CommittedChange, ConflictError, type Position, type Storage} from '../../storage/index.ts';
import {indexedWordsOf, nameWord} from './words.ts';

const CURSOR = 'search';
/** How long after an event it is indexed, if nobody searches before: many are then written in one commit. */
const DELAY_MS = 2_000;
/** Changes of one commit. */
const CHANGES_MAX = 500;
/** Entries that one commit removes: each costs a write for each of its words. */
const REMOVED_MAX = 100;

/** What indexing is done with. */
export interface IndexerContext {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly clock: Clock;
	readonly onProblem: (problem: Error) => void;
}

/**
 * Follows the stream with a cursor and keeps the words of events in the index: those of redacted events, of rooms that
 * were removed, and of rooms that are encrypted leave it. Sending a message waits for none of it.
 */
export class Indexer {
	readonly #context: IndexerContext;
	#stop: (() => void) | undefined;
	#timer: {cancel(): void} | undefined;
	#running: Promise<void> | undefined;
	#isClosed = false;

	constructor(context: IndexerContext) {
		this.#context = context;
	}

	/** Indexes from now on what comes, soon after it came, beginning with what came while nobody did. */
	follow(): void {
		this.#stop ??= this.#context.storage.onCommitted((changes) => {
			if (changes.some(({kind}) => kind === 'event' || kind === 'history')) this.#runSoon();
		});
		this.#runSoon();
	}

	/** Indexes what was committed up to a position, at most for a time. */
	async catchUp(upto: Position, timeoutMs: number): Promise<void> {
		const {clock, storage} = this.#context;
		const endMs = clock.monotonic() + timeoutMs;
		while (clock.monotonic() < endMs && !this.#isClosed) {
			const cursor = await storage.cursors.find(CURSOR);
			if (cursor && cursor.acked >= upto) return;
			await this.#run();
		}
	}

	/** Follows the stream no more. */
	close(): void {
		this.#isClosed = true;
		this.#stop?.();
		this.#timer?.cancel();
	}

	#runSoon(): void {
		if (this.#timer || this.#isClosed) return;
		this.#timer = this.#context.clock.setTimer(DELAY_MS, () => {
			this.#timer = undefined;
			this.#runToEnd().catch((error: unknown) => {
				if (this.#isClosed) return;
				this.#context.onProblem(error as Error);
				this.#runSoon();
			});
		});
	}

	async #runToEnd(): Promise<void> {
		const {storage} = this.#context;
		for (;;) {
			const cursor = await storage.cursors.find(CURSOR);
			if (this.#isClosed || (cursor && cursor.acked >= storage.stream.head())) return;
			await this.#run();
		}
	}

	/** One commit at a time, whoever asks for it. */
	#run(): Promise<void> {
		this.#running ??= this.#step().finally(() => {
			this.#running = undefined;
		});
		return this.#running;
	}

	async #step(): Promise<void> {
		const {storage} = this.#context;
		const cursor = await storage.cursors.find(CURSOR);
		const batch = storage.batch();
		if (!cursor) {
			storage.cursors.add(batch, CURSOR, 0);
			await storage.commit(batch);
			return;
		}
		const head = storage.stream.head();
		const page = {after: cursor.acked, upto: head, kinds: ['event', 'history'], limit: CHANGES_MAX} as const;
		const changes = await storage.stream.list(page);
		const to = changes.length === CHANGES_MAX ? changes.at(-1)!.pos : head;
		if (to === cursor.acked) return;
		await this.#index(batch, changes);
		storage.cursors.advance(batch, CURSOR, cursor.acked, to);
		await storage.commit(batch).catch((error: unknown) => {
			// Another process was first: it has done what this one was about to.
			if (!(error instanceof ConflictError)) throw error;
		});
	}

	async #index(batch: Batch, changes: readonly CommittedChange[]): Promise<void> {
		const {storage, engine} = this.#context;
		const nids = changes.map(({ref}) => ref).filter((ref) => ref !== undefined);
		const rows = await storage.events.findByNids(nids);
		const events = await engine.readRows([...rows.values()]);
		const closed = new Set(changes.filter(({kind, ref}) => kind === 'history' && ref === undefined).map(roomOf));
		for (const {pdu, row} of events) {
			if (pdu.type === 'm.room.encryption' && row.stateKey === '') closed.add(row.roomId);
		}
		for (const roomId of closed) if (roomId !== undefined) await this.#removeRoom(roomId);
		const isOpen = this.#rememberOpen();
		for (const event of events) {
			if (!closed.has(event.row.roomId) && (await isOpen(event.row.roomId))) this.#add(batch, event);
		}
		const redacted = changes.map(({extra}) => extra?.['redacted']).filter((nid) => typeof nid === 'number');
		for (const row of (await storage.events.findByNids(redacted)).values()) {
			const id = row.anchor === null || row.minor === null ? undefined : storage.search.idOf(placeOf(row));
			if (id !== undefined) storage.search.remove(batch, [id]);
		}
	}

	#add(batch: Batch, {pdu, row}: StoredEvent): void {
		if (row.redactedBy !== null || row.rejected !== null || row.anchor === null || row.minor === null) return;
		const words = indexedWordsOf(pdu);
		if (words.length > 0) this.#context.storage.search.add(batch, {nid: row.nid, place: placeOf(row), words});
	}

	/** Gives a question about rooms, each of which is looked up once: is it not encrypted? */
	#rememberOpen(): (roomId: RoomId) => Promise<boolean> {
		const {rooms} = this.#context.storage;
		const answers = new Map<RoomId, Promise<boolean>>();
		return (roomId) => {
			const known = answers.get(roomId);
			if (known) return known;
			const answer = rooms.findCurrentState(roomId, 'm.room.encryption', '').then((row) => row === undefined);
			answers.set(roomId, answer);
			return answer;
		};
	}

	/** Before the cursor moves, so that it is done whatever happens. */
	async #removeRoom(roomId: RoomId): Promise<void> {
		const {storage} = this.#context;
		const query = {all: [[[nameWord('room', roomId)]]], none: []};
		for (;;) {
			const found = await storage.search.list(query, {limit: REMOVED_MAX});
			if (found.length === 0 || this.#isClosed) return;
			const batch = storage.batch();
			storage.search.remove(
				batch,
				found.map(({id}) => id),
			);
			await storage.commit(batch);
		}
	}
}

const roomOf = ({roomId}: CommittedChange): RoomId | undefined => roomId;

function placeOf({anchor, minor}: StoredEvent['row']): {readonly anchor: Position; readonly minor: number} {
	return {anchor: anchor ?? 0, minor: minor ?? 0};
}
