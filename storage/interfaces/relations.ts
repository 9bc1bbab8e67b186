import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import type {Batch} from '../batch.ts';
import type {EventNid, TimelinePlace} from './events.ts';

/** An event that relates to another one, without its content. */
export interface ChildRow {
	readonly nid: EventNid;
	readonly eventId: EventId;
	readonly relatesTo: EventId;
	readonly sender: UserId;
	readonly originServerTs: number;
	readonly anchor: number;
	readonly minor: number;
}

/** How many events of one sender relate to an event in one way. */
export interface ChildCount {
	readonly relatesTo: EventId;
	readonly relType: string;
	readonly sender: UserId;
	readonly count: number;
}

/** Which of the events that relate to one are wanted. */
export interface ChildrenQuery {
	readonly roomId: RoomId;
	readonly eventId: EventId;
	readonly relType: string;
	/** Only what this person sent. */
	readonly sender?: UserId | undefined;
	/** `forwards`: the oldest first, by places in the timeline. */
	readonly direction: 'forwards' | 'backwards';
	/** At most 1,000. */
	readonly limit: number;
}

/** A thread, and the place of its newest event. */
export interface ThreadRow {
	readonly root: EventId;
	readonly latest: TimelinePlace;
}

/**
 * Relations between events, as far as they are not redacted: a redacted event relates to nothing. Only events with a
 * place in the timeline are counted and listed.
 */
export interface RelationsRepository {
	/** Counts the events that relate to others in some ways, by sender. At most 10,000 counts. */
	countChildren(roomId: RoomId, eventIds: readonly EventId[], relTypes: readonly string[]): Promise<ChildCount[]>;
	/** Lists events that relate to one in one way. */
	listChildren(query: ChildrenQuery): Promise<ChildRow[]>;
	/** Lists the newest events that relate to any of some, optionally only in one way or of one type. At most 1,000. */
	listRelated(query: {
		readonly roomId: RoomId;
		readonly eventIds: readonly EventId[];
		readonly relType?: string | undefined;
		readonly type?: string | undefined;
	}): Promise<(ChildRow & {readonly relType: string})[]>;
	/** Lists threads whose newest event is before a place (absent: all), the latest first. At most 1,000. */
	listThreads(
		roomId: RoomId,
		page: {readonly before?: TimelinePlace | undefined; readonly limit: number},
	): Promise<ThreadRow[]>;
	/**
	 * Notes that an annotation stands, until its event is redacted.
	 * @param digest what makes it the same: who, which event, what
	 * @throws DuplicateError('annotations') where the same one stands
	 */
	addAnnotation(batch: Batch, annotation: AnnotationRow): void;
	/** Finds the event that made an annotation. */
	findAnnotation(roomId: RoomId, digest: string): Promise<EventId | undefined>;
}

/** An annotation that stands. */
export interface AnnotationRow {
	readonly roomId: RoomId;
	readonly digest: string;
	readonly eventId: EventId;
}
