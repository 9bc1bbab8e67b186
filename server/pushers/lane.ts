import {type Clock, type Engine, pause, type Random, type StoredEvent} from '../../federation/engine/index.ts';
import {
	type FetchedAnswer,
	LISTENER_PACE,
	nextFailure,
	OutboundError,
	timeUntilRetry,
} from '../../federation/outbound/index.ts';
import {
	ConflictError,
	type CursorRow,
	type EventNid,
	type InFlight,
	type Position,
	type Storage,
} from '../../storage/index.ts';
import type {Outcome} from '../push/index.ts';
import {makeBody, readRejected, wantsCount} from './payload.ts';
import {announcedName, cursorName, findGateway, type SetPusher} from './pusher.ts';

/** A phone that is further behind finds the rest when it syncs; the newest count more. */
const WAITING_MAX = 1000;
/** What happened a day ago is no news. */
const NEWS_MS = 86_400_000;
/** After a failure of our own. */
const BROKEN_RETRY_MS = 5000;
/** Answers to a body that the gateway will not take, however often it is sent. */
const HOPELESS_STATUSES: ReadonlySet<number> = new Set([400, 413, 422]);

/** Something that a pusher is to be told: an event, or that the count may have gone down. */
export interface News {
	readonly pos: Position;
	readonly event?: {readonly nid: EventNid; readonly outcome: Outcome};
}

/** What lanes share. */
export interface LaneContext {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly clock: Clock;
	readonly random: Random;
	/** Sends a body to a gateway. @throws OutboundError */
	readonly post: (url: URL, body: string, signal: AbortSignal) => Promise<FetchedAnswer>;
	/** Counts what a user has not read. */
	readonly countUnread: (userId: SetPusher['userId']) => Promise<number>;
	readonly onProblem: (cause: unknown) => void;
}

/**
 * Tells one pusher, one thing after the other. A body is on disk before it is first sent and is sent again as it was,
 * so that the gateway can recognise it; the cursor moves when it was taken.
 */
export class Lane {
	pusher: SetPusher;
	readonly #context: LaneContext;
	readonly #name: string;
	readonly #stop = new AbortController();
	#row: CursorRow;
	#waiting: News[] = [];
	#running: Promise<void> | undefined;
	/** What the pusher was told last; unknown after a start. */
	#told: number | undefined;

	constructor(context: LaneContext, pusher: SetPusher, row: CursorRow) {
		this.#context = context;
		this.pusher = pusher;
		this.#row = row;
		this.#name = cursorName(pusher.userId, pusher);
		if (row.inFlight) this.#runSoon();
	}

	/** Up to where nothing waits; `undefined`: nothing waits at all. */
	get waitsFrom(): Position | undefined {
		return this.#row.inFlight?.to ?? this.#waiting[0]?.pos;
	}

	/** Whether it tells nobody any more. */
	get isEnded(): boolean {
		return this.#stop.signal.aborted;
	}

	/** Where its queue begins after a restart, if it has something unfinished on disk. */
	get unfinishedFrom(): Position | undefined {
		return this.#row.inFlight === null ? undefined : this.#row.acked;
	}

