import type {ServerName} from '../../crypto/index.ts';
import type {Batch, CursorFailure, CursorRow, InFlight, Position, Storage} from '../../storage/index.ts';

type RowStorage = Pick<Storage, 'batch' | 'commit' | 'cursors' | 'federation'>;

/** The cursor of a server. */
export function cursorName(server: ServerName): string {
	return `federation:${server}`;
}

/** What is written with a change of the row. */
export interface RowChange {
	/** Up to where everything was told. */
	readonly acked: Position;
	readonly inFlight: InFlight | null;
	readonly failure: CursorFailure | null;
	/** Whether EDUs that waited up to `acked` are removed: they have arrived. */
	readonly hasWaited: boolean;
}

/**
 * The row of a server that has something unfinished: a body, with or without a failure. A server that takes what it is sent
 * has none, so that an event in a room of thousands of servers writes nothing for each.
 */
export class DestinationRow {
	readonly #storage: RowStorage;
	readonly #server: ServerName;
	#row: CursorRow | undefined;
	/** Whether a write has failed since the last look: the database may hold a row all the same. */
	#isDoubtful = false;

	constructor(storage: RowStorage, server: ServerName, row: CursorRow | undefined) {
		this.#storage = storage;
		this.#server = server;
		this.#row = row;
	}

	/** Whether the row says what is unfinished, so that no mark has to. */
	get isWritten(): boolean {
		return this.#row !== undefined;
	}

	/** Whether the row holds this body. */
	holds({txnId}: InFlight): boolean {
		return this.#row?.inFlight?.txnId === txnId;
	}

	/** Reads anew what is on disk; `undefined` where nothing is unfinished there. @throws StorageError */
	async load(): Promise<CursorRow | undefined> {
		const row = await this.#storage.cursors.find(cursorName(this.#server));
		this.#row = row === undefined || (row.inFlight === null && row.failure === null) ? undefined : row;
		this.#isDoubtful = false;
		return this.#row;
	}

	/** Writes the row anew. @throws StorageError */
	async write(change: RowChange): Promise<void> {
		const {acked, inFlight, failure} = change;
		const name = cursorName(this.#server);
		const batch = this.#storage.batch();
		this.#storage.cursors.remove(batch, name);
		this.#storage.cursors.add(batch, name, acked);
		if (inFlight !== null) this.#storage.cursors.freeze(batch, name, acked, inFlight);
		if (failure !== null) this.#storage.cursors.setFailure(batch, name, failure);
		this.#isDoubtful = true;
		await this.#commit(batch, change);
		this.#isDoubtful = false;
		this.#row = {name, acked, inFlight, failure};
	}

	/** Notes one more failure of the body that the row holds. @throws StorageError */
	async setFailure(failure: CursorFailure): Promise<void> {
		const batch = this.#storage.batch();
		this.#storage.cursors.setFailure(batch, cursorName(this.#server), failure);
		await this.#storage.commit(batch);
		if (this.#row !== undefined) this.#row = {...this.#row, failure};
	}

	/**
	 * Removes the row, if there is one or may be: the sender's mark says from now on what is told. It counts as removed at
	 * once, so that no mark passes what is not told meanwhile. @throws StorageError
	 */
	async remove(change: Pick<RowChange, 'acked' | 'hasWaited'>): Promise<void> {
		const batch = this.#storage.batch();
		if (this.#row !== undefined || this.#isDoubtful) this.#storage.cursors.remove(batch, cursorName(this.#server));
		this.#row = undefined;
		await this.#commit(batch, change);
		this.#isDoubtful = false;
	}

	async #commit(batch: Batch, {acked, hasWaited}: Pick<RowChange, 'acked' | 'hasWaited'>): Promise<void> {
		if (hasWaited) this.#storage.federation.removeOutgoingEdus(batch, this.#server, acked);
		if (!batch.isEmpty) await this.#storage.commit(batch);
	}
}
