import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import type {Batch, Position, PositionOrAnnounced} from '../batch.ts';
import type {StateRoot} from './state.ts';

/** An event's short id in this database: an integer from `storage.ids`. Never leaves the server. */
export type EventNid = number;

/** A place in a room's timeline: a live event has `(its pos, 0)`; one fetched later for the gap before X has `(X.anchor, −k)`. */
export interface TimelinePlace {
	readonly anchor: Position;
	readonly minor: number;
}

interface EventFacts {
	readonly nid: EventNid;
	readonly eventId: EventId;
	readonly roomId: RoomId;
	readonly type: string;
	/** `null` for events that are not state. */
	readonly stateKey: string | null;
	readonly sender: UserId;
	readonly depth: number;
	readonly originServerTs: number;
	/** When this server stored it, by its own clock; the time that expiry and ordering by time rely on. */
	readonly receivedTs: number;
	/** The state before the event; `null` for outliers. */
	readonly stateBefore: StateRoot | null;
	/** Whether `stateBefore` is from a partial-state join that is not complete. */
	readonly statePartial: boolean;
	/** Why the authorisation rules refuse it; `null` when they allow it. A rejected event is never shown. */
	readonly rejected: string | null;
	readonly softFailed: boolean;
	/** Known, but not part of the timeline's graph (an auth event, an invite's state). */
	readonly outlier: boolean;
	/** `content.m.relates_to.event_id`, for the relations index. */
	readonly relatesTo: EventId | null;
	readonly relType: string | null;
	/** How many events of the room notify by default rules, up to and with this one (main timeline). */
	readonly notifyCount: number;
	/** Likewise within this event's thread; 0 outside threads. */
	readonly threadNotifyCount: number;
	/** The event as servers exchange it, as JSON text without `unsigned`: exactly the text that was added. */
	readonly json: string;
}

/** An event as it is added. */
export interface NewEvent extends EventFacts {
	/** With `minor` its place in the timeline; both `null` where it has none (outlier, rejected, soft-failed). */
	readonly anchor: PositionOrAnnounced | null;
	readonly minor: number | null;
}

/** A stored event. */
export interface EventRow extends EventFacts {
	readonly anchor: Position | null;
	readonly minor: number | null;
	/** The redaction that was applied to it; `json` still holds the unredacted text. */
	readonly redactedBy: EventNid | null;
}

/** What the engine asks of a referenced event before it needs its JSON. */
export interface EventMark {
	readonly nid: EventNid;
	readonly eventId: EventId;
	readonly roomId: RoomId;
	readonly depth: number;
	readonly outlier: boolean;
	readonly softFailed: boolean;
	readonly rejected: string | null;
	readonly stateBefore: StateRoot | null;
	readonly statePartial: boolean;
	readonly anchor: Position | null;
}

/** A stored event some of whose `prev_events` this server has not. */
export interface GapRow {
	readonly roomId: RoomId;
	/** The event behind which the gap lies. */
	readonly eventNid: EventNid;
	readonly missing: EventId;
	/** The place of `eventNid`; `null` where it has none. */
	readonly anchor: Position | null;
	readonly minor: number | null;
}

/** A page of a timeline. Bounds are exclusive. */
export interface TimelineQuery {
	readonly roomId: RoomId;
	readonly direction: 'forwards' | 'backwards';
	/** Where to start; absent: at that direction's beginning. */
	readonly from?: TimelinePlace | undefined;
	/** Where to stop; absent: never. */
	readonly to?: TimelinePlace | undefined;
	/** At most 1,000. */
	readonly limit: number;
}

/** A page of the events that relate to one event. Bounds are exclusive. */
export interface RelationsQuery {
	readonly roomId: RoomId;
	readonly eventId: EventId;
	readonly relType?: string | undefined;
	readonly type?: string | undefined;
	readonly direction: 'forwards' | 'backwards';
	readonly from?: TimelinePlace | undefined;
	readonly to?: TimelinePlace | undefined;
	readonly limit: number;
}

/** Events, their places in timelines, gaps, and relations. */
export interface EventsRepository {
	/** Adds an event; `DuplicateError('events')` where its event id or nid exists. */
	add(batch: Batch, event: NewEvent): void;
	/** Rewrites everything but nid, event id and room of a stored event: an outlier that becomes part of the graph. */
	replace(batch: Batch, event: NewEvent): void;
	/** Marks an event as redacted; the first redaction stays. It relates to nothing any more, and no annotation of it stands. */
	setRedactedBy(batch: Batch, nid: EventNid, redaction: EventNid): void;
	/** Sets the state before an event and the verdict that followed from it (completion of a partial-state join). */
	setStateBefore(
		batch: Batch,
		nid: EventNid,
		state: {readonly stateBefore: StateRoot; readonly statePartial: boolean; readonly rejected: string | null},
	): void;

	/** Finds an event of any kind, rejected and outlier too. */
	findById(eventId: EventId): Promise<EventRow | undefined>;
	/** Finds many; absent ones are left out. At most 10,000 ids. */
	findByIds(eventIds: readonly EventId[]): Promise<Map<EventId, EventRow>>;
	findByNid(nid: EventNid): Promise<EventRow | undefined>;
	findByNids(nids: readonly EventNid[]): Promise<Map<EventNid, EventRow>>;
	/** Finds what is known of many events without reading their JSON; absent ones are the missing ones. */
	findMarks(eventIds: readonly EventId[]): Promise<Map<EventId, EventMark>>;

	/** Lists a page of a room's timeline, in the order of `direction`. */
	listTimeline(query: TimelineQuery): Promise<EventRow[]>;
	/** Lists the newest live events of a room, newest first, none above `upto`. */
	listLatest(roomId: RoomId, upto: Position, limit: number): Promise<EventRow[]>;
	/** Finds the live event of the room closest at or before `upto`: it carries the running notification count. */
	findLatest(roomId: RoomId, upto: Position): Promise<EventRow | undefined>;
	/** Finds the lowest `minor` used at an anchor (0 when only the anchor itself is there): the next fetched event goes below. */
	findLowestMinor(roomId: RoomId, anchor: Position): Promise<number>;
	/** Finds the event of the timeline nearest to a time by `originServerTs`, at or after it (`forwards`) or at or before it. */
	findByTime(roomId: RoomId, ts: number, direction: 'forwards' | 'backwards'): Promise<EventRow | undefined>;

	/** Lists a page of the events that relate to one; rejected and soft-failed ones are left out. */
	listRelations(query: RelationsQuery): Promise<EventRow[]>;
	/** Finds the newest event of a thread in the timeline, at or before `upto`. */
	findLatestInThread(roomId: RoomId, threadRoot: EventId, upto: Position): Promise<EventRow | undefined>;

	/** Notes that events before a stored event are missing here. */
	addGap(batch: Batch, roomId: RoomId, eventNid: EventNid, missing: readonly EventId[]): void;
	/** Ends the gap before an event, or only the named missing ids of it. */
	removeGap(batch: Batch, eventNid: EventNid, missing?: readonly EventId[]): void;
	/** Lists gaps at or before a place, nearest first: where paging backwards must ask partner servers. */
	listGaps(roomId: RoomId, from: TimelinePlace, limit: number): Promise<GapRow[]>;
	/** Lists those of these live events before which something is missing, or was when they came and has been fetched since. */
	listAfterGaps(nids: readonly EventNid[]): Promise<EventNid[]>;
	/** Lists which stored events wait for any of these: such an event, when it comes, is no new extremity. */
	listGapsWaitingFor(missing: readonly EventId[]): Promise<GapRow[]>;
}
