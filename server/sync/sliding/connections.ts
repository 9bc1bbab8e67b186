import {LRUCache} from 'lru-cache';
import {type RandomBytes, type RoomId, Seal} from '../../../crypto/index.ts';
import type {Clock} from '../../../federation/engine/index.ts';
import {type Position, type Storage, StorageError} from '../../../storage/index.ts';
import {ByteReader, ByteWriter} from './bytes.ts';
import {Connection, type ConnectionState, type Settled} from './connection.ts';
import type {ConnectionKey} from './request.ts';
import type {StateWishes} from './state-wish.ts';
import {readTold, type Snapshot, type Told, type ToldByNid, writeTold} from './told.ts';

/** Rooms that a position itself tells of; with more, it names a snapshot. 48 take about 600 characters. */
const INLINE_MAX = 48;
/** Rooms of one connection that are remembered; those that were told of longest ago are told of anew. */
const ROOMS_MAX = 20_000;
/** Rooms of all connections together that are remembered in memory; the rest is read from positions and snapshots. */
const MEMORY_MAX = 500_000;
/** Texts of wishes that a snapshot keeps. */
const WISHES_MAX = 32;
/** The form of what is sealed and kept; another one is not read. */
const FORM = 1;
/** Longer ones are not ours. */
const TOKEN_LENGTH_MAX = 4_096;

/** Characters of a position that no other has at its end. */
const TAG_LENGTH = 22;

const tokenForm = /^p1\.(\d{1,16})\.([\w-]+)$/;
const secretName = 'sliding_sync_secret';

/** What an answer adds to a connection. */
export interface ToldAnswer {
	readonly pos: Position;
	readonly epoch: string;
	readonly seq: number;
	readonly hasGlobalData: boolean;
	readonly told: ReadonlyMap<RoomId, Told>;
	readonly live: ReadonlySet<RoomId>;
	/** Absent where there is more to tell. */
	readonly settled: Settled | undefined;
	/** Whether the user still has to do with a room; what was told of others is forgotten. */
	readonly isKnown: (roomId: RoomId) => boolean;
}

/** What connections are kept with. */
export interface ConnectionsParts {
	readonly storage: Pick<Storage, 'batch' | 'commit' | 'ids' | 'meta' | 'names' | 'slidingSnapshots' | 'stream'>;
	readonly clock: Clock;
	readonly random: RandomBytes;
	readonly wishes: StateWishes;
}

/**
 * The connections of devices. Nothing is kept for an answer: the position that the client brings back says what it was
 * told, sealed for its device and connection, as far as that fits; the rest is a snapshot in the database, written when
 * a position has become too long. So a position means the same after a restart, and to every process.
 */
