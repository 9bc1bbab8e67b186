import type {RoomId, UserId} from '../../crypto/index.ts';
import type {Batch} from '../batch.ts';
import type {EventNid, TimelinePlace} from './events.ts';

/** A word as it is indexed: letters, digits and marks in lower case, at most 64. */
export type Word = string;

/** What an event must contain: all parts of it. */
export interface WordQuery {
	/** Each is a choice of phrases, one of which must be there; a phrase is words that follow each other. */
	readonly all: readonly (readonly (readonly Word[])[])[];
	/** Phrases that must not be there. */
	readonly none: readonly (readonly Word[])[];
}

/** An event that contains what was asked for. */
export interface WordMatch {
	readonly nid: EventNid;
	/** The order of places: a later one has a higher id. */
	readonly id: number;
}

/** Words of events, and which events hold them. It knows of no right to read them: that is for the caller. */
export interface SearchRepository {
	/** Adds the words of an event at its place; without effect where its place is indexed. At most 2,000 words. */
	add(
		batch: Batch,
		entry: {readonly nid: EventNid; readonly place: TimelinePlace; readonly words: readonly Word[]},
	): void;
	/** Removes what was added. */
	remove(batch: Batch, ids: readonly number[]): void;
	/** Gives the id that an event's place has in the index; `undefined` where it is too far back to have one. */
	idOf(place: TimelinePlace): number | undefined;
	/** Lists matches below an id, the latest place first. At most 1,000. */
	list(query: WordQuery, page: {readonly before?: number | undefined; readonly limit: number}): Promise<WordMatch[]>;
}

/** A complaint. */
export interface ReportRow {
	readonly id: number;
	readonly kind: 'event' | 'room' | 'user';
	/** The id of the event, room or user. It need not exist. */
	readonly target: string;
	/** The room of an event. */
	readonly roomId: RoomId | null;
	readonly reporter: UserId;
	readonly reason: string;
	readonly receivedTs: number;
}

/** Which complaints are looked for; what is absent is not looked at. */
export interface ReportQuery {
	readonly kind?: ReportRow['kind'] | undefined;
	readonly reporter?: UserId | undefined;
	readonly roomId?: RoomId | undefined;
	readonly target?: string | undefined;
}

/** What people complain about, for administrators. */
export interface ReportsRepository {
	add(batch: Batch, report: Omit<ReportRow, 'id'>): void;
	/** Lists complaints, the newest first unless said otherwise. At most 1,000. */
	list(
		query: ReportQuery,
		page: {readonly offset?: number | undefined; readonly isOldestFirst?: boolean | undefined; readonly limit: number},
	): Promise<ReportRow[]>;
	count(query: ReportQuery): Promise<number>;
	find(id: number): Promise<ReportRow | undefined>;
	/** Removes a complaint; ConflictError('report') where it is gone. */
	remove(batch: Batch, id: number): void;
}
