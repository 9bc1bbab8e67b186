import {domainOf, type EventId, isUserId, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {AnnouncedPosition, Batch, EventNid, MembershipRow, Storage} from '../../storage/index.ts';
import {type Membership, membershipOf, type Pdu, type RoomVersionId} from '../rooms/index.ts';
import {eventFacts, extraOf} from './event-facts.ts';
import type {RoomState} from './room-state.ts';
import type {KnownEvent} from './stored-events.ts';
import {threadOf} from './thread-counts.ts';

/** Forward extremities that a new event names at most; the specification allows 20. */
const PREV_EVENTS_MAX = 10;

/** Threads whose running counts a head holds; others are read when they are written to. */
const THREADS_MAX = 256;

/**
 * States after extremities that a head holds. Fewer can be on their way to the disk at once: each batch that flies adds one
 * line of events of this server, and one from outside.
 */
const ENDS_MAX = 16;

/** What a room has come to: the value that a turn is computed from, and the value that it gives. */
export interface Head {
	readonly version: number;
	readonly extremities: readonly EventId[];
	/** The depth of the deepest extremity. */
	readonly depth: number;
	readonly state: RoomState;
	/** The states after the newest extremities: those that are on their way to the disk are nowhere else to be had. */
	readonly ends: ReadonlyMap<EventId, RoomState>;
	/** Joined members of each server, counted once the first membership change needs it. */
	readonly joined: ReadonlyMap<ServerName, number> | undefined;
	readonly notifyCount: number;
	/** Running notification counts of threads that were written to since the room came into memory. */
	readonly threads: ReadonlyMap<EventId, number>;
	readonly isPartial: boolean;
}

/** Which server and database a draft is written for. */
export interface DraftContext {
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly now: () => number;
	/** Whether an event notifies by the default push rules: the running counts are made of it. */
	readonly notifies: (pdu: Pdu) => boolean;
}

/** An event that a redaction takes effect on. */
export interface Redacted {
	readonly nid: EventNid;
	/** The event that it relates to, and no longer will. */
	readonly parent: EventId | undefined;
}

/** How an event enters the room. */
export interface Entrance {
	readonly stateBefore: RoomState;
	readonly isSoftFailed: boolean;
	readonly relay: boolean;
	/** The running count of the event's thread before it. */
	readonly threadNotifyCount: number;
	readonly extremities: readonly EventId[];
	/** The current state after the event: that of the extremities, resolved. */
	readonly state: RoomState;
	/** The state after the event itself, where it is an extremity. */
	readonly after: RoomState | undefined;
	/** The entries in which `state` differs from the head's, other than the event itself, with their events loaded. */
	readonly changes: readonly {readonly before: KnownEvent | undefined; readonly after: KnownEvent | undefined}[];
	/** Events before this one that this server has not. */
	readonly missing: readonly EventId[];
	/** The event that it redacts. */
	readonly redactionOf: Redacted | undefined;
	/** Whether the event is stored already, as an outlier. */
	readonly replaces: boolean;
}

/** What makes a partial room whole. */
export interface Completion {
	/** The events that came while it was partial, as they are judged by the whole state. */
	readonly events: readonly {
		readonly nid: EventNid;
		readonly stateBefore: RoomState;
		readonly rejected: string | null;
	}[];
	/** The state of the extremities, and those after each of them. */
	readonly state: RoomState;
	readonly ends: Head['ends'];
	/** In what it differs from the head's. */
	readonly changes: readonly {readonly before: KnownEvent | undefined; readonly after: KnownEvent | undefined}[];
	/** The memberships of our people in the room, as they stay. */
	readonly ours: readonly Omit<MembershipRow, 'pos' | 'forgotten'>[];
	/** All servers that events of the room were sent to. */
	readonly servers: readonly ServerName[];
}

/** Chooses the `prev_events` of a new event: the newest extremities, a bounded number. */
export function choosePrevEvents(head: Head): readonly EventId[] {
	return head.extremities.slice(-PREV_EVENTS_MAX);
}

/** Whether a new event can name all extremities. */
export function namesAll(head: Head): boolean {
	return head.extremities.length <= PREV_EVENTS_MAX;
}

/**
 * A head on its way to the next one, with the writes that bring it there. Synchronous throughout: a turn fills it, and
 * `finish` gives the head that stands once the batch is committed.
 */
export class Draft {
	readonly batch: Batch;
	readonly announced: {readonly pdu: Pdu; readonly nid: EventNid; readonly pos: AnnouncedPosition}[] = [];
	readonly #context: DraftContext;
	readonly #roomId: RoomId;
	readonly #from: Head;
	#head: Head;
	#rootPos: AnnouncedPosition | null = null;
	/** The counts of the servers' members, once this draft has changed one. */
	#joined: Map<ServerName, number> | undefined;

	constructor(context: DraftContext, roomId: RoomId, head: Head) {
		this.#context = context;
		this.#roomId = roomId;
		this.#head = head;
		this.#from = head;
		this.batch = context.storage.batch();
	}

	get head(): Head {
		return this.#head;
	}

	/** Adds a room that has no row yet. */
	addRoom(version: RoomVersionId, creator: UserId | null): void {
		this.#context.storage.rooms.add(this.batch, {roomId: this.#roomId, version, creator});
	}

	/** Adds an event that is part of the graph, and moves the head past it unless it is soft-failed. */
	append(event: KnownEvent, entrance: Entrance): AnnouncedPosition | null {
		const {pdu, nid} = event;
		const {storage} = this.#context;
		const counts = entrance.isSoftFailed ? 0 : Number(this.#context.notifies(pdu));
		const thread = threadOf(pdu);
		const threadCount =
			thread === undefined ? 0 : (this.#head.threads.get(thread) ?? entrance.threadNotifyCount) + counts;
		const notifyCount = this.#head.notifyCount + (thread === undefined ? counts : 0);
		const pos = entrance.isSoftFailed ? null : this.#announce(event, entrance);
		const write = entrance.replaces ? 'replace' : 'add';
		storage.events[write](this.batch, {
			...eventFacts(event, this.#context.now()),
			stateBefore: entrance.stateBefore.root,
			statePartial: this.#head.isPartial,
			rejected: null,
			softFailed: entrance.isSoftFailed,
			outlier: false,
			notifyCount,
			threadNotifyCount: threadCount,
			anchor: pos,
			minor: pos && 0,
		});
		storage.state.save(this.batch, entrance.stateBefore.snapshot);
		if (entrance.missing.length > 0) storage.events.addGap(this.batch, this.#roomId, nid, entrance.missing);
		if (!pos) return null;
		if (entrance.redactionOf) storage.events.setRedactedBy(this.batch, entrance.redactionOf.nid, nid);
		this.#moveState(event, entrance, pos);
		this.#head = {
			...this.#head,
			extremities: entrance.extremities,
			depth: Math.max(this.#head.depth, pdu.depth),
			state: entrance.state,
			ends: withEnd(this.#head.ends, entrance, pdu.eventId),
			notifyCount,
			threads: thread === undefined ? this.#head.threads : withCount(this.#head.threads, thread, threadCount),
		};
		return pos;
	}

	/** Adds an event that the rules refuse: it is known, and nothing else. */
	appendRejected(event: KnownEvent, reason: string, stateBefore: RoomState | null, replaces: boolean): void {
		const {storage} = this.#context;
		if (stateBefore) storage.state.save(this.batch, stateBefore.snapshot);
		const write = replaces ? 'replace' : 'add';
		storage.events[write](this.batch, {
			...eventFacts(event, this.#context.now()),
			stateBefore: stateBefore?.root ?? null,
			statePartial: stateBefore !== null && this.#head.isPartial,
			rejected: reason,
			softFailed: false,
			outlier: false,
			notifyCount: 0,
			threadNotifyCount: 0,
			anchor: null,
			minor: null,
		});
	}

	/** Writes the move of the head, and gives the head that holds from the commit on. */
	finish(): Head {
		const {storage} = this.#context;
		const head: Head = {...this.#head, version: this.#from.version + 1};
		storage.state.save(this.batch, head.state.snapshot);
		storage.rooms.moveHead(this.batch, {
			roomId: this.#roomId,
			fromVersion: this.#from.version,
			fromExtremities: this.#from.extremities,
			root: head.state.root,
			pos: this.#rootPos,
			extremities: head.extremities,
			depth: head.depth,
			notifyCount: head.notifyCount,
			isPartial: head.isPartial,
		});
		this.#head = head;
		return head;
	}

	/**
	 * Enters a room by our own join: the head's state is what the resident server's answer says, and every entry of it is
	 * written. `stale` are the entries of the state that this server knew when it left the room.
	 */
	installBy(
		join: KnownEvent,
		from: {
			readonly entries: readonly KnownEvent[];
			readonly stale: readonly KnownEvent[];
			readonly replaces: boolean;
			readonly missing: readonly EventId[];
			/** Events beside the join that the graph ends with as well. */
			readonly beside: readonly EventId[];
			/** The state of all these ends, and in what it differs from the one after the join. */
			readonly state: RoomState;
			readonly changes: Entrance['changes'];
			/** The state after the join alone. */
			readonly after: RoomState;
			/** Servers that are in the room by members who are not known yet. */
			readonly servers: readonly ServerName[];
		},
	): AnnouncedPosition {
		const before = this.#head.state;
		const pos = this.append(join, {
			...from,
			stateBefore: before,
			isSoftFailed: false,
			relay: false,
			threadNotifyCount: 0,
			extremities: [...from.beside, join.pdu.eventId],
			changes: [
				...from.stale.map((entry) => ({before: entry, after: undefined})),
				...from.entries.map((entry) => ({before: undefined, after: entry})),
				...from.changes,
			],
			redactionOf: undefined,
		});
		if (!pos) throw new Error('a join of this server has no place in the timeline');
		const {storage, serverName} = this.#context;
		for (const server of new Set(from.servers)) {
			const isCounted = server === serverName || this.#head.joined?.has(server) === true;
			if (!isCounted) storage.memberships.addServer(this.batch, this.#roomId, server, pos);
		}
		return pos;
	}

	/** Gives a partial room its members, and the events that came meanwhile the states that they have by these. */
	complete(completion: Completion): void {
		const {storage} = this.#context;
		for (const {nid, stateBefore, rejected} of completion.events) {
			storage.state.save(this.batch, stateBefore.snapshot);
			storage.events.setStateBefore(this.batch, nid, {stateBefore: stateBefore.root, statePartial: false, rejected});
		}
		const pos = this.batch.announce({kind: 'state', roomId: this.#roomId, extra: {completed: true}});
		this.#rootPos = pos;
		for (const change of completion.changes) {
			this.#setEntry(change.after, change.before, pos);
			this.#announceMember(change.after ?? change.before);
		}
		// To those who are shown whole rooms only, this is when they entered.
		for (const row of completion.ours) {
			storage.memberships.set(this.batch, {...row, pos});
			// Without the event: nobody is to be notified of an entry of long ago.
			this.batch.announce({kind: 'membership', roomId: this.#roomId, subject: row.userId});
		}
		for (const server of completion.servers) {
			if (this.#head.joined?.has(server) !== true) {
				storage.memberships.removeServer(this.batch, this.#roomId, server, pos);
			}
		}
		const {state, ends} = completion;
		this.#head = {...this.#head, state, ends, isPartial: false};
	}

	/** Announces an event, and remembers it for those who are told after the commit. */
	#announce({pdu, nid}: KnownEvent, {relay, redactionOf, missing}: Entrance): AnnouncedPosition {
		const pos = this.batch.announce({
			kind: 'event',
			roomId: this.#roomId,
			ref: nid,
			relay,
			...(pdu.type === 'm.room.member' && {subject: pdu.stateKey}),
			...extraOf(pdu, {redacted: redactionOf, isAfterGap: missing.length > 0, endsOf: this.#findEnded(pdu)}),
		});
		this.announced.push({pdu, nid, pos});
		return pos;
	}

	/** Gives the server that only waited in the room, by an invite or a knock which this event of somebody else ends. */
	#findEnded(pdu: Pdu): ServerName | undefined {
		const {type, stateKey, sender} = pdu;
		if (type !== 'm.room.member' || !isUserId(stateKey)) return undefined;
		const server = domainOf(stateKey);
		if (server === this.#context.serverName || server === domainOf(sender) || this.#head.joined?.has(server) !== false)
			return undefined;
		const before = membershipOf(this.#head.state.entry(type, stateKey)?.pdu);
		const after = membershipOf(pdu);
		return (after === 'leave' || after === 'ban') && (before === 'invite' || before === 'knock') ? server : undefined;
	}

	#moveState(event: KnownEvent, entrance: Entrance, pos: AnnouncedPosition): void {
		if (entrance.state.root === this.#head.state.root) return;
		this.#rootPos = pos;
		for (const change of entrance.changes) {
			this.#setEntry(change.after, change.before, pos);
			this.#announceMember(change.after ?? change.before);
		}
		const {type, stateKey} = event.pdu;
		const isCurrent = stateKey !== undefined && entrance.state.nid(type, stateKey) === event.nid;
		if (isCurrent) this.#setEntry(event, this.#head.state.entry(type, stateKey), pos);
	}

	/** Tells those who follow a local user's memberships of one that changed without an event of its own. */
	#announceMember(event: KnownEvent | undefined): void {
		if (event?.pdu.type !== 'm.room.member' || event.pdu.stateKey === undefined) return;
		if (domainOf(event.pdu.stateKey as UserId) !== this.#context.serverName) return;
		this.batch.announce({kind: 'membership', roomId: this.#roomId, subject: event.pdu.stateKey, ref: event.nid});
	}

	/** Writes one entry of the current state and what follows from it: memberships, and the servers that are in the room. */
	#setEntry(after: KnownEvent | undefined, before: KnownEvent | undefined, pos: AnnouncedPosition): void {
		const subject = (after ?? before)?.pdu;
		if (subject?.stateKey === undefined) return;
		const {storage} = this.#context;
		const {type, stateKey} = subject;
		storage.rooms.setCurrentState(this.batch, this.#roomId, [{type, stateKey, eventNid: after?.nid ?? null}]);
		if (type !== 'm.room.member') return;
		const userId = stateKey as UserId;
		const membership: Membership = membershipOf(after?.pdu);
		storage.memberships.set(this.batch, {
			roomId: this.#roomId,
			userId,
			membership,
			eventNid: after?.nid ?? null,
			sender: after?.pdu.sender ?? userId,
			isLocal: domainOf(userId) === this.#context.serverName,
			strippedState: null,
			pos,
		});
		this.#countServer(userId, membershipOf(before?.pdu), membership, pos);
	}

	#countServer(userId: UserId, before: Membership, after: Membership, pos: AnnouncedPosition): void {
		if ((before === 'join') === (after === 'join')) return;
		const {storage, serverName} = this.#context;
		const server = domainOf(userId);
		// Copied once for all changes of a draft: a join brings as many as the room has members.
		const joined = (this.#joined ??= new Map(this.#head.joined));
		const count = (joined.get(server) ?? 0) + (after === 'join' ? 1 : -1);
		if (count > 0) joined.set(server, count);
		else joined.delete(server);
		this.#head = {...this.#head, joined};
		if (server === serverName) return;
		if (after === 'join' && count === 1) storage.memberships.addServer(this.batch, this.#roomId, server, pos);
		// Of a partial room nobody knows who was the last.
		if (after !== 'join' && count === 0 && !this.#head.isPartial)
			storage.memberships.removeServer(this.batch, this.#roomId, server, pos);
	}
}

/** The states after extremities once an event has entered, the newest last. */
function withEnd(ends: Head['ends'], {extremities, after}: Entrance, eventId: EventId): Head['ends'] {
	const kept = [...ends].filter(([end]) => extremities.includes(end)).slice(1 - ENDS_MAX);
	return new Map(after ? [...kept, [eventId, after]] : kept);
}

function withCount(threads: ReadonlyMap<EventId, number>, thread: EventId, count: number): Map<EventId, number> {
	const kept = threads.size >= THREADS_MAX ? [] : threads;
	return new Map([...kept, [thread, count]]);
}
