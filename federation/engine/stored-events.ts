import {LRUCache} from 'lru-cache';
import {
	breathe,
	type EventId,
	type JsonObject,
	type JsonValue,
	readStrictJson,
	type RoomId,
} from '../../crypto/index.ts';
import type {EventNid, EventRow, Storage} from '../../storage/index.ts';
import {type Pdu, type RoomVersionId, roomVersion} from '../rooms/index.ts';
import type {StoredEvent} from './engine.ts';

/** Events held in memory; an event of ordinary size takes about 2 KiB. */
const CACHED_EVENTS_MAX = 8_000;
/** Rows whose JSON is read before others get their turn: some milliseconds. */
const READ_AT_ONCE = 200;
/** Rooms whose version is held in memory. */
const CACHED_ROOMS_MAX = 20_000;

/** An event as the engine holds it: what never changes about it. */
export interface KnownEvent {
	readonly nid: EventNid;
	readonly pdu: Pdu;
}

/**
 * Reads the event of a row, without judging it again: it was judged before it was stored.
 * @throws SyntaxError where the row is damaged.
 */
export function readStoredPdu(row: Pick<EventRow, 'eventId' | 'roomId' | 'json'>, version: RoomVersionId): Pdu {
	const rules = roomVersion(version);
	const json = (rules.isStrictJson ? JSON.parse(row.json) : readStrictJson(row.json)) as JsonObject;
	const references = (value: JsonValue | undefined): EventId[] =>
		(value as JsonValue[]).map((entry) => (Array.isArray(entry) ? entry[0] : entry) as EventId);
	const content = json.content as JsonObject;
	const redacts = rules.redactsIn === 'content' ? content.redacts : json.redacts;
	return {
		eventId: row.eventId,
		roomId: row.roomId,
		roomVersion: version,
		type: json.type as string,
		sender: json.sender as Pdu['sender'],
		...(typeof json.state_key === 'string' && {stateKey: json.state_key}),
		content,
		depth: Number(json.depth),
		originServerTs: Number(json.origin_server_ts),
		prevEvents: references(json.prev_events),
		authEvents: references(json.auth_events),
		...(json.type === 'm.room.redaction' && typeof redacts === 'string' && {redacts: redacts as EventId}),
		signatures: (json.signatures ?? {}) as Pdu['signatures'],
		json,
	};
}

/** Events by id and by nid, read from storage once and kept while they are used. */
export class StoredEvents {
	readonly #storage: Storage;
	readonly #onDamage: (eventId: EventId, cause: unknown) => void;
	readonly #byNid = new LRUCache<EventNid, KnownEvent>({maxSize: CACHED_EVENTS_MAX, sizeCalculation: () => 1});
	readonly #nids = new LRUCache<EventId, EventNid>({maxSize: CACHED_EVENTS_MAX, sizeCalculation: () => 1});
	/** Events on their way to the disk: states that are built on them name them already. */
	readonly #unstored = new Map<EventNid, KnownEvent>();
	readonly #versions = new LRUCache<RoomId, RoomVersionId>({maxSize: CACHED_ROOMS_MAX, sizeCalculation: () => 1});

	constructor(storage: Storage, onDamage: (eventId: EventId, cause: unknown) => void) {
		this.#storage = storage;
		this.#onDamage = onDamage;
	}

	/** Finds the version of a room that is stored. */
	async findVersion(roomId: RoomId): Promise<RoomVersionId | undefined> {
		const cached = this.#versions.get(roomId);
		if (cached) return cached;
		const room = await this.#storage.rooms.find(roomId);
		if (!room) return undefined;
		this.noteVersion(roomId, room.version as RoomVersionId);
		return room.version as RoomVersionId;
	}

	noteVersion(roomId: RoomId, version: RoomVersionId): void {
		this.#versions.set(roomId, version);
	}

	/** Lets go of the events of a room that was taken away: if they come again, they have to be stored again. */
	forgetRoom(roomId: RoomId): void {
		this.#versions.delete(roomId);
		for (const [nid, {pdu}] of this.#byNid.entries()) {
			if (pdu.roomId !== roomId) continue;
			this.#byNid.delete(nid);
			this.#nids.delete(pdu.eventId);
		}
	}

	/** Keeps an event that was just made, so that nobody needs to read it back. */
	note(event: KnownEvent): void {
		this.#byNid.set(event.nid, event);
		this.#nids.set(event.pdu.eventId, event.nid);
	}

	/** Keeps an event of a batch that is being committed, until that is decided. */
	hold(event: KnownEvent): void {
		this.#unstored.set(event.nid, event);
	}

	release({nid}: Pick<KnownEvent, 'nid'>): void {
		this.#unstored.delete(nid);
	}

	/** Gives an event that is in memory. */
	cached(nid: EventNid): KnownEvent | undefined {
		return this.#byNid.get(nid);
	}

	/** Reads rows; a damaged one is reported and left out, so that one bad row costs one event. */
	async read(rows: Iterable<EventRow>): Promise<StoredEvent[]> {
		const read: StoredEvent[] = [];
		let count = 0;
		for (const row of rows) {
			count += 1;
			if (count % READ_AT_ONCE === 0) await breathe();
			const event = this.readRow(row, await this.findVersion(row.roomId));
			if (event) read.push(event);
		}
		return read;
	}

	/** Like `read`, for rows of one room whose version is in memory already. */
	readRow(row: EventRow, version: RoomVersionId | undefined): StoredEvent | undefined {
		const cached = this.#byNid.get(row.nid);
		if (cached) return {pdu: cached.pdu, row};
		try {
			const pdu = readStoredPdu(row, version ?? '1');
			this.note({nid: row.nid, pdu});
			return {pdu, row};
		} catch (cause) {
			this.#onDamage(row.eventId, cause);
			return undefined;
		}
	}

	async find(eventId: EventId): Promise<StoredEvent | undefined> {
		const row = await this.#storage.events.findById(eventId);
		return row && (await this.read([row]))[0];
	}

	/** Finds many stored events; absent and damaged ones are left out. */
	async findMany(eventIds: readonly EventId[]): Promise<Map<EventId, StoredEvent>> {
		const found = await this.read((await this.#storage.events.findByIds(eventIds)).values());
		return new Map(found.map((event) => [event.pdu.eventId, event]));
	}

	/** Finds the events themselves, from memory where they are there. */
	async findPdus(eventIds: readonly EventId[]): Promise<Map<EventId, KnownEvent>> {
		const found = new Map<EventId, KnownEvent>();
		const missing: EventId[] = [];
		for (const eventId of eventIds) {
			const nid = this.#nids.get(eventId);
			const event = nid === undefined ? undefined : this.#byNid.get(nid);
			if (event) found.set(eventId, event);
			else missing.push(eventId);
		}
		if (missing.length > 0) {
			for (const [eventId, {pdu, row}] of await this.findMany(missing)) found.set(eventId, {nid: row.nid, pdu});
		}
		return found;
	}

	/** Finds events by nid, from memory where they are there. */
	async findByNids(nids: readonly EventNid[]): Promise<Map<EventNid, Pdu>> {
		const found = new Map<EventNid, Pdu>();
		const missing: EventNid[] = [];
		for (const nid of nids) {
			const event = this.#unstored.get(nid) ?? this.#byNid.get(nid);
			if (event) found.set(nid, event.pdu);
			else missing.push(nid);
		}
		if (missing.length > 0) {
			const rows = await this.#storage.events.findByNids(missing);
			for (const {pdu, row} of await this.read(rows.values())) found.set(row.nid, pdu);
		}
		return found;
	}
}
