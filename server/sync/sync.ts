import type {DeviceId, RandomBytes, UserId} from '../../crypto/index.ts';
import type {Clock, Engine, StoredEvent} from '../../federation/engine/index.ts';
import type {CommittedChange, Storage} from '../../storage/index.ts';
import type {Ephemeral, PresenceState} from '../ephemeral/index.ts';
import type {Events} from '../events/index.ts';
import type {CompiledFilter} from '../filters/index.ts';
import type {Outcome, PushRules} from '../push/index.ts';
import {SyncError} from './errors.ts';
import type {Moment} from './moment.ts';
import {listNotifications, type NotificationsFound, type NotificationsPage} from './notifications.ts';
import {Notifier, TIMEOUT_MS_MAX} from './notifier.ts';
import {createOldEvents, type OldEvents} from './old-events.ts';
import {RoomWatch} from './room-watch.ts';
import {RoomStates} from './room-states.ts';
import {RoomTails} from './room-tails.ts';
import {PartialRooms} from './partial-rooms.ts';
import {Summaries} from './summaries.ts';
import type {SlidingSyncRequest} from './sliding/request.ts';
import {SlidingSync} from './sliding/sliding-sync.ts';
import {readSyncToken} from './tokens.ts';
import {countInRooms, Unread} from './unread.ts';
import {makeAnswer} from './v3/answer.ts';
import {DeviceNews} from './v3/device.ts';
import {mayHaveNews, type Request} from './v3/news.ts';
import {SentMembers} from './v3/sent-members.ts';
import type {EncryptionSource, StateAfterName, SyncParts} from './v3/view.ts';

/** What sync is built from. */
export interface SyncDependencies {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly events: Events;
	readonly ephemeral: Ephemeral;
	readonly pushRules: PushRules;
	readonly encryption: EncryptionSource;
	readonly clock: Clock;
	/** Bytes that nobody can guess. */
	readonly random: RandomBytes;
	/** Told of a room that is left out because it cannot be read back from the database. */
	readonly onDamage?: ((cause: unknown) => void) | undefined;
}

/** What a device asks. */
export interface SyncRequest {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly filter: CompiledFilter;
	/** The token of the answer before; absent: the device knows nothing. */
	readonly since: string | undefined;
	readonly isFullState: boolean;
	readonly usesStateAfter: boolean;
	/** The name of what tells the state after; absent: that of the specification. */
	readonly stateAfterName?: StateAfterName | undefined;
	/** How the user is to be seen by others meanwhile. */
	readonly presence: PresenceState;
	/** How long to wait for news. */
	readonly timeoutMs: number;
	/** Ends the wait. */
	readonly signal: AbortSignal;
}

/** What changed for a device since its token. */
export interface Sync extends OldEvents {
	/**
	 * Answers a device, at once where there is news for it, and otherwise when there is or when its time is up. Gives
	 * JSON text.
	 * @throws SyncError
	 */
	sync(request: SyncRequest): Promise<string>;
	/**
	 * Answers a device over one of its connections of sliding sync, likewise. Gives JSON text.
	 * @throws SyncError
	 */
	slidingSync(request: SlidingSyncRequest): Promise<string>;
	/** Lists what a user was notified of, the newest first. */
	listNotifications(userId: UserId, page: NotificationsPage): Promise<NotificationsFound>;
	/** Says what a user's push rules make of an event. */
	judge(userId: UserId, event: StoredEvent): Promise<Outcome>;
	/** Counts what a user was notified of and has not read, in the latest of the rooms that the user is in. */
	countUnread(userId: UserId): Promise<number>;
	/** Stops following the stream. */
	close(): void;
}

