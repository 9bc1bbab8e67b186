import type {RoomId} from '../../crypto/index.ts';
import type {CommittedChange, Position, Storage} from '../../storage/index.ts';

/** Changes before the process' start that are read so that older tokens are answered without looking at every room. */
const PAST_MAX = 50_000;
const PAST_PAGE = 10_000;

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
	readonly receipts: Map<RoomId, Position>;
}

/** Where things last changed. Holds positions and nothing else: what changed is read by who needs it. */
export class Positions {
	readonly #storage: Storage;
	readonly #rooms = new Map<RoomId, RoomPositions>();
	readonly #users = new Map<string, UserPositions>();
	/** All changes above this are known. */
	#knownFrom: Position;
	/** Nothing below is ever read: it would be more than looking at each room. */
	readonly #bottom: Position;
	#loading: Promise<void> | undefined;
	/** The last change of anybody's device list. */
	deviceLists: Position = 0;

	constructor(storage: Storage) {
		this.#storage = storage;
		this.#knownFrom = storage.stream.head();
		this.#bottom = Math.max(0, this.#knownFrom - PAST_MAX);
	}

	/** Takes in changes, in any order. */
	apply(changes: readonly CommittedChange[]): void {
		for (const change of changes) this.#apply(change);
	}

	/** Reads what changed since a position, where that was before the process' start: as much of it as is worth reading. */
	async cover(since: Position): Promise<void> {
		while (since < this.#knownFrom && this.#knownFrom > this.#bottom) {
			this.#loading ??= this.#load(Math.max(since, this.#bottom)).finally(() => {
				this.#loading = undefined;
			});
			await this.#loading;
		}
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
		return since < this.#knownFrom || (this.#users.get(userId)?.receipts.get(roomId) ?? 0) > since;
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
		} else if (kind === 'receipt' && roomId !== undefined && subject !== undefined) {
			const {receipts} = this.#user(subject);
			receipts.set(roomId, Math.max(receipts.get(roomId) ?? 0, pos));
			const room = this.#room(roomId);
			if (extra?.['private'] !== true) room.receipts = Math.max(room.receipts, pos);
		} else if (subject !== undefined) {
			this.#applyToUser(kind, subject, pos);
		}
	}

	#applyToUser(kind: CommittedChange['kind'], subject: string, pos: Position): void {
		if (kind === 'account_data') {
			const user = this.#user(subject);
			user.accountData = Math.max(user.accountData, pos);
		} else if (kind === 'to_device') {
			const user = this.#user(subject);
			user.toDevice = Math.max(user.toDevice, pos);
		} else if (kind === 'device_keys') {
			const user = this.#user(subject);
			user.deviceKeys = Math.max(user.deviceKeys, pos);
		}
	}

	#room(roomId: RoomId): RoomPositions {
		let room = this.#rooms.get(roomId);
		if (!room) this.#rooms.set(roomId, (room = {events: 0, members: 0, receipts: 0}));
		return room;
	}

	#user(userId: string): UserPositions {
		let user = this.#users.get(userId);
		if (!user) this.#users.set(userId, (user = {accountData: 0, toDevice: 0, deviceKeys: 0, receipts: new Map()}));
		return user;
	}
}
