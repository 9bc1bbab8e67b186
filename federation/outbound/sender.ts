import {setMaxListeners} from 'node:events';
import {domainOf, isUserId, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import {type CommittedChange, type Position, type Storage, StorageError} from '../../storage/index.ts';
import type {Clock, Random, Timer} from '../engine/index.ts';
import type {FederationClient} from './client.ts';
import {Destination, type DestinationContext, type SenderNotice} from './destination.ts';
import type {Edu} from './edus.ts';
import {Lanes} from './lanes.ts';
import {endedServerOf, FEDERATED_KINDS, RecentChanges} from './recent-changes.ts';

export interface FederationSenderOptions {
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly client: Pick<FederationClient, 'request'>;
	readonly clock: Clock;
	readonly random: Random;
	/** Whether `federation.mode` lets us talk with a server. */
	readonly isAllowed: (server: ServerName) => boolean;
	readonly onNotice: (notice: SenderNotice) => void;
}

/** Figures for metrics. */
export interface SenderFigures {
	/** Servers that are being told something. */
	readonly active: number;
	/** Of these, servers whose last attempt failed. */
	readonly failing: number;
	/** Of these, servers whose next attempt is not due yet. */
	readonly waiting: number;
	/** Whether all that was committed is delivered, or waits for a server that is failing. */
	readonly isIdle: boolean;
}

/** The cursor of the sender itself: up to there every change was given to the destinations that it concerns. */
const MARK = 'federation-out';
const CURSOR_PREFIX = 'federation:';
/** The mark is written so soon after something was told: what lies after it is sent again after a crash. */
const MARK_SOON_MS = 1000;
/** The mark is written so often where nothing was told; what lies after it is looked at again after a crash. */
const MARK_DELAY_MS = 60_000;
const STORE_RETRY_MS = 5000;
const PAGE = 1000;
/** Ephemeral EDUs that wait to be distributed; what comes beyond is not worth waiting. */
const EPHEMERAL_MAX = 1000;

/** What is not given to destinations yet: for each room, user and server where its changes begin. */
interface Undistributed {
	readonly rooms: Map<RoomId, Position>;
	readonly users: Map<UserId, Position>;
	readonly servers: Map<ServerName, Position>;
	/** EDUs with the servers they are for, or the room whose servers these are. */
	readonly ephemeral: {readonly to: RoomId | readonly ServerName[]; readonly key: string; readonly edu: Edu}[];
	/** The first of all these positions. */
	first: Position;
}

/**
 * Tells partner servers what they are owed. There is no queue: what a server is owed is what the stream holds after its
 * cursor. A commit only marks in memory the servers it concerns; rows are written when something is sent. After a restart
 * the servers with an unfinished row go on, and the stream after the sender's mark says whom else it concerns.
 */
export class FederationSender {
	readonly #options: FederationSenderOptions;
	readonly #destinations = new Map<ServerName, Destination>();
	readonly #stop = new AbortController();
	readonly #context: DestinationContext;
	#pending = createUndistributed();
	/** What is being given to destinations just now. */
	#current: Undistributed | undefined;
	#distributing: Promise<void> | undefined;
	#isStarted = false;
	readonly #running = new Set<Promise<void>>();
	/** The mark that is on disk. */
	#mark: Position = 0;
	/** The highest mark that was given to be written. */
	#highestMark: Position = 0;
	/** The last change that was noted. */
	#heardTo: Position = 0;
	#unlisten: (() => void) | undefined;
	#markTimer: Timer | undefined;
	#isMarkSoon = false;
	#savingMark: Promise<void> | undefined;

	constructor(options: FederationSenderOptions) {
		this.#options = options;
		const {storage, onNotice} = options;
		// Each server that is being told something listens to it.
		setMaxListeners(0, this.#stop.signal);
		this.#context = {
			...options,
			storage,
			recent: new RecentChanges(storage.stream),
			lanes: new Lanes(),
			signal: this.#stop.signal,
			highestMark: () => this.#highestMark,
			onNotice,
		};
	}

	/** Takes up what was not finished, and goes on with each commit. @throws StorageError where the database cannot be read. */
	async start(): Promise<void> {
		const {storage} = this.#options;
		// What is committed from here on waits until the stream's past is distributed.
		this.#unlisten = storage.onCommitted((changes) => this.#hear(changes));
		this.#context.recent.start();
		const head = storage.stream.head();
		this.#heardTo = head;
		await this.#loadMark();
		await this.#loadUnfinished();
		for (let after = this.#mark; after < head && !this.#stop.signal.aborted; ) {
			const changes = await storage.stream.list({after, upto: head, kinds: FEDERATED_KINDS, limit: PAGE});
			after = changes.length < PAGE ? head : (changes.at(-1)?.pos ?? head);
			const past = createUndistributed();
			this.#note(
				past,
				changes.filter(({kind, relay}) => kind !== 'event' || relay === true),
			);
			await this.#distribute(past, after);
		}
		this.#isStarted = true;
		this.#distributeSoon();
		this.#scheduleMark(MARK_DELAY_MS);
	}

	/** Ends what is under way; what is not delivered stays owed. */
	async stop(): Promise<void> {
		if (this.#stop.signal.aborted) return;
		this.#unlisten?.();
		this.#markTimer?.cancel();
		this.#stop.abort();
		await this.#distributing;
		await Promise.all(this.#running);
		await this.#saveMark();
	}

	/** Sends an EDU to these servers, or all of a room, soon or never; a later one with the same key replaces it. */
	sendEphemeral(to: RoomId | readonly ServerName[], key: string, edu: Edu): void {
		if (this.#pending.ephemeral.length >= EPHEMERAL_MAX) return;
		this.#pending.ephemeral.push({to, key, edu});
		this.#distributeSoon();
	}

	/** Says that a server has just sent us something or answered us, so that it is tried at once if it was failing. */
	noteContact(server: ServerName): void {
		this.#destinations.get(server)?.noteContact();
	}

	figures(): SenderFigures {
		const destinations = [...this.#destinations.values()];
		const waiting = destinations.filter(({isWaiting}) => isWaiting).length;
		return {
			active: destinations.length,
			failing: destinations.filter(({isFailing}) => isFailing).length,
			waiting,
			isIdle: this.#distributing === undefined && waiting === destinations.length,
		};
	}

	#concerns(server: ServerName): boolean {
		return server !== this.#options.serverName && this.#options.isAllowed(server) && !this.#stop.signal.aborted;
	}

	#hear(changes: readonly CommittedChange[]): void {
		this.#note(this.#pending, this.#context.recent.add(changes));
		this.#heardTo = changes.at(-1)?.pos ?? this.#heardTo;
	}

	/** Notes whom changes concern; called with each commit, so it only writes down what is in the changes themselves. */
	#note(undistributed: Undistributed, changes: readonly CommittedChange[]): void {
		const {rooms, users, servers} = undistributed;
		for (const change of changes) {
			const {kind, roomId, subject, pos} = change;
			const ended = endedServerOf(change);
			if (ended !== undefined && !servers.has(ended)) servers.set(ended, pos);
			if (roomId !== undefined && (kind === 'event' || (kind === 'receipt' && this.#isOurs(subject)))) {
				if (!rooms.has(roomId)) rooms.set(roomId, pos);
			} else if (kind === 'device_list' && this.#isOurs(subject)) {
				if (!users.has(subject)) users.set(subject, pos);
			} else if (kind === 'edu' && subject !== undefined) {
				const server = subject as ServerName;
				if (!servers.has(server)) servers.set(server, pos);
			} else {
				continue;
			}
			undistributed.first = Math.min(undistributed.first, pos);
		}
		this.#distributeSoon();
	}

	#isOurs(subject: string | undefined): subject is UserId {
		return isUserId(subject) && domainOf(subject) === this.#options.serverName;
	}

	/** Distributes what is noted, in a later turn: a burst of commits becomes one look-up for each room. */
	#distributeSoon(): void {
		if (!this.#isStarted) return;
		this.#distributing ??= this.#distributePending().finally(() => (this.#distributing = undefined));
	}

	async #distributePending(): Promise<void> {
		await Promise.resolve();
		while (hasSomething(this.#pending) && !this.#stop.signal.aborted) {
			const current = this.#pending;
			this.#current = current;
			this.#pending = createUndistributed();
			try {
				await this.#distribute(current, this.#options.storage.stream.head());
			} catch (error) {
				const kind = error instanceof StorageError ? 'store_failed' : 'broken';
				this.#options.onNotice({kind, server: undefined, error});
				restore(this.#pending, current);
				await this.#pause(STORE_RETRY_MS);
			}
			this.#current = undefined;
		}
	}

	/**
	 * Wakes the destinations that are concerned. All changes up to `upto` are in this round or were in one before: so a
	 * destination that starts now has been told everything before the first change of this round that concerns it.
	 */
	async #distribute(round: Undistributed, upto: Position): Promise<void> {
		const {memberships} = this.#options.storage;
		const firsts = new Map<ServerName, Position>();
		const owe = (server: ServerName, pos: Position): void => {
			if (this.#concerns(server)) firsts.set(server, Math.min(pos, firsts.get(server) ?? pos));
		};
		for (const [roomId, pos] of round.rooms) {
			for (const {server, toPos} of await memberships.listServerSpansOfRoom(roomId)) {
				// A server that one of these changes took out of the room is still owed it.
				if (toPos === null || toPos >= pos) owe(server, pos);
			}
		}
		for (const [userId, pos] of round.users) {
			for (const server of await memberships.listPeerServers(userId)) owe(server, pos);
		}
		for (const [server, pos] of round.servers) owe(server, pos);
		const ephemeral = await Promise.all(
			round.ephemeral.map(async (item) => ({
				...item,
				servers: typeof item.to === 'string' ? await memberships.listServers(item.to) : item.to,
			})),
		);
		// Nothing is awaited from here on: no destination may start between two steps of a round.
		for (const [server, pos] of firsts) this.#activate(server, pos - 1).markDirty();
		for (const {key, edu, servers} of ephemeral) {
			for (const server of servers) if (this.#concerns(server)) this.#activate(server, upto).addEphemeral(key, edu);
		}
	}

	/** Gives the running destination of a server, or starts one that has been told everything up to `from`. */
	#activate(server: ServerName, from: Position): Destination {
		const active = this.#destinations.get(server);
		if (active !== undefined) return active;
		const destination = new Destination(this.#context, server, from);
		this.#run(destination);
		return destination;
	}

	#run(destination: Destination): void {
		this.#destinations.set(destination.server, destination);
		const running = this.#runUntilDone(destination).finally(() => this.#running.delete(running));
		this.#running.add(running);
	}

	async #runUntilDone(destination: Destination): Promise<void> {
		do await destination.run();
		while (destination.hasWork && !this.#stop.signal.aborted);
		if (this.#stop.signal.aborted) return;
		this.#destinations.delete(destination.server);
		if (this.#isMarkSoon || !this.#isStarted) return;
		this.#isMarkSoon = true;
		this.#scheduleMark(MARK_SOON_MS);
	}

	async #loadMark(): Promise<void> {
		const {storage} = this.#options;
		const row = await storage.cursors.find(MARK);
		this.#mark = row?.acked ?? 0;
		this.#highestMark = this.#mark;
		if (row !== undefined) return;
		const batch = storage.batch();
		storage.cursors.add(batch, MARK, 0);
		await storage.commit(batch);
	}

	/** Starts the destinations whose rows hold a body or a failure. */
	async #loadUnfinished(): Promise<void> {
		let after: string | undefined;
		for (;;) {
			const rows = await this.#options.storage.cursors.list(CURSOR_PREFIX, {after, limit: PAGE});
			for (const row of rows) {
				const server = row.name.slice(CURSOR_PREFIX.length) as ServerName;
				const isUnfinished = row.inFlight !== null || row.failure !== null;
				if (!isUnfinished || !this.#concerns(server) || this.#destinations.has(server)) continue;
				this.#run(new Destination(this.#context, server, row.acked, row));
			}
			after = rows.at(-1)?.name;
			if (rows.length < PAGE) return;
		}
	}

	/** Up to where every change was told, or is noted in the row of the destination that it concerns. */
	#findMark(): Position {
		let mark = Math.min(this.#heardTo, this.#pending.first - 1, (this.#current?.first ?? Infinity) - 1);
		for (const {unmarkedFrom} of this.#destinations.values()) mark = Math.min(mark, unmarkedFrom ?? mark);
		return mark;
	}

	#scheduleMark(delayMs: number): void {
		this.#markTimer?.cancel();
		this.#markTimer = this.#options.clock.setTimer(delayMs, () => {
			this.#isMarkSoon = false;
			void this.#saveMark().finally(() => {
				if (!this.#stop.signal.aborted && !this.#isMarkSoon) this.#scheduleMark(MARK_DELAY_MS);
			});
		});
	}

	/** Writes the mark; one writing at a time. */
	async #saveMark(): Promise<void> {
		while (this.#savingMark !== undefined) await this.#savingMark;
		this.#savingMark = this.#writeMark().finally(() => (this.#savingMark = undefined));
		await this.#savingMark;
	}

	async #writeMark(): Promise<void> {
		const {storage, onNotice} = this.#options;
		const mark = this.#findMark();
		if (!this.#isStarted || mark <= this.#mark) return;
		// Before it is written: from now on it may be on disk.
		this.#highestMark = Math.max(mark, this.#highestMark);
		const batch = storage.batch();
		storage.cursors.advance(batch, MARK, this.#mark, mark);
		try {
			await storage.commit(batch);
			this.#mark = mark;
		} catch (error) {
			if (!(error instanceof StorageError)) throw error;
			onNotice({kind: 'store_failed', server: undefined, error});
			// It may be on disk all the same, or another process has moved it.
			this.#mark = (await storage.cursors.find(MARK).catch(() => undefined))?.acked ?? this.#mark;
		}
	}

	#pause(delayMs: number): Promise<void> {
		return new Promise((resolve) => {
			this.#options.clock.setTimer(delayMs, resolve);
			this.#stop.signal.addEventListener('abort', () => resolve(), {once: true});
		});
	}
}

function createUndistributed(): Undistributed {
	return {rooms: new Map(), users: new Map(), servers: new Map(), ephemeral: [], first: Infinity};
}

function hasSomething({first, ephemeral}: Undistributed): boolean {
	return first !== Infinity || ephemeral.length > 0;
}

/** Puts back what could not be distributed; its positions are the earlier ones. */
function restore(pending: Undistributed, failed: Undistributed): void {
	for (const [key, pos] of failed.rooms) pending.rooms.set(key, pos);
	for (const [key, pos] of failed.users) pending.users.set(key, pos);
	for (const [key, pos] of failed.servers) pending.servers.set(key, pos);
	pending.first = Math.min(pending.first, failed.first);
}
