import type {UserId} from '../../crypto/index.ts';
import {pause, type StoredEvent, type Timer} from '../../federation/engine/index.ts';
import {type CommittedChange, type CursorRow, type Position, StorageError} from '../../storage/index.ts';
import type {Events} from '../events/index.ts';
import type {Outcome} from '../push/index.ts';
import {Lane, type LaneContext} from './lane.ts';
import {cursorName, cursorPrefix, findCursorOwner, readPusher} from './pusher.ts';
import {Recipients} from './recipients.ts';

/** The cursor of the delivery itself: up to there everything was told, or waits in the row of its pusher. */
const MARK = 'push';
/** What lies after the mark is only judged again, after a crash. */
const MARK_DELAY_MS = 60_000;
const STORE_RETRY_MS = 5000;
const PAGE = 1000;
/** Changes that a pusher may have to be told of, or that say who has one where; the others come in hundreds. */
const TOLD_KINDS: ReadonlySet<CommittedChange['kind']> = new Set([
	'account',
	'cursor',
	'device',
	'event',
	'membership',
	'receipt',
	'state',
]);

/** What delivery is built with. */
export interface DeliveryContext extends LaneContext {
	readonly events: Pick<Events, 'filterVisible' | 'findUnwanted'>;
	/** Says what a user's rules make of an event. */
	readonly judge: (userId: UserId, event: StoredEvent) => Promise<Outcome>;
}

/**
 * Tells push gateways what happens. There is no queue: what a pusher is to be told is what the stream holds after its
 * cursor. Each change is looked at once, for all who are concerned and have pushers.
 */
export class Delivery {
	readonly #context: DeliveryContext;
	readonly #recipients: Recipients;
	readonly #lanes = new Map<UserId, Map<string, Lane>>();
	/** Who has pushers and is locked: their devices are told nothing, for they may be in somebody else's hands. */
	readonly #locked = new Set<UserId>();
	#pending: CommittedChange[] = [];
	#distributing: Promise<void> | undefined;
	#isStarted = false;
	readonly #stop = new AbortController();
	#mark: Position = 0;
	#done: Position = 0;
	#markTimer: Timer | undefined;
	#unlisten: (() => void) | undefined;

	constructor(context: DeliveryContext) {
		this.#context = context;
		this.#recipients = new Recipients(context.storage);
	}

