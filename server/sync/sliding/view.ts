import type {RoomId} from '../../../crypto/index.ts';
import type {StoredEvent} from '../../../federation/engine/index.ts';
import type {MembershipRow, Position} from '../../../storage/index.ts';
import type {Unwanted} from '../../events/index.ts';
import type {CompiledRoomEventFilter} from '../../filters/index.ts';
import type {SyncParts} from '../v3/view.ts';
import type {Activity} from './activity.ts';
import type {Connection} from './connection.ts';
import type {Facts} from './facts.ts';
import type {OwnData} from './own-data.ts';
import type {SlidingSyncRequest} from './request.ts';
import type {StateIndexes} from './state-index.ts';
import type {StateWish, StateWishes} from './state-wish.ts';
import type {Told} from './told.ts';

/** What answers are made of. */
export interface SlidingParts extends SyncParts {
	readonly activity: Activity;
	readonly facts: Facts;
	readonly indexes: StateIndexes;
	readonly wishes: StateWishes;
}

/** A room that a request asks for, and what of it. */
export interface ScopedRoom {
	readonly row: MembershipRow;
	/** Where it last changed, as far as the user may know. */
	readonly activity: Position;
	readonly limit: number;
	readonly wish: StateWish;
	/** The lists in whose ranges it is. */
	readonly lists: readonly string[];
	readonly isSubscribed: boolean;
}

/** The rooms that a request asks for. */
export interface Scope {
	/** The most recently active first. */
	readonly rooms: readonly ScopedRoom[];
	/** How many rooms each list has, whatever its ranges. */
	readonly counts: ReadonlyMap<string, number>;
}

/** One answer: for whom, from where, up to where. */
export interface SlidingView {
	readonly request: SlidingSyncRequest;
	readonly connection: Connection;
	/** The stream, and what is in memory only, as this answer sees them. */
	readonly upto: Position;
	readonly seq: number;
	/** The user's rooms at `upto`. */
	readonly rooms: ReadonlyMap<RoomId, MembershipRow>;
	readonly scope: Scope;
	/** Whether nothing has concerned the user since the connection's last answer to the same request. */
	readonly isSettled: boolean;
	readonly unwanted: Unwanted;
	readonly own: OwnData;
}

/** What a client was told of a room, where that still counts. */
export interface KnownRoom {
	readonly told: Told;
	/** Anything after this is new to it. */
	readonly since: Position;
}

/** What is told of a room's events and state. */
export interface RoomTelling {
	/** As JSON text; absent: nothing is new. */
	readonly text: string | undefined;
	/** What the client has then; absent: what it had. */
	readonly after: Pick<Told, 'limit' | 'wishId' | 'isDm'> | undefined;
	/** Whether events of the past are shown, whose receipts belong to them. */
	readonly isWhole: boolean;
	readonly shown: readonly StoredEvent[];
}

export const nothingTold: RoomTelling = {text: undefined, after: undefined, isWhole: false, shown: []};

/** Timelines are not filtered. */
export const allEvents: Omit<CompiledRoomEventFilter, 'limit'> = {
	matches: undefined,
	mayShowRoom: () => true,
	lazyLoadsMembers: false,
	includesRedundantMembers: false,
	countsThreads: false,
};
