import {LRUCache} from 'lru-cache';
import {isJsonObject, type JsonObject, type RoomId, type UserId} from '../../../crypto/index.ts';
import type {AccountDataRow, CommittedChange, Position, Storage} from '../../../storage/index.ts';

/** Characters that the account data held in memory may take together. */
const CHARACTERS_MAX = 32 * 1024 * 1024;

/** A piece of account data. */
export interface OwnPiece {
	readonly type: string;
	readonly pos: Position;
	/** `null`: deleted. */
	readonly content: JsonObject | null;
	/** About as many characters does it take. */
	readonly size: number;
}

type Pieces = ReadonlyMap<string, OwnPiece>;

const nothing: Pieces = new Map();

/** Everything that a user keeps for themselves, as it was read last. */
export class OwnData {
	/** Of the account, by type. */
	readonly global: Pieces;
	/** Rooms that the user calls direct. @see https://spec.matrix.org/v1.19/client-server-api/#mdirect */
	readonly direct: ReadonlySet<string>;
	readonly upto: Position;
	/** The last change of any of it. */
	readonly last: Position;
	readonly size: number;
	readonly #rooms: ReadonlyMap<RoomId, Pieces>;

	constructor(before: OwnData | undefined, rows: readonly AccountDataRow[], upto: Position) {
		const global = new Map(before?.global);
		const rooms = new Map(before?.roomEntries());
		let total = before?.size ?? 1;
		for (const {roomId, type, pos, content} of rows) {
			const size = type.length + (content === null ? 0 : JSON.stringify(content).length);
			const piece = {type, pos, content, size};
			const pieces = roomId === null ? global : new Map(rooms.get(roomId));
			total += size - (pieces.get(type)?.size ?? 0);
			pieces.set(type, piece);
			if (roomId !== null) rooms.set(roomId, pieces);
		}
		this.global = global;
		this.#rooms = rooms;
		this.upto = upto;
		this.last = rows.reduce((last, {pos}) => Math.max(last, pos), before?.last ?? 0);
		this.size = total;
		const direct = rows.some(({roomId, type}) => roomId === null && type === 'm.direct');
		this.direct = before && !direct ? before.direct : directOf(global.get('m.direct')?.content);
	}

	/** Gives what the user keeps of a room, by type. */
	ofRoom(roomId: RoomId): Pieces {
		return this.#rooms.get(roomId) ?? nothing;
	}

	/** Lists the tags of a room. @see https://spec.matrix.org/v1.19/client-server-api/#room-tagging */
	tagsOf(roomId: RoomId): string[] {
		const tags = this.ofRoom(roomId).get('m.tag')?.content?.['tags'];
		return isJsonObject(tags) ? Object.keys(tags) : [];
	}

	roomEntries(): Iterable<readonly [RoomId, Pieces]> {
		return this.#rooms;
	}
}

function directOf(content: JsonObject | null | undefined): ReadonlySet<string> {
	const rooms = new Set<string>();
	for (const list of Object.values(content ?? {})) {
		if (!Array.isArray(list)) continue;
		for (const roomId of list) if (typeof roomId === 'string') rooms.add(roomId);
	}
	return rooms;
}

/** What users keep for themselves, read once and then only what changed. */
export class OwnDataCache {
	readonly #storage: Pick<Storage, 'accountData' | 'stream'>;
	readonly #held = new LRUCache<UserId, OwnData>({
		maxSize: CHARACTERS_MAX,
		sizeCalculation: ({size}) => size,
		dispose: (_, userId, reason) => {
			if (reason !== 'set' && !this.#reading.has(userId)) this.#changed.delete(userId);
		},
	});
	/** Where the account data of those who are held, or being read, last changed. */
	readonly #changed = new Map<UserId, Position>();
	readonly #reading = new Map<UserId, Promise<OwnData>>();

	constructor(storage: Pick<Storage, 'accountData' | 'stream'>) {
		this.#storage = storage;
	}

	/** Takes in committed changes. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, subject, pos} of changes) {
			const userId = subject as UserId;
			if (kind === 'account_data' && (this.#held.has(userId) || this.#reading.has(userId))) {
				this.#changed.set(userId, pos);
			}
		}
	}

	/** Gives what a user keeps: everything that was committed when this was called, at least. */
	async of(userId: UserId): Promise<OwnData> {
		const wanted = this.#changed.get(userId) ?? 0;
		let data = this.#held.get(userId);
		while (!data || data.upto < wanted) {
			let reading = this.#reading.get(userId);
			if (!reading) {
				reading = this.#read(userId, data).finally(() => this.#reading.delete(userId));
				this.#reading.set(userId, reading);
			}
			data = await reading;
		}
		return data;
	}

	async #read(userId: UserId, known: OwnData | undefined): Promise<OwnData> {
		const upto = this.#storage.stream.head();
		const rows = await this.#storage.accountData.listChanged(userId, known?.upto ?? 0, upto);
		const data = new OwnData(known, rows, upto);
		if ((this.#changed.get(userId) ?? 0) <= upto) this.#changed.delete(userId);
		this.#held.set(userId, data);
		return data;
	}
}