	/** Takes up what was not finished, and goes on with each commit. */
	async start(): Promise<void> {
		const {storage} = this.#context;
		this.#unlisten = storage.onCommitted((changes) => this.#hear(changes));
		const head = storage.stream.head();
		await this.#loadMark(head);
		await this.#loadAll();
		let after = Math.min(this.#mark, ...this.#listLanes().map(({unfinishedFrom}) => unfinishedFrom ?? this.#mark));
		while (after < head && this.#lanes.size > 0) {
			const changes = await storage.stream.list({after, upto: head, kinds: ['event', 'membership'], limit: PAGE});
			for (const change of changes) await this.#distribute(change);
			after = changes.length < PAGE ? head : (changes.at(-1)?.pos ?? head);
		}
		this.#done = head;
		this.#isStarted = true;
		this.#distributeSoon();
		this.#scheduleMark();
	}

	/** Ends what is under way; what is not delivered is told after the next start. */
	async stop(): Promise<void> {
		if (this.#isStopped) return;
		this.#stop.abort();
		this.#unlisten?.();
		this.#markTimer?.cancel();
		await this.#distributing;
		await Promise.all(this.#listLanes().map((lane) => lane.stop()));
		if (this.#isStarted) await this.#saveMark();
	}

	get #isStopped(): boolean {
		return this.#stop.signal.aborted;
	}

	#listLanes(): Lane[] {
		return [...this.#lanes.values()].flatMap((lanes) => [...lanes.values()]);
	}

	#hear(changes: readonly CommittedChange[]): void {
		this.#pending.push(...changes);
		this.#distributeSoon();
	}

	#distributeSoon(): void {
		if (!this.#isStarted) return;
		this.#distributing ??= this.#distributePending().finally(() => (this.#distributing = undefined));
	}

	async #distributePending(): Promise<void> {
		await Promise.resolve();
		while (this.#pending.length > 0 && !this.#isStopped) {
			const changes = this.#pending;
			this.#pending = [];
			for (const change of changes) {
				if (this.#isStopped) return;
				if (TOLD_KINDS.has(change.kind)) await this.#distribute(change);
				this.#done = change.pos;
			}
		}
	}

	/** Distributes one change, again and again where the database fails: what follows it may not overtake it. */
	async #distribute(change: CommittedChange): Promise<void> {
		const {clock, onProblem} = this.#context;
		this.#recipients.apply(change);
		for (;;) {
			try {
				await this.#tell(change);
				return;
			} catch (error) {
				onProblem(error);
				// What only this change is wrong with must not hold up the others.
				if (!(error instanceof StorageError) || error.code === 'corrupt') return;
				await pause(clock, STORE_RETRY_MS, this.#stop.signal);
				if (this.#isStopped) return;
			}
		}
	}

	async #tell(change: CommittedChange): Promise<void> {
		const {kind, subject, roomId, pos} = change;
		if (kind === 'device' || kind === 'account') {
			if (this.#recipients.has(subject) || this.#locked.has(subject as UserId)) await this.#loadUser(subject as UserId);
		} else if (kind === 'cursor') {
			const owner = findCursorOwner(subject);
			if (owner !== undefined) await this.#loadUser(owner);
		} else if (kind === 'receipt') {
			if (this.#recipients.has(subject)) this.#add(subject, {pos});
		} else if (kind === 'membership') {
			if (this.#recipients.has(subject)) await this.#tellEvent(change, [subject]);
		} else if (kind === 'event' && roomId !== undefined) {
			const members = await this.#recipients.listOfRoom(roomId);
			// Who is invited is no member yet.
			const isInvited = this.#recipients.has(subject) && !members.includes(subject);
			await this.#tellEvent(change, isInvited ? [...members, subject] : members);
		}
	}

	async #tellEvent({ref, pos}: CommittedChange, users: readonly UserId[]): Promise<void> {
		if (ref === undefined || users.length === 0) return;
		const {storage, engine} = this.#context;
		const row = (await storage.events.findByNids([ref])).get(ref);
		const [event] = row ? await engine.readRows([row]) : [];
		if (!event) return;
		for (const userId of users) {
			const outcome = await this.#judge(userId, event);
			if (outcome?.notifies) this.#add(userId, {pos, event: {nid: event.row.nid, outcome}});
		}
	}

	async #judge(userId: UserId, event: StoredEvent): Promise<Outcome | undefined> {
		const {events, judge} = this.#context;
		const {pdu, row} = event;
		if (row.sender === userId) return undefined;
		const unwanted = await events.findUnwanted(userId);
		if (unwanted.users.has(row.sender)) return undefined;
		// First the rules, which mostly say no and cost least.
		const outcome = await judge(userId, event);
		if (!outcome.notifies) return undefined;
		// An invite is seen by who is invited, whatever the room's history says.
		if (pdu.type === 'm.room.member' && pdu.stateKey === userId && pdu.content['membership'] === 'invite') {
			return unwanted.invites ? undefined : outcome;
		}
		const [visible] = await events.filterVisible(userId, [event]);
		return visible && outcome;
	}

	#add(userId: UserId, news: Parameters<Lane['add']>[0]): void {
		for (const lane of this.#lanes.get(userId)?.values() ?? []) lane.add(news);
	}

	async #loadAll(): Promise<void> {
		const {storage} = this.#context;
		const owners = new Set((await storage.pushers.list()).map(({userId}) => userId));
		let after: string | undefined;
		for (;;) {
			const rows = await storage.cursors.list(cursorPrefix(), {after, limit: PAGE});
			for (const {name} of rows) owners.add(findCursorOwner(name)!);
			after = rows.at(-1)?.name;
			if (rows.length < PAGE) break;
		}
		for (const owner of owners) await this.#loadUser(owner);
	}

	/** Makes the lanes of a user what the pushers are; cursors of pushers that ended with their session are removed. */
	async #loadUser(userId: UserId): Promise<void> {
		const {storage} = this.#context;
		const pushers = (await storage.pushers.listOfUser(userId)).map(readPusher);
		const rows = new Map<string, CursorRow>();
		for (const row of await storage.cursors.list(cursorPrefix(userId), {limit: PAGE})) rows.set(row.name, row);
		const isLocked = pushers.length > 0 && (await storage.accounts.find(userId))?.isLocked === true;
		const lanes = this.#lanes.get(userId) ?? new Map<string, Lane>();
		const named = new Map(pushers.map((pusher) => [cursorName(userId, pusher), pusher] as const));
		for (const [name, lane] of lanes) {
			const pusher = named.get(name);
			if (pusher?.isEnabled && !isLocked && rows.has(name) && !lane.isEnded) continue;
			lanes.delete(name);
			await lane.stop();
		}
		for (const [name, pusher] of named) {
			const [lane, row] = [lanes.get(name), rows.get(name)];
			if (lane) lane.pusher = pusher;
			else if (pusher.isEnabled && !isLocked && row) lanes.set(name, new Lane(this.#context, pusher, row));
		}
		if (lanes.size > 0) this.#lanes.set(userId, lanes);
		else this.#lanes.delete(userId);
		this.#recipients.set(userId, lanes.size > 0);
		if (isLocked) this.#locked.add(userId);
		else this.#locked.delete(userId);
		const batch = storage.batch();
		for (const name of rows.keys()) if (!named.has(name)) storage.cursors.remove(batch, name);
		if (!batch.isEmpty) await storage.commit(batch);
	}

	async #loadMark(head: Position): Promise<void> {
		const {storage} = this.#context;
		const row = await storage.cursors.find(MARK);
		this.#mark = row?.acked ?? head;
		if (row !== undefined) return;
		const batch = storage.batch();
		storage.cursors.add(batch, MARK, head);
		await storage.commit(batch);
	}

	#scheduleMark(): void {
		this.#markTimer = this.#context.clock.setTimer(MARK_DELAY_MS, () => {
			void this.#saveMark().finally(() => {
				if (!this.#isStopped) this.#scheduleMark();
			});
		});
	}

	async #saveMark(): Promise<void> {
		const {storage, onProblem} = this.#context;
		const waiting = this.#listLanes().map(({waitsFrom}) => (waitsFrom ?? Infinity) - 1);
		const mark = Math.min(this.#done, ...waiting);
		if (mark <= this.#mark) return;
		const batch = storage.batch();
		storage.cursors.advance(batch, MARK, this.#mark, mark);
		try {
			await storage.commit(batch);
			this.#mark = mark;
		} catch (error) {
			onProblem(error);
		}
	}
}