/** Makes sync. */
export function createSync(dependencies: SyncDependencies): Sync {
	const {storage, events, ephemeral, clock} = dependencies;
	const watch = new RoomWatch();
	const {parts, notifier, unlisten} = createParts(dependencies, (changes) => {
		sliding.apply(changes);
		watch.apply(changes);
	});
	const {positions} = parts;
	const devices = new DeviceNews(storage, positions);

	/** Takes the user's rooms and the stream's head in one moment, in which they agree. */
	async function takeMoment(userId: UserId): Promise<Moment> {
		for (;;) {
			const feed = notifier.findFeed(userId) ?? (await notifier.getFeed(userId));
			if (feed.stale.size > 0) continue;
			const {touched, rooms, forgotten} = feed;
			return {feed, touched, rooms, forgotten, upto: storage.stream.head(), seq: ephemeral.head()};
		}
	}
	const sliding = new SlidingSync({...dependencies, parts, notifier, devices, takeMoment});

	return {
		async sync(request) {
			if (storage.dialect === 'postgres') await storage.barrier();
			const startPos = storage.stream.head();
			const token = readSince(request.since, {pos: startPos, epoch: ephemeral.epoch, seq: ephemeral.head()});
			const isOutdated = token !== undefined && token.pos < storage.stream.floor();
			const [since, outdated] = isOutdated ? [undefined, token] : [token, undefined];
			if (since && !positions.covers(since.pos)) await positions.cover(since.pos);
			ephemeral.presence.touch(request.userId, request.presence);
			const {userId, deviceId, signal} = request;
			const endMs = clock.monotonic() + Math.min(request.timeoutMs, TIMEOUT_MS_MAX);
			let mayWait = since !== undefined && !request.isFullState;
			for (;;) {
				const {feed, rooms, forgotten, upto, seq} = await takeMoment(userId);
				const timeoutMs = endMs - clock.monotonic();
				mayWait &&= timeoutMs > 0;
				const wish: Request = {...request, since, outdated, rooms, forgotten, upto, seq};
				// Who is going to wait is not made an answer of which it is known that nothing would be in it.
				if (!mayWait || mayHaveNews(parts, wish)) {
					const answer = await makeAnswer(parts, devices, wish);
					if (answer.hasNews || !mayWait) return answer.text;
				} else {
					await devices.acknowledge(wish);
				}
				const end = await notifier.wait(feed, {pos: upto, seq, startPos, deviceId, timeoutMs, signal});
				if (end === 'ended') throw new SyncError('session-ended', 'The session has ended');
				mayWait = end === 'changed';
			}
		},
		slidingSync: (request) => sliding.answer(request),
		...createOldEvents({...dependencies, parts, notifier, watch, takeMoment}),
		async listNotifications(userId, page) {
			if (storage.dialect === 'postgres') await storage.barrier();
			const {rooms} = await takeMoment(userId);
			const {tails, unread} = parts;
			return listNotifications({storage, events, tails, unread}, userId, [...rooms.values()], page);
		},
		judge: (userId, event) => parts.unread.judge(userId, event),
		async countUnread(userId) {
			const {rooms, upto} = await takeMoment(userId);
			return countInRooms(parts.unread, userId, [...rooms.values()], upto);
		},
		close() {
			unlisten();
			notifier.close();
		},
	};
}

/** Makes what answers are made of, and who wakes those who wait. `applyFirst` is told of changes before anybody is woken. */
function createParts(
	dependencies: SyncDependencies,
	applyFirst: (changes: readonly CommittedChange[]) => void,
): {parts: SyncParts; notifier: Notifier; unlisten: () => void} {
	const {storage, engine, events, pushRules, ephemeral, clock} = dependencies;
	const tails = new RoomTails(storage, engine);
	const summaries = new Summaries(storage);
	const partialRooms = new PartialRooms(storage);
	// First, so that who is woken finds the caches up to date: listeners are called in the order they came.
	const unlisten = storage.onCommitted((changes) => {
		tails.apply(changes);
		summaries.apply(changes);
		partialRooms.apply(changes);
		applyFirst(changes);
	});
	const notifier = new Notifier(storage, ephemeral, clock);
	const {positions} = notifier;
	const parts: SyncParts = {
		...dependencies,
		positions,
		tails,
		states: new RoomStates(storage, positions),
		summaries,
		partialRooms,
		unread: new Unread({storage, engine, events, pushRules, positions, tails, summaries}),
		sentMembers: new SentMembers(),
	};
	return {parts, notifier, unlisten};
}

function readSince(
	text: string | undefined,
	now: Parameters<typeof readSyncToken>[1],
): ReturnType<typeof readSyncToken> {
	if (text === undefined || text === '') return undefined;
	const since = readSyncToken(text, now);
	if (!since) throw new SyncError('invalid-token', 'since: not a token of this server');
	return since;
}
