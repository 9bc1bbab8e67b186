import type {RoomId} from '../../crypto/index.ts';
import {type CommittedChange, type Position, type Storage, usersOf} from '../../storage/index.ts';
import type {EphemeralChange} from '../ephemeral/index.ts';
import {TouchedRooms} from './touched-rooms.ts';

/** Changes before the process' start that are read so that older tokens are answered without looking at every room. */
const PAST_MAX = 50_000;
const PAST_PAGE = 10_000;
const none: readonly RoomId[] = [];

interface RoomPositions {
	/** The last event, or change of state. */
	events: Position;
	/** The last change of anybody's membership. */
	members: Position;
	/** The last receipt that all may see. */
	receipts: Position;
}

interface UserPositions {
	accountData: Position;
	toDevice: Position;
	deviceKeys: Position;
	/** Where the user's own receipts moved, private ones too. */
	readonly receipts: TouchedRooms;
}

/** Where things last changed. Holds positions and nothing else: what changed is read by who needs it. */
export class Positions {
	readonly #storage: Storage;
	readonly #rooms = new Map<RoomId, RoomPositions>();
	readonly #users = new Map<string, UserPositions>();
	/** By events, changes of state and of memberships, and receipts that all may see. */
	readonly #touched = new TouchedRooms();
	/** By who types there; counted since the process' start. */
	readonly #typing = new TouchedRooms();
	/** All changes above this came in their order. */
	readonly #start: Position;
	/** All changes above this are known. */
	#knownFrom: Position;
	/** Nothing below is ever read: it would be more than looking at each room. */
	readonly #bottom: Position;
	#loading: Promise<void> | undefined;
	/** The last change of anybody's device list. */
	deviceLists: Position = 0;
	/** The count of the last change of anybody's presence. */
	presence = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
		this.#start = storage.stream.head();
		this.#knownFrom = this.#start;
		this.#bottom = Math.max(0, this.#start - PAST_MAX);
	}

	/** Takes in changes, in any order. */
	apply(changes: readonly CommittedChange[]): void {
		for (const change of changes) this.#apply(change);
	}

	/** Takes in a change of what is in memory only. */
	applyEphemeral(change: EphemeralChange): void {
		if (change.kind === 'typing') this.#typing.touch(change.roomId, change.seq);
		else this.presence = change.seq;
	}

	/** Whether all changes after a position are known, or it is too long ago for that. */
	covers(since: Position): boolean {
		return since >= this.#knownFrom || this.#knownFrom <= this.#bottom;
	}

	/** Reads what changed since a position, where that was before the process' start: as much of it as is worth reading. */
	async cover(since: Position): Promise<void> {
		while (!this.covers(since)) {
			this.#loading ??= this.#load(Math.max(since, this.#bottom)).finally(() => {
				this.#loading = undefined;
			});
			await this.#loading;
		}
	}

	/**
	 * Lists the rooms in which an event, a change of state or membership, or a receipt for all to see came after a
	 * position, the latest first; `undefined` where they are more than `max`, or the position is before the process' start.
	 */
	listTouchedRooms(since: Position, max: number): RoomId[] | undefined {
		return since < this.#start ? undefined : this.#touched.listAfter(since, max);
	}

	/** Lists the rooms in which the user's own receipts moved after a position; `undefined` as above. */
	listRoomsOfOwnReceipts(userId: string, since: Position, max: number): readonly RoomId[] | undefined {
		if (since < this.#start) return undefined;
		return this.#users.get(userId)?.receipts.listAfter(since, max) ?? none;
	}

	/** Lists the rooms in which somebody began or ended typing after a count of this epoch; `undefined` for too many. */
	listRoomsOfTyping(seq: number, max: number): RoomId[] | undefined {
		return this.#typing.listAfter(seq, max);
	}

	/** Whether an event or a change of state may have come after a position. */
	hasEvents(roomId: RoomId, since: Position): boolean {
		return since < this.#knownFrom || (this.#rooms.get(roomId)?.events ?? 0) > since;
	}

	/** Whether a membership may have changed after a position. */
	hasMembers(roomId: RoomId, since: Position): boolean {
		return since < this.#knownFrom || (this.#rooms.get(roomId)?.members ?? 0) > since;
	}

	/** Whether a receipt that the user may see may have moved after a position. */
	hasReceipts(roomId: RoomId, userId: string, since: Position): boolean {
		if (since < this.#knownFrom || (this.#rooms.get(roomId)?.receipts ?? 0) > since) return true;
		return this.hasOwnReceipts(roomId, userId, since);
	}

	/** Whether the user's own receipts may have moved after a position. */
	hasOwnReceipts(roomId: RoomId, userId: string, since: Position): boolean {
		return since < this.#knownFrom || (this.#users.get(userId)?.receipts.lastIn(roomId) ?? 0) > since;
	}

	/** Whether account data of a user may have changed after a position. */
	hasAccountData(userId: string, since: Position): boolean {
		return since < this.#knownFrom || (this.#users.get(userId)?.accountData ?? 0) > since;
	}

	/** Whether messages to a device of the user may have come after a position. */
	hasToDevice(userId: string, since: Position): boolean {
		return since < this.#knownFrom || (this.#users.get(userId)?.toDevice ?? 0) > since;
	}

	/** Whether the key counts of a device of the user may have changed after a position. */
	hasDeviceKeys(userId: string, since: Position): boolean {
		return since < this.#knownFrom || (this.#users.get(userId)?.deviceKeys ?? 0) > since;
	}

	/** Whether anybody's device list may have changed after a position. */
	hasDeviceLists(since: Position): boolean {
		return since < this.#knownFrom || this.deviceLists > since;
	}

	async #load(after: Position): Promise<void> {
		const upto = this.#knownFrom;
		for (let from = after; from < upto; ) {
			const page = await this.#storage.stream.list({after: from, upto, limit: PAST_PAGE});
			this.apply(page);
			from = page.length < PAST_PAGE ? upto : (page.at(-1)?.pos ?? upto);
		}
		this.#knownFrom = after;
	}

	#apply({kind, roomId, subject, pos, extra}: CommittedChange): void {
		if (kind === 'device_list') this.deviceLists = Math.max(this.deviceLists, pos);
		else if (roomId !== undefined && (kind === 'event' || kind === 'state' || kind === 'membership')) {
			const room = this.#room(roomId);
			if (kind !== 'membership') room.events = Math.max(room.events, pos);
			if (kind !== 'event' || subject !== undefined) room.members = Math.max(room.members, pos);
			this.#touched.touch(roomId, pos);
		} else if (kind === 'receipt' && roomId !== undefined && subject !== undefined) {
			this.#user(subject).receipts.touch(roomId, pos);
			if (extra?.['private'] === true) return;
			const room = this.#room(roomId);
			room.receipts = Math.max(room.receipts, pos);
			this.#touched.touch(roomId, pos);
		} else if (kind === 'account_data' && subject !== undefined) {
			const user = this.#user(subject);
			user.accountData = Math.max(user.accountData, pos);
		} else if (kind === 'to_device') {
			for (const userId of usersOf({subject, extra})) {
				const user = this.#user(userId);
				user.toDevice = Math.max(user.toDevice, pos);
			}
		} else if (kind === 'device_keys') {
			for (const userId of usersOf({subject, extra})) {
				const user = this.#user(userId);
				user.deviceKeys = Math.max(user.deviceKeys, pos);
			}
		}
	}

	#room(roomId: RoomId): RoomPositions {
		let room = this.#rooms.get(roomId);
		if (!room) this.#rooms.set(roomId, (room = {events: 0, members: 0, receipts: 0}));
		return room;
	}

	#user(userId: string): UserPositions {
		let user = this.#users.get(userId);
		if (!user) {
			user = {accountData: 0, toDevice: 0, deviceKeys: 0, receipts: new TouchedRooms()};
			this.#users.set(userId, user);
		}
		return user;
	}
}
