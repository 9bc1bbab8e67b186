import type {FileHandle} from 'node:fs/promises';
import type {Readable} from 'node:stream';
import type {MediaId, ServerName, UserId} from '../../crypto/index.ts';
import {ConflictError, DuplicateError, type MediaRow, StorageError} from '../../storage/index.ts';
import type {Arrivals} from './arrivals.ts';
import {Beginning} from './beginning.ts';
import type {ContentDescription} from './content-description.ts';
import type {StoredContent} from './content-store.ts';
import type {MediaDependencies} from './dependencies.ts';
import {MediaError} from './errors.ts';
import {RemoteShare} from './remote-share.ts';

/** How long somebody waits for content that was announced. */
export interface WaitOptions {
	readonly timeoutMs: number;
	readonly signal: AbortSignal;
}

/** Bytes of a file, the first and the last one of them. */
export interface ByteRange {
	readonly start: number;
	readonly end: number;
}

/** A medium whose file is open: until what `read` gave was read to its end or destroyed, or until `close`. */
export interface OpenedMedium extends ContentDescription {
	readonly sizeBytes: number;
	/** Of the content, in lower-case hexadecimal. */
	readonly sha256: string;
	/** Reads the content, or a part of it. To be called once. */
	read(range?: ByteRange): Readable;
	/** Closes a file that is not to be read. */
	close(): Promise<void>;
}

/** The same with the file, for who looks into it first. */
export interface OpenedFile extends OpenedMedium {
	readonly handle: FileHandle;
}

/** A medium that has its content. */
type FullRow = MediaRow & StoredContent;

/** A transfer of another server's medium. */
interface Flight {
	/** Of its content, or the end where it has none. */
	readonly beginning: Beginning;
	readonly arrival: Promise<FullRow>;
}

const DAY_MS = 86_400_000;
/** How long an id that was handed out waits for its content: the specification's recommendation. */
export const RESERVED_MS = DAY_MS;
const WAIT_MS_MAX = 60_000;
/** Who joins a transfer lets the other server so long find what it has. */
const JOINED_MS = 5000;
/** How often a waiter looks whether another process has got the content. */
const LOOK_MS = 1000;

/** Finds media and opens their files; those of other servers are fetched once and kept. */
export class Library {
	readonly #dependencies: MediaDependencies;
	readonly #arrivals: Arrivals;
	readonly #share: RemoteShare;
	readonly #flights = new Map<string, Flight>();

	constructor(dependencies: MediaDependencies, arrivals: Arrivals) {
		this.#dependencies = dependencies;
		this.#arrivals = arrivals;
		this.#share = new RemoteShare(dependencies);
	}

	/** @throws MediaError */
	async open(origin: ServerName, mediaId: MediaId, wait: WaitOptions): Promise<OpenedFile> {
		const {serverName, onProblem} = this.#dependencies;
		const isLocal = origin === serverName;
		const row = isLocal
			? await this.#findLocal(mediaId, wait)
			: await this.#findRemote(origin, mediaId, wait.timeoutMs);
		const opened = await this.#openFile(row);
		if (opened !== undefined) {
			this.#noteUse(row);
			return opened;
		}
		onProblem(new Error('The file of a medium is missing'));
		// What another server has can be had again.
		const again = isLocal ? undefined : await this.#openFile(await this.#fetchOnce(origin, mediaId, wait.timeoutMs));
		if (again === undefined) throw notFound();
		return again;
	}