	/** Adds news, in the order of positions. */
	add(news: News): void {
		if (news.pos <= (this.#row.inFlight?.to ?? this.#row.acked)) return;
		if (!news.event) {
			if (!wantsCount(this.pusher)) return;
			if (this.#waiting.at(-1)?.event === undefined) this.#waiting.pop();
		}
		if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift();
		this.#waiting.push(news);
		this.#runSoon();
	}

	/** Ends it; what is not delivered stays where it is. */
	async stop(): Promise<void> {
		this.#stop.abort();
		await this.#running;
	}

	#runSoon(): void {
		this.#running ??= this.#run().finally(() => (this.#running = undefined));
	}

	async #run(): Promise<void> {
		const {signal} = this.#stop;
		await Promise.resolve();
		while (!signal.aborted && this.waitsFrom !== undefined) {
			try {
				if (this.#row.inFlight) await this.#send(this.#row.inFlight);
				else await this.#freeze(this.#waiting[0]!);
			} catch (error) {
				if (signal.aborted) return;
				if (!(error instanceof ConflictError)) {
					this.#context.onProblem(error);
					await pause(this.#context.clock, BROKEN_RETRY_MS, signal);
				}
				await this.#reload().catch((cause: unknown) => this.#context.onProblem(cause));
			}
		}
	}

	async #reload(): Promise<void> {
		const row = await this.#context.storage.cursors.find(this.#name);
		// Without a row the pusher is gone.
		if (row === undefined) this.#stop.abort();
		else this.#row = row;
		this.#waiting = this.#waiting.filter(({pos}) => pos > this.#row.acked);
	}

	/** Makes the body of what waits first, if there still is something to say. */
	async #freeze(news: News): Promise<void> {
		const {storage, clock} = this.#context;
		const made = await this.#make(news);
		if (made !== undefined) {
			const inFlight: InFlight = {txnId: String(made.untilTs), to: news.pos, body: made.body};
			const batch = storage.batch();
			storage.cursors.freeze(batch, this.#name, this.#row.acked, inFlight);
			await storage.commit(batch);
			this.#row = {...this.#row, inFlight};
		}
		if (this.#waiting[0] === news) this.#waiting.shift();
		if (made !== undefined && made.untilTs > clock.now()) this.#told = made.unread ?? this.#told;
	}

	async #make({
		event,
	}: News): Promise<
		{readonly body: string; readonly unread: number | undefined; readonly untilTs: number} | undefined
	> {
		const {clock, countUnread} = this.#context;
		const {pusher} = this;
		const stored = event && (await this.#findEvent(event.nid));
		if (event && !stored) return undefined;
		const unread = wantsCount(pusher) ? await countUnread(pusher.userId) : undefined;
		const untilTs = (stored?.row.receivedTs ?? clock.now()) + NEWS_MS;
		if (event && stored)
			return {body: makeBody(pusher, unread, {event: stored, outcome: event.outcome}), unread, untilTs};
		if (unread === undefined || (this.#told !== undefined && unread >= this.#told)) return undefined;
		return {body: makeBody(pusher, unread), unread, untilTs};
	}

	/** Finds an event that is still worth telling. */
	async #findEvent(nid: EventNid): Promise<StoredEvent | undefined> {
		const {storage, engine, clock} = this.#context;
		const row = (await storage.events.findByNids([nid])).get(nid);
		if (row === undefined || row.redactedBy !== null || row.receivedTs + NEWS_MS <= clock.now()) return undefined;
		return (await engine.readRows([row]))[0];
	}

	async #send(inFlight: InFlight): Promise<void> {
		const {clock} = this.#context;
		const {failure} = this.#row;
		const waitMs = failure ? timeUntilRetry(failure, clock.now(), LISTENER_PACE) : 0;
		if (waitMs > 0) await pause(clock, waitMs, this.#stop.signal);
		if (this.#stop.signal.aborted) return;
		if (Number(inFlight.txnId) <= clock.now()) {
			await this.#advance(inFlight, {keepsFailure: true});
			return;
		}
		const answer = await this.#post(inFlight.body);
		if (answer === undefined) return this.#fail();
		const {status, body, headers} = answer;
		if (HOPELESS_STATUSES.has(status)) return this.#advance(inFlight, {keepsFailure: false});
		if (status < 200 || status > 299) return this.#fail(Number(headers['retry-after'] ?? 0) * 1000 || 0);
		if (readRejected(body).includes(this.pusher.pushkey)) await this.#remove();
		else await this.#advance(inFlight, {keepsFailure: false});
	}

	async #post(body: string): Promise<FetchedAnswer | undefined> {
		try {
			return await this.#context.post(findGateway(this.pusher.data), body, this.#stop.signal);
		} catch (error) {
			if (error instanceof OutboundError) return undefined;
			throw error;
		}
	}

	async #advance({to}: InFlight, {keepsFailure}: {readonly keepsFailure: boolean}): Promise<void> {
		const {storage} = this.#context;
		const failure = keepsFailure ? this.#row.failure : null;
		const batch = storage.batch();
		storage.cursors.advance(batch, this.#name, this.#row.acked, to);
		if (failure) storage.cursors.setFailure(batch, this.#name, failure);
		await storage.commit(batch);
		this.#row = {...this.#row, acked: to, inFlight: null, failure};
	}

	async #fail(retryAfterMs = 0): Promise<void> {
		if (this.#stop.signal.aborted) return;
		const {storage, clock, random} = this.#context;
		const failure = nextFailure(this.#row.failure, clock.now(), LISTENER_PACE, random, retryAfterMs);
		const batch = storage.batch();
		storage.cursors.setFailure(batch, this.#name, failure);
		await storage.commit(batch);
		this.#row = {...this.#row, failure};
	}

	/** The gateway knows that the phone has gone. */
	async #remove(): Promise<void> {
		const {storage} = this.#context;
		const {userId, appId, pushkey} = this.pusher;
		const batch = storage.batch();
		storage.pushers.remove(batch, userId, appId, pushkey);
		storage.cursors.remove(batch, this.#name);
		batch.announce({kind: 'cursor', subject: announcedName(this.pusher.userId)});
		await storage.commit(batch);
		this.#stop.abort();
	}
}