export class Connections {
	readonly #parts: ConnectionsParts;
	readonly #memory = new LRUCache<string, Connection>({maxSize: MEMORY_MAX, sizeCalculation: ({size}) => size});
	readonly #snapshots = new LRUCache<number, Snapshot>({
		maxSize: MEMORY_MAX,
		sizeCalculation: ({rooms}) => rooms.size + 1,
	});
	#seal: Promise<Seal> | undefined;

	constructor(parts: ConnectionsParts) {
		this.#parts = parts;
	}

	/** Gives the connection as it was at a position; `undefined` where this server did not give that to it. */
	async open(key: ConnectionKey, token: string): Promise<Connection | undefined> {
		const known = this.#memory.get(memoryKey(key, token));
		if (known?.token === token) return known;
		const match = token.length > TOKEN_LENGTH_MAX ? null : tokenForm.exec(token);
		const pos = Number(match?.[1]);
		if (!match || pos > this.#parts.storage.stream.head()) return undefined;
		const seal = await this.#getSeal();
		const bytes = seal.open(match[2]!, ownerOf(key, pos));
		const state = bytes && (await this.#read(key, pos, new ByteReader(bytes)));
		if (!state) return undefined;
		const connection = new Connection(state, {token});
		this.#memory.set(memoryKey(key, token), connection);
		return connection;
	}

	/** Gives the position for the client after an answer. */
	async issue(key: ConnectionKey, from: Connection, answer: ToldAnswer): Promise<string> {
		const {pos, epoch, seq, hasGlobalData, told, live, settled} = answer;
		const {snapshot, changed: before} = from.state;
		const changed = told.size === 0 ? before : new Map([...before, ...told]);
		const state = {pos, epoch, seq, hasGlobalData, snapshot, changed};
		if (from.token !== undefined && isSame(from.state, state)) {
			from.live = live;
			from.settled = settled;
			// Once more, for the size that it has now.
			this.#memory.set(memoryKey(key, from.token), from);
			return from.token;
		}
		const kept = changed.size > INLINE_MAX ? await this.#keep(key, state, answer) : state;
		const token = await this.#write(key, kept ?? {...state, changed: newestOf(changed, INLINE_MAX)});
		this.#memory.set(
			memoryKey(key, token),
			new Connection(kept ?? state, {token, previous: from.token, live, settled}),
		);
		// The client has come with `from`: it does not go back behind that.
		if (from.previous !== undefined) this.#memory.delete(memoryKey(key, from.previous));
		return token;
	}

	/** Puts what was told into the database. A full disk must not end reading: the position then tells of less. */
	async #keep(key: ConnectionKey, state: ConnectionState, answer: ToldAnswer): Promise<ConnectionState | undefined> {
		const {storage, clock} = this.#parts;
		const {pos} = state;
		let rooms = new Map<RoomId, Told>();
		for (const [roomId, told] of [...(state.snapshot?.rooms ?? []), ...state.changed]) {
			if (!answer.isKnown(roomId)) continue;
			rooms.set(roomId, answer.live.has(roomId) ? {...told, sent: pos} : told);
		}
		if (rooms.size > ROOMS_MAX) rooms = newestOf(rooms, ROOMS_MAX);
		try {
			await storage.ids.reserve(1);
			const id = storage.ids.next();
			const body = await this.#writeBody(rooms, pos);
			const {userId, deviceId, connId} = key;
			const batch = storage.batch();
			storage.slidingSnapshots.add(batch, {id, userId, deviceId, connId, createdTs: clock.now(), body});
			await storage.commit(batch);
			const snapshot = {id, rooms};
			this.#snapshots.set(id, snapshot);
			return {...state, snapshot, changed: new Map()};
		} catch (error) {
			if (error instanceof StorageError) return undefined;
			throw error;
		}
	}

	async #writeBody(rooms: ReadonlyMap<RoomId, Told>, pos: Position): Promise<Uint8Array> {
		const {wishes} = this.#parts;
		const to = new ByteWriter();
		to.number(FORM);
		to.number(pos);
		const ids = [...new Set([...rooms.values()].map(({wishId}) => wishId))].slice(0, WISHES_MAX);
		const texts = ids.map((id) => wishes.find(id)?.text).filter((text) => text !== undefined);
		to.number(texts.length);
		for (const text of texts) to.text(text);
		writeTold(to, await this.#toNids(rooms), pos);
		return to.take();
	}

	async #readBody(body: Uint8Array): Promise<ReadonlyMap<RoomId, Told>> {
		const from = new ByteReader(body);
		if (from.number() !== FORM) throw new RangeError('expected another form');
		const pos = from.number();
		for (let rest = from.number(); rest > 0; rest -= 1) this.#parts.wishes.learn(from.text());
		return this.#fromNids(readTold(from, pos));
	}

	async #write(key: ConnectionKey, state: ConnectionState): Promise<string> {
		const {pos, epoch, seq, hasGlobalData, snapshot, changed} = state;
		const to = new ByteWriter();
		to.number(FORM);
		to.text(epoch);
		to.number(seq);
		to.number(Number(hasGlobalData));
		to.number(snapshot?.id ?? 0);
		writeTold(to, await this.#toNids(changed), pos);
		const seal = await this.#getSeal();
		return `p1.${pos}.${seal.seal(to.take(), ownerOf(key, pos))}`;
	}

	async #read(key: ConnectionKey, pos: Position, from: ByteReader): Promise<ConnectionState | undefined> {
		try {
			if (from.number() !== FORM) return undefined;
			const epoch = from.text();
			const seq = from.number();
			const hasGlobalData = from.number() === 1;
			const snapshotId = from.number();
			const changed = await this.#fromNids(readTold(from, pos));
			const snapshot = snapshotId === 0 ? undefined : await this.#findSnapshot(key, snapshotId);
			if (snapshotId !== 0 && !snapshot) return undefined;
			return {pos, epoch, seq, hasGlobalData, snapshot, changed};
		} catch (error) {
			// Another version of this program wrote it.
			if (error instanceof RangeError || error instanceof SyntaxError) return undefined;
			throw error;
		}
	}

	async #findSnapshot(key: ConnectionKey, id: number): Promise<Snapshot | undefined> {
		const known = this.#snapshots.get(id);
		if (known) return known;
		const {userId, deviceId, connId} = key;
		const body = await this.#parts.storage.slidingSnapshots.find({id, userId, deviceId, connId});
		if (!body) return undefined;
		const snapshot = {id, rooms: await this.#readBody(body)};
		this.#snapshots.set(id, snapshot);
		return snapshot;
	}

	async #toNids(rooms: ReadonlyMap<RoomId, Told>): Promise<ToldByNid> {
		const nids = await this.#parts.storage.names.findIds([...rooms.keys()]);
		const byNid = new Map<number, Told>();
		for (const [roomId, told] of rooms) {
			const nid = nids.get(roomId);
			if (nid !== undefined) byNid.set(nid, told);
		}
		return byNid;
	}

	async #fromNids(byNid: ToldByNid): Promise<Map<RoomId, Told>> {
		const texts = await this.#parts.storage.names.findTexts([...byNid.keys()]);
		const rooms = new Map<RoomId, Told>();
		for (const [nid, told] of byNid) {
			const roomId = texts.get(nid) as RoomId | undefined;
			if (roomId !== undefined) rooms.set(roomId, told);
		}
		return rooms;
	}

	/** One secret for all processes, made by the first. */
	#getSeal(): Promise<Seal> {
		this.#seal ??= this.#readSecret().catch((error: unknown) => {
			this.#seal = undefined;
			throw error;
		});
		return this.#seal;
	}

	async #readSecret(): Promise<Seal> {
		const {storage, random} = this.#parts;
		const made = Buffer.from(random(32)).toString('base64url');
		return new Seal(Buffer.from(await storage.meta.findOrSet(secretName, made), 'base64url'), random);
	}
}

/** The end of a position is the tag by which it was sealed, of which there is no second. */
const memoryKey = ({userId, deviceId, connId}: ConnectionKey, token: string): string =>
	`${userId} ${deviceId} ${token.slice(-TAG_LENGTH)} ${connId}`;

/** For whom a position is sealed: it is of no use to anybody else, nor to another connection. */
const ownerOf = ({userId, deviceId, connId}: ConnectionKey, pos: Position): string =>
	JSON.stringify([userId, deviceId, connId, pos]);

function isSame(a: ConnectionState, b: ConnectionState): boolean {
	return (
		a.pos === b.pos &&
		a.epoch === b.epoch &&
		a.seq === b.seq &&
		a.hasGlobalData === b.hasGlobalData &&
		a.changed === b.changed
	);
}

function newestOf(rooms: ReadonlyMap<RoomId, Told>, count: number): Map<RoomId, Told> {
	return new Map([...rooms].toSorted(([, a], [, b]) => b.sent - a.sent).slice(0, count));
}