	/** Waits until a medium of this server has its content. */
	async #findLocal(mediaId: MediaId, {timeoutMs, signal}: WaitOptions): Promise<FullRow> {
		const {storage, serverName, clock} = this.#dependencies;
		const end = clock.monotonic() + Math.min(timeoutMs, WAIT_MS_MAX);
		for (;;) {
			const row = await storage.media.find(serverName, mediaId);
			if (row === undefined || row.isQuarantined) throw notFound();
			if (isFull(row)) return row;
			if (row.createdTs + RESERVED_MS <= clock.now()) throw notFound();
			const leftMs = end - clock.monotonic();
			if (leftMs <= 0 || signal.aborted) {
				throw new MediaError('not-yet-uploaded', 'This medium has not been uploaded yet');
			}
			await this.#arrivals.wait(mediaId, Math.min(LOOK_MS, leftMs), {clock, signal});
		}
	}

	async #findRemote(origin: ServerName, mediaId: MediaId, timeoutMs: number): Promise<FullRow> {
		const row = await this.#dependencies.storage.media.find(origin, mediaId);
		if (row?.isQuarantined === true) throw notFound();
		return row !== undefined && isFull(row) ? row : this.#fetchOnce(origin, mediaId, timeoutMs);
	}

	/**
	 * All who want the same medium wait for one transfer, each as long as it said for the transfer to begin; who wants to
	 * wait longer than the one who asked first asks again.
	 */
	async #fetchOnce(origin: ServerName, mediaId: MediaId, timeoutMs: number): Promise<FullRow> {
		const {clock} = this.#dependencies;
		const key = `${origin}/${mediaId}`;
		const end = clock.monotonic() + Math.min(timeoutMs, WAIT_MS_MAX);
		for (;;) {
			// The other server is told whole milliseconds.
			const leftMs = Math.max(0, Math.ceil(end - clock.monotonic()));
			const joined = this.#flights.get(key);
			if (joined === undefined) {
				const flight = this.#depart(origin, mediaId, leftMs, () => this.#flights.delete(key));
				this.#flights.set(key, flight);
				return flight.arrival;
			}
			await this.#waitForBeginning(joined, leftMs + JOINED_MS);
			try {
				return await joined.arrival;
			} catch (error) {
				const isEarly = error instanceof MediaError && error.code === 'not-yet-uploaded';
				if (!isEarly || clock.monotonic() >= end) throw error;
			}
		}
	}

	#depart(origin: ServerName, mediaId: MediaId, timeoutMs: number, onEnd: () => void): Flight {
		const beginning = new Beginning();
		const arrival = this.#fetch(origin, mediaId, timeoutMs, beginning).finally(() => {
			onEnd();
			beginning.announce();
		});
		return {beginning, arrival};
	}

	async #waitForBeginning({beginning}: Flight, delayMs: number): Promise<void> {
		if (!(await beginning.wait(delayMs, this.#dependencies.clock))) {
			throw new MediaError('not-yet-uploaded', 'This medium has not been uploaded yet');
		}
	}

	async #fetch(origin: ServerName, mediaId: MediaId, timeoutMs: number, beginning: Beginning): Promise<FullRow> {
		const {storage, store, remote, clock, mayFederateWith} = this.#dependencies;
		if (!mayFederateWith(origin)) throw notFound();
		this.#share.note(origin, 0);
		const medium = await remote.fetch(origin, mediaId, {timeoutMs});
		beginning.announce();
		const {contentType, fileName} = medium;
		try {
			const content = await store.receive(() => this.#share.meter(origin, medium.body));
			const row = {...newRow(origin, mediaId, null, clock.now()), contentType, fileName, ...content};
			// Its file was missing.
			const earlier = await storage.media.find(origin, mediaId);
			const batch = storage.batch();
			if (earlier !== undefined) storage.media.remove(batch, earlier);
			storage.media.add(batch, row);
			await storage.commit(batch);
			return row;
		} catch (error) {
			// Another process was faster.
			const isLate = error instanceof DuplicateError || error instanceof ConflictError;
			const stored = isLate ? await storage.media.find(origin, mediaId) : undefined;
			if (stored !== undefined && isFull(stored)) return stored;
			throw error;
		} finally {
			medium.close();
		}
	}

	async #openFile(row: FullRow): Promise<OpenedFile | undefined> {
		const handle = await this.#dependencies.store.open(row.sha256);
		if (handle === undefined) return undefined;
		const {contentType, fileName, sizeBytes, sha256} = row;
		return {contentType, fileName, sizeBytes, sha256, handle, ...readerOf(handle)};
	}

	/** Days of use tell which of other servers' files nobody wants any more. */
	#noteUse(row: FullRow): void {
		const {storage, clock, onProblem} = this.#dependencies;
		const today = Math.floor(clock.now() / DAY_MS);
		if (row.lastUsedDay === today) return;
		const batch = storage.batch();
		storage.media.setLastUsed(batch, row.origin, row.mediaId, today);
		storage.commit(batch).catch((error: unknown) => {
			// Reading goes on where writing cannot.
			if (!(error instanceof StorageError)) onProblem(error);
		});
	}
}

/** How the file of a medium is read and closed. */
export function readerOf(handle: FileHandle): Pick<OpenedMedium, 'read' | 'close'> {
	return {
		read: (range = {start: 0, end: Number.POSITIVE_INFINITY}) => handle.createReadStream({...range}),
		close: () => handle.close(),
	};
}

/** What a new medium's row says beside its content. */
export function newRow(origin: ServerName, mediaId: MediaId, uploader: UserId | null, nowMs: number) {
	const lastUsedDay = Math.floor(nowMs / DAY_MS);
	return {origin, mediaId, uploader, isQuarantined: false, createdTs: nowMs, lastUsedDay};
}

function isFull(row: MediaRow): row is FullRow {
	return row.sizeBytes !== null && row.sha256 !== null;
}

function notFound(): MediaError {
	return new MediaError('not-found', 'No such medium');
}
