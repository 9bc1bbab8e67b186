import type {DeviceId, RoomId, UserId} from '../../crypto/index.ts';
import type {MembershipRow, Position} from '../../storage/index.ts';

/** Why a wait ended. */
export type WaitEnd =
	/** Something that concerns the user has happened. */
	| 'changed'
	| 'timeout'
	/** The client went away, or the server stops. */
	| 'aborted'
	/** The session is no more. */
	| 'ended';

/** A request that waits for news. */
export interface Waiter {
	readonly deviceId: DeviceId;
	readonly end: (how: WaitEnd) => void;
}

/** What is known of somebody who syncs: their rooms, and when something last concerned them. */
export class Feed {
	readonly userId: UserId;
	#rooms = new Map<RoomId, MembershipRow>();
	/**
	 * Rooms that the user has forgotten, and left so lately that a device may not know it yet: it would show them for ever.
	 * Never changed in place.
	 */
	forgotten: ReadonlyMap<RoomId, MembershipRow> = new Map();
	/** Whether somebody reads in the map that is to be changed. */
	#isLent = false;
	/** Rooms in which the user's membership has changed since it was read. */
	readonly stale = new Set<RoomId>();
	/** A reading of the stale ones that is under way. */
	refreshing: Promise<void> | undefined;
	readonly waiters = new Set<Waiter>();
	/** Whether changes reach it no more: whoever waits must get another one. */
	isClosed = false;
	/** The last change that concerns the user, and of what is in memory only. */
	touched: Position = 0;
	touchedSeq = 0;

	constructor(userId: UserId) {
		this.userId = userId;
	}

	/** Every room that the user has to do with and has not forgotten; what was given stays as it was. */
	get rooms(): ReadonlyMap<RoomId, MembershipRow> {
		this.#isLent = true;
		return this.#rooms;
	}

	/** How many rooms these are. */
	get roomCount(): number {
		return this.#rooms.size;
	}

	/** Notes what the user is to a room. */
	setRoom(roomId: RoomId, row: MembershipRow | undefined): void {
		if (this.#isLent) {
			this.#rooms = new Map(this.#rooms);
			this.#isLent = false;
		}
		if (row && !row.forgotten) this.#rooms.set(roomId, row);
		else this.#rooms.delete(roomId);
		if (row?.forgotten === true) this.forgotten = new Map(this.forgotten).set(roomId, row);
		else if (this.forgotten.has(roomId)) this.forgotten = new Map([...this.forgotten].filter(([id]) => id !== roomId));
	}

	/** Something that concerns the user was committed. */
	touch(pos: Position): void {
		if (pos <= this.touched) return;
		this.touched = pos;
		this.wake('changed');
	}

	/** Something passing that concerns the user has changed. */
	touchEphemeral(seq: number): void {
		if (seq <= this.touchedSeq) return;
		this.touchedSeq = seq;
		this.wake('changed');
	}

	/** Ends all waits, or those of some devices. */
	wake(how: WaitEnd, isMeant: (deviceId: DeviceId) => boolean = () => true): void {
		for (const waiter of this.waiters) {
			if (isMeant(waiter.deviceId)) waiter.end(how);
		}
	}
}
