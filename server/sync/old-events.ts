import type {DeviceId, RoomId, UserId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import type {CommittedChange, MembershipRow, Position} from '../../storage/index.ts';
import {readPlaceToken, type Unwanted} from '../events/index.ts';
import {SyncError} from './errors.ts';
import type {Moment} from './moment.ts';
import {type Notifier, TIMEOUT_MS_MAX} from './notifier.ts';
import type {RoomWatch} from './room-watch.ts';
import type {SyncDependencies} from './sync.ts';
import {writeSyncToken} from './tokens.ts';
import type {SyncParts} from './v3/view.ts';

/** Events of one answer. */
const EVENTS_MAX = 100;
/** Changes of the whole server that are looked through for one answer: who is further behind asks again. */
const SCANNED_MAX = 5_000;
/** People whose presence one answer tells of. */
const PEOPLE_MAX = 500;

/** Who waits, and for how long. */
export interface EventsWait {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly timeoutMs: number;
	/** Ends the wait. */
	readonly signal: AbortSignal;
}

/** What came in all of somebody's rooms, in the order of the stream. */
export interface EventsPage {
	readonly events: readonly StoredEvent[];
	readonly start: string;
	readonly end: string;
}

/** Where somebody begins who asks for everything at once. */
export interface Beginning {
	/** Their rooms, the latest changes of membership first. */
	readonly rooms: readonly MembershipRow[];
	/** The events by which they are invited. */
	readonly invites: ReadonlyMap<RoomId, StoredEvent>;
	/** Whose presence they may know, as JSON texts of events. */
	readonly presence: readonly string[];
	/** Stands for this moment: everything later is news to it. */
	readonly token: string;
}

/** What clients from before `/sync` ask. */
export interface OldEvents {
	/**
	 * Gives the events that came after a token, at once where there are any, and otherwise when there are or when the time
	 * is up. Without a token: those that come from now on.
	 * @throws SyncError
	 */
	listen(request: EventsWait & {readonly from: string | undefined}): Promise<EventsPage>;
	/**
	 * Looks at a room again whenever something happens in it, whoever is in it, until `look` gives something or the time
	 * is up.
	 * @throws SyncError 'session-ended', and what `look` throws
	 */
	lookInRoom<T>(wait: EventsWait, roomId: RoomId, look: () => Promise<T | undefined>): Promise<T | undefined>;
	/** Takes stock of somebody's rooms. */
	begin(userId: UserId): Promise<Beginning>;
}

interface OldEventsContext extends Pick<SyncDependencies, 'storage' | 'clock' | 'ephemeral'> {
	readonly parts: SyncParts;
	readonly notifier: Notifier;
	readonly watch: RoomWatch;
	readonly takeMoment: (userId: UserId) => Promise<Moment>;
}

/** Makes what answers them, on what sync has in memory. */
export function createOldEvents(context: OldEventsContext): OldEvents {
	const {storage, clock, ephemeral, parts, notifier, watch, takeMoment} = context;
	// Nothing is said of messages to devices: who goes on with `/sync` is given those that wait.
	const tokenOf = (pos: Position): string =>
		writeSyncToken({pos, epoch: ephemeral.epoch, seq: ephemeral.head(), toDevice: 0});
	const deadlineOf = (timeoutMs: number): number => clock.monotonic() + Math.min(timeoutMs, TIMEOUT_MS_MAX);

	return {
		async listen({userId, deviceId, from, timeoutMs, signal}) {
			if (storage.dialect === 'postgres') await storage.barrier();
			const startPos = storage.stream.head();
			const start = from === undefined || from === '' ? startPos : readFrom(from, storage.stream);
			const endMs = deadlineOf(timeoutMs);
			let after = start;
			for (let mayWait = true; ; ) {
				const {feed, rooms, upto, seq} = await takeMoment(userId);
				const found = await listAfter(parts, userId, rooms, {after, upto});
				after = found.upto;
				const leftMs = endMs - clock.monotonic();
				if (found.events.length > 0 || found.upto < upto || !mayWait || leftMs <= 0) {
					return {events: found.events, start: tokenOf(start), end: tokenOf(after)};
				}
				const end = await notifier.wait(feed, {pos: upto, seq, startPos, deviceId, timeoutMs: leftMs, signal});
				mayWait = checkEnd(end) === 'changed';
			}
		},
		async lookInRoom({userId, deviceId, timeoutMs, signal}, roomId, look) {
			const startPos = storage.stream.head();
			const endMs = deadlineOf(timeoutMs);
			for (let mayWait = true; ; ) {
				const {feed, upto, seq} = await takeMoment(userId);
				const woken = new AbortController();
				// First of all, so that nothing comes between looking and waiting.
				const stop = watch.add(roomId, () => woken.abort());
				try {
					const found = await look();
					const leftMs = endMs - clock.monotonic();
					if (found !== undefined || !mayWait || leftMs <= 0) return found;
					const either = AbortSignal.any([signal, woken.signal]);
					const wait = {pos: upto, seq, startPos, deviceId, timeoutMs: leftMs, signal: either};
					const end = checkEnd(await notifier.wait(feed, wait));
					mayWait = !signal.aborted && (end === 'changed' || woken.signal.aborted);
				} finally {
					stop();
				}
			}
		},
		async begin(userId) {
			if (storage.dialect === 'postgres') await storage.barrier();
			const {rooms: byId, upto} = await takeMoment(userId);
			const rooms = [...byId.values()].toSorted((a, b) => b.pos - a.pos);
			const invites = await listInvites(parts, userId, rooms);
			return {rooms, invites, presence: await listPresence(parts, userId), token: tokenOf(upto)};
		},
	};
}

function checkEnd<End extends string>(end: End): End {
	if (end === 'ended') throw new SyncError('session-ended', 'The session has ended');
	return end;
}

/** Reads a token of any endpoint that gives some; events that it may have been given with are not news to it. */
function readFrom(from: string, stream: SyncDependencies['storage']['stream']): Position {
	const point = readPlaceToken(from);
	const pos = point && (point.minor >= 1 ? point.anchor : point.anchor - 1);
	if (pos === undefined || pos < 0 || pos > stream.head()) {
		throw new SyncError('invalid-token', 'from: not a token of this server');
	}
	if (pos < stream.floor()) throw new SyncError('invalid-token', 'from: too old; what came since is told by /sync');
	return pos;
}

/** Lists what came in somebody's rooms, as far as they may see it, and up to where was looked. */
async function listAfter(
	{storage, engine, events}: SyncParts,
	userId: UserId,
	rooms: Moment['rooms'],
	{after, upto}: {readonly after: Position; readonly upto: Position},
): Promise<{readonly events: readonly StoredEvent[]; readonly upto: Position}> {
	if (after >= upto) return {events: [], upto: after};
	const changes = await storage.stream.list({after, upto, kinds: ['event', 'membership'], limit: SCANNED_MAX});
	const unwanted = await events.findUnwanted(userId);
	const all = changes.filter((change) => concerns(change, userId, rooms, unwanted));
	const page = all.slice(0, EVENTS_MAX);
	const isCut = page.length < all.length;
	const scanned = changes.length < SCANNED_MAX ? upto : (changes.at(-1)?.pos ?? upto);
	const nids = page.flatMap(({ref}) => (ref === undefined ? [] : [ref]));
	const rows = await storage.events.findByNids(nids);
	const stored = await engine.readRows(nids.flatMap((nid) => rows.get(nid) ?? []));
	const heard = stored.filter(({row}) => row.stateKey !== null || !unwanted.users.has(row.sender));
	const visible = new Set(await events.filterVisible(userId, heard));
	const shown = heard.filter((event) => visible.has(event) || isOwnMembership(event, userId));
	return {events: shown, upto: isCut ? (page.at(-1)?.pos ?? scanned) : scanned};
}

/** Whether a change is of a room that the user is in, or was until then, or of the user's own standing. */
function concerns(
	{kind, roomId, subject, ref, pos}: CommittedChange,
	userId: UserId,
	rooms: Moment['rooms'],
	unwanted: Unwanted,
): boolean {
	const row = roomId === undefined ? undefined : rooms.get(roomId);
	if (!row || ref === undefined) return false;
	const isOwn = subject === userId;
	switch (row.membership) {
		case 'join':
			return kind === 'event';
		case 'leave':
		case 'ban':
			return pos <= row.pos && (isOwn || kind === 'event');
		case 'invite':
			return isOwn && !unwanted.invites && !unwanted.users.has(row.sender);
		case 'knock':
			return isOwn;
		default:
			return row.membership satisfies never;
	}
}

function isOwnMembership({row, pdu}: StoredEvent, userId: UserId): boolean {
	return pdu.type === 'm.room.member' && pdu.stateKey === userId && row.rejected === null && !row.softFailed;
}

async function listInvites(
	{storage, engine, events}: SyncParts,
	userId: UserId,
	rooms: readonly MembershipRow[],
): Promise<Map<RoomId, StoredEvent>> {
	const unwanted = await events.findUnwanted(userId);
	const invites = unwanted.invites ? [] : rooms.filter(({membership}) => membership === 'invite');
	const nids = invites.flatMap(({sender, eventNid}) =>
		eventNid === null || unwanted.users.has(sender) ? [] : [eventNid],
	);
	const rows = await storage.events.findByNids(nids);
	const stored = await engine.readRows([...rows.values()]);
	return new Map(stored.map((event) => [event.pdu.roomId, event]));
}

async function listPresence({storage, ephemeral: {presence}}: SyncParts, userId: UserId): Promise<string[]> {
	const known = presence.isOn ? presence.listChanged(0).slice(0, PEOPLE_MAX) : [];
	const visible = new Set(known.length === 0 ? [] : await storage.memberships.listSharing(userId, known));
	return known
		.filter((other) => other === userId || visible.has(other))
		.map((sender) => JSON.stringify({type: 'm.presence', sender, content: presence.describe(sender)}));
}
