import {LRUCache} from 'lru-cache';
import type {RoomId} from '../../crypto/index.ts';
import type {Engine, StoredEvent} from '../../federation/engine/index.ts';
import type {CommittedChange, EventNid, EventRow, Position, Storage} from '../../storage/index.ts';

/** Live events of a room that are held at least, where it has so many: what a first answer shows of it, and a few more. */
const KEPT = 16;
/** When a tail has grown to this it is cut. */
const KEPT_MAX = 40;
/** Rooms whose tails are held. */
const TAILS_MAX = 1_000;

interface Tail {
	/** Oldest first. */
	events: StoredEvent[];
	/** Live events of the room above this are all there. */
	from: Position;
	/** Committed, but not read yet. */
	pending: {readonly nid: EventNid; readonly pos: Position}[];
	filling: Promise<void> | undefined;
	/** Of the events, those before which something is missing, or was when they came. */
	afterGap: ReadonlySet<EventNid>;
}

/** Newest live events of a room. */
export interface RoomTail {
	/** Oldest first, none above the position asked for. */
	readonly events: readonly StoredEvent[];
	/** No event of the room between this position and the one asked for is missing. */
	readonly from: Position;
	/** Of the events, those that do not follow upon the one before them: what lies between had no place then. */
	readonly afterGap: ReadonlySet<EventNid>;
}

/** The newest events of rooms, read once for all who sync. */
export class RoomTails {
	readonly #storage: Storage;
	readonly #engine: Engine;
	readonly #tails = new LRUCache<RoomId, Tail>({maxSize: TAILS_MAX, sizeCalculation: () => 1});

	constructor(storage: Storage, engine: Engine) {
		this.#storage = storage;
		this.#engine = engine;
	}

	/** Takes in committed changes. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, roomId, ref, pos, extra} of changes) {
			// The events of a room that was completed have been judged anew.
			if (kind === 'state' && roomId !== undefined) this.#tails.delete(roomId);
			if ((kind !== 'event' && kind !== 'history') || roomId === undefined) continue;
			const tail = this.#tails.peek(roomId);
			if (!tail || ref === undefined) continue;
			// What was fetched for the past belongs to no tail, but it may be a redaction.
			if (kind === 'event') {
				tail.pending.push({nid: ref, pos});
				if (extra?.['after_gap'] === true) tail.afterGap = new Set(tail.afterGap).add(ref);
			}
			const redacted = extra?.['redacted'];
			if (typeof redacted === 'number') tail.events = tail.events.map((event) => redact(event, redacted, ref));
		}
	}

	/** Gives the newest events of a room up to a position: at least `KEPT`, where it has so many. */
	async get(roomId: RoomId, upto: Position): Promise<RoomTail> {
		let tail = this.#tails.get(roomId);
		if (!tail) {
			tail = {events: [], from: 0, pending: [], filling: undefined, afterGap: new Set()};
			this.#tails.set(roomId, tail);
			tail.filling = this.#load(roomId, tail);
		}
		while (tail.filling || tail.pending.length > 0) {
			tail.filling ??= this.#fill(tail);
			await tail.filling;
		}
		const {events, from, afterGap} = tail;
		const newest = events.at(-1);
		if (newest === undefined || anchorOf(newest) <= upto) return {events, from, afterGap};
		return {events: events.filter((event) => anchorOf(event) <= upto), from: Math.min(from, upto), afterGap};
	}

	async #load(roomId: RoomId, tail: Tail): Promise<void> {
		try {
			const head = this.#storage.stream.head();
			const rows = await this.#storage.events.listLatest(roomId, head, KEPT);
			const events = await this.#engine.readRows(rows.toReversed());
			const afterGap = await this.#storage.events.listAfterGaps(rows.map(({nid}) => nid));
			tail.events = events.map(slim);
			tail.afterGap = new Set([...tail.afterGap, ...afterGap]);
			tail.from = rows.length < KEPT ? 0 : (rows.at(-1)?.anchor ?? 1) - 1;
			tail.pending = tail.pending.filter(({pos}) => pos > head);
		} catch (error) {
			this.#tails.delete(roomId);
			throw error;
		} finally {
			tail.filling = undefined;
		}
	}

	/** Takes the pending ones away only when they are read, so that a failed read is tried again. */
	async #fill(tail: Tail): Promise<void> {
		try {
			// What is committed during the read comes to `tail.pending` and not to this list.
			const pending = [...tail.pending];
			const rows = await this.#storage.events.findByNids(pending.map(({nid}) => nid));
			const found = pending.map(({nid}) => rows.get(nid)).filter((row) => row !== undefined);
			const events = await this.#engine.readRows(found);
			tail.events = [...tail.events, ...events.map(slim)];
			tail.pending = tail.pending.slice(pending.length);
			if (tail.events.length > KEPT_MAX) {
				tail.from = anchorOf(tail.events.at(-KEPT)!) - 1;
				tail.events = tail.events.slice(-KEPT);
				if (tail.afterGap.size > 0) {
					const held = [...tail.events.map(({row}) => row.nid), ...tail.pending.map(({nid}) => nid)];
					tail.afterGap = new Set(held.filter((nid) => tail.afterGap.has(nid)));
				}
			}
		} finally {
			tail.filling = undefined;
		}
	}
}

/** The position of a live event. */
export function anchorOf({row}: StoredEvent): Position {
	return row.anchor ?? 0;
}

/** The text is read already; it would be held twice. */
function slim({pdu, row}: StoredEvent): StoredEvent {
	return {pdu, row: {...row, json: ''}};
}

function redact(event: StoredEvent, nid: EventNid, redactedBy: EventNid): StoredEvent {
	if (event.row.nid !== nid || event.row.redactedBy !== null) return event;
	const row: EventRow = {...event.row, redactedBy};
	return {pdu: event.pdu, row};
}
