import type {EventId, RoomAlias, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {Batch, Outcome, Position, PositionOrAnnounced} from '../batch.ts';
import type {EventNid, EventRow} from './events.ts';
import type {StateKey, StateRoot} from './state.ts';

/** A room that this server has been in, or knows by an invite. */
export interface RoomRow {
	readonly roomId: RoomId;
	/** The room version, as in the create event. */
	readonly version: string;
	/** The create event's sender; `null` while only an invite is known. */
	readonly creator: UserId | null;
	/** Grows by one with every move of the head; the value that compare-and-swap compares. */
	readonly headVersion: number;
	/** The position of the last change of the head root; 0 before the first. */
	readonly headPos: Position;
	/** The current state; `null` while only an invite is known. */
	readonly headRoot: StateRoot | null;
	/** The forward extremities: what a new event's `prev_events` are. */
	readonly extremities: readonly EventId[];
	/** The depth of the deepest extremity. */
	readonly depth: number;
	/** The room's running number of events that notify by default rules. */
	readonly notifyCount: number;
	/** Whether a partial-state join is not complete. */
	readonly isPartial: boolean;
	/** Whether the room is in the published directory of this server. */
	readonly isPublished: boolean;
	/** Whether an administrator has closed the room to this server's people. */
	readonly isBlocked: boolean;
}

/** A new head of a room. */
export interface HeadMove {
	readonly roomId: RoomId;
	/** The head version that this move was built on; another value in the database means ConflictError('room_head'). */
	readonly fromVersion: number;
	/**
	 * The extremities that this move was built on. A version alone would not do: a move built on one that was lost has the
	 * number that somebody else's move has by now.
	 */
	readonly fromExtremities: readonly EventId[];
	/** The new current state. */
	readonly root: StateRoot;
	/** The position from which `root` is current; `null` where the root is unchanged, and then no row of history is written. */
	readonly pos: PositionOrAnnounced | null;
	readonly extremities: readonly EventId[];
	readonly depth: number;
	readonly notifyCount: number;
	readonly isPartial: boolean;
}

/** The current state of a room from a position on. */
export interface RoomHead {
	readonly pos: Position;
	readonly version: number;
	readonly root: StateRoot;
}

/** One change of a room's current state; `eventNid` `null` removes the entry. */
export interface CurrentStateChange {
	readonly type: string;
	readonly stateKey: string;
	readonly eventNid: EventNid | null;
}

/** How much there is in a room. */
export interface RoomFigures {
	readonly joinedMembers: number;
	/** Of these, those of this server. */
	readonly joinedLocalMembers: number;
	readonly stateEvents: number;
}

/** Rooms, their heads, and their current state as a plain table. */
export interface RoomsRepository {
	/** Adds a room with head version 0 and no state; `DuplicateError('rooms')` where it exists. */
	add(batch: Batch, room: {readonly roomId: RoomId; readonly version: string; readonly creator: UserId | null}): void;
	/** Moves the head from one version to the next; two batches built on the same version never both succeed. */
	moveHead(batch: Batch, move: HeadMove): void;
	/** Asserts that the head version is still this one without moving it; ConflictError('room_head') otherwise. */
	expectHead(batch: Batch, roomId: RoomId, version: number): void;
	/** Sets entries of the plain current-state table, in the same batch as the head that they belong to. */
	setCurrentState(batch: Batch, roomId: RoomId, changes: readonly CurrentStateChange[]): void;
	setPublished(batch: Batch, roomId: RoomId, isPublished: boolean): void;
	setBlocked(batch: Batch, roomId: RoomId, isBlocked: boolean): void;
	/** Says of a room that was never entered which version it has. */
	setVersion(batch: Batch, roomId: RoomId, version: string): void;
	/**
	 * Makes a room one that this server was never in, as far as anybody sees, and blocks it: its state, aliases and place in
	 * the directory are gone. What is left of it is for `removePiece`.
	 */
	close(batch: Batch, roomId: RoomId): void;
	/**
	 * Removes some hundreds of rows of each kind that are kept of a closed room; how many it were, 0: all are gone. What the
	 * people of this server are to it stays, so that they are told that they are in it no more.
	 */
	removePiece(batch: Batch, roomId: RoomId): Outcome<number>;
	/** Removes everything that is kept of a room: events, state, memberships, receipts, aliases, trie. */
	remove(batch: Batch, roomId: RoomId): void;

	/** Counts what is in rooms; those that are not known are left out. */
	findFigures(roomIds: readonly RoomId[]): Promise<Map<RoomId, RoomFigures>>;
	find(roomId: RoomId): Promise<RoomRow | undefined>;
	findMany(roomIds: readonly RoomId[]): Promise<Map<RoomId, RoomRow>>;
	/** Lists rooms in the order of their ids' first sight here. */
	list(page: {readonly after?: RoomId | undefined; readonly limit: number}): Promise<RoomRow[]>;
	listPublished(page: {readonly after?: RoomId | undefined; readonly limit: number}): Promise<RoomRow[]>;
	/**
	 * Finds where rooms last changed: their newest live event, or a change of their state without one. Rooms that this
	 * server was never in are left out.
	 */
	findLastChanges(roomIds: readonly RoomId[]): Promise<Map<RoomId, Position>>;
	/** Finds the head that was current at a position: what `/sync` compares. */
	findHeadAt(roomId: RoomId, pos: Position): Promise<RoomHead | undefined>;

	/**
	 * Lists current state events of a type, with the empty key, of rooms that a user is joined to, whose JSON matches a
	 * pattern of SQL's `like`: a sieve, in whose rows the caller looks for what it wants. At most `limit`; a thousand of the
	 * user's rooms are looked at.
	 */
	listStateOfJoinedRooms(
		userId: UserId,
		sieve: {readonly type: string; readonly like: string; readonly limit: number},
	): Promise<EventRow[]>;
	/** Lists likewise current state events of some rooms: at most one for each. */
	listStateOfRooms(
		roomIds: readonly RoomId[],
		sieve: {readonly type: string; readonly like: string},
	): Promise<EventRow[]>;
	/** Finds the event that is the current state for this key. */
	findCurrentState(roomId: RoomId, type: string, stateKey: string): Promise<EventRow | undefined>;
	/** Lists current state events, optionally of some types only. At most 1,000 rows a page, in the order of keys' first sight; `after` is the last row's key. */
	listCurrentState(
		roomId: RoomId,
		page: {
			readonly types?: readonly string[] | undefined;
			readonly after?: StateKey | undefined;
			readonly limit: number;
		},
	): Promise<EventRow[]>;
}

/** An alias of this server. */
export interface AliasRow {
	readonly alias: RoomAlias;
	readonly roomId: RoomId;
	readonly creator: UserId;
	/** Servers that know the room, told to who asks. */
	readonly servers: readonly ServerName[];
}

/** The aliases that this server gives to rooms. */
export interface AliasesRepository {
	/** Adds an alias; `DuplicateError('aliases')` where it exists. */
	add(batch: Batch, alias: AliasRow): void;
	remove(batch: Batch, alias: RoomAlias): void;
	find(alias: RoomAlias): Promise<AliasRow | undefined>;
	listOfRoom(roomId: RoomId): Promise<AliasRow[]>;
}
