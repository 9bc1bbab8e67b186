import {LRUCache} from 'lru-cache';
import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import {type Engine, isRelation, type StoredEvent} from '../../federation/engine/index.ts';
import type {ChildCount, ChildRow, CommittedChange, Storage} from '../../storage/index.ts';

/** What is held of all events together: one for each event, child and sender that is named, more for an edit's content. */
const HELD_MAX = 200_000;
const EDIT_WEIGHT = 10;
/** Edits of an event that are looked at, those that came last: one with a later time among the others is not seen. */
const EDITS_MAX = 100;
/** Valid edits that are held, for viewers who may not see the latest. */
const EDITS_HELD = 5;
/** Newest events of a thread that are held, for viewers who ignore some of the senders. */
const REPLIES_HELD = 20;
/** References to an event that are listed. */
const REFERENCES_MAX = 500;

const bundledTypes = ['m.reference', 'm.replace', 'm.thread'] as const;

/** What relates to an event, the same for all viewers. */
export interface Aggregate {
	/** Valid edits, the latest first. */
	readonly edits: readonly StoredEvent[];
	/** The newest events of the thread, the newest first. */
	readonly replies: readonly ChildRow[];
	/** How many events of the thread each person sent. */
	readonly repliers: ReadonlyMap<UserId, number>;
	/** Events that refer to it, the oldest first. */
	readonly references: readonly ChildRow[];
}

const nothing: Aggregate = {edits: [], replies: [], repliers: new Map(), references: []};

/**
 * What relates to events, read once for all who look at them: most events have nothing, and that is held as well. A
 * function of the stream, which tells whose relations change.
 */
export class Aggregates {
	readonly #storage: Storage;
	readonly #engine: Engine;
	readonly #aggregates = new LRUCache<EventId, Aggregate>({
		maxSize: HELD_MAX,
		sizeCalculation: ({edits, replies, repliers, references}) =>
			1 + edits.length * EDIT_WEIGHT + replies.length + repliers.size + references.length,
	});
	/** Events that are being read, and whether what is read was overtaken. */
	readonly #reading = new Map<EventId, {readers: number; isOvertaken: boolean}>();

	constructor(storage: Storage, engine: Engine) {
		this.#storage = storage;
		this.#engine = engine;
	}

	/** Drops what committed changes make wrong. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {extra} of changes) {
			const parent = extra?.['relates_to'];
			if (typeof parent !== 'string') continue;
			this.#aggregates.delete(parent as EventId);
			const reading = this.#reading.get(parent as EventId);
			if (reading) reading.isOvertaken = true;
		}
	}

	/** Finds what relates to events; those to which nothing does, and state events, are left out. */
	async find(events: readonly StoredEvent[]): Promise<Map<EventId, Aggregate>> {
		const found = new Map<EventId, Aggregate>();
		const missing = new Map<RoomId, StoredEvent[]>();
		for (const event of events) {
			const {eventId, stateKey, roomId} = event.row;
			if (stateKey !== null) continue;
			const known = this.#aggregates.get(eventId);
			if (!known) missing.set(roomId, [...(missing.get(roomId) ?? []), event]);
			else if (known !== nothing) found.set(eventId, known);
		}
		for (const [roomId, ofRoom] of missing) {
			for (const [eventId, aggregate] of await this.#read(roomId, ofRoom)) found.set(eventId, aggregate);
		}
		return found;
	}

	/** One read for all of a room, and more for those alone that have something. */
	async #read(roomId: RoomId, events: readonly StoredEvent[]): Promise<Map<EventId, Aggregate>> {
		const eventIds = events.map(({row}) => row.eventId);
		const readings = eventIds.map((eventId) => {
			const reading = this.#reading.get(eventId) ?? {readers: 0, isOvertaken: false};
			reading.readers += 1;
			this.#reading.set(eventId, reading);
			return reading;
		});
		const found = new Map<EventId, Aggregate>();
		try {
			const counts = new Map<EventId, ChildCount[]>();
			for (const count of await this.#storage.relations.countChildren(roomId, eventIds, bundledTypes)) {
				counts.set(count.relatesTo, [...(counts.get(count.relatesTo) ?? []), count]);
			}
			for (const event of events) {
				const own = counts.get(event.row.eventId);
				if (own) found.set(event.row.eventId, await this.#readOne(event, own));
			}
			for (const [index, eventId] of eventIds.entries()) {
				if (!readings[index]!.isOvertaken) this.#aggregates.set(eventId, found.get(eventId) ?? nothing);
			}
		} finally {
			for (const [index, eventId] of eventIds.entries()) {
				readings[index]!.readers -= 1;
				if (readings[index]!.readers === 0) this.#reading.delete(eventId);
			}
		}
		return found;
	}

	async #readOne(event: StoredEvent, counts: readonly ChildCount[]): Promise<Aggregate> {
		const {roomId, eventId, relType} = event.row;
		const {relations} = this.#storage;
		const query = {roomId, eventId, limit: REPLIES_HELD};
		const isThread = !isRelation(relType) && counts.some((count) => count.relType === 'm.thread');
		const repliers = counts.filter((count) => isThread && count.relType === 'm.thread');
		const hasReferences = counts.some((count) => count.relType === 'm.reference');
		return {
			edits: relType === 'm.replace' ? [] : await this.#listEdits(event),
			replies: isThread ? await relations.listChildren({...query, relType: 'm.thread', direction: 'backwards'}) : [],
			repliers: new Map(repliers.map(({sender, count}) => [sender, count])),
			references: hasReferences
				? await relations.listChildren({
						...query,
						relType: 'm.reference',
						direction: 'forwards',
						limit: REFERENCES_MAX,
					})
				: [],
		};
	}

	/** Lists the valid edits of an event, by the specification's order. */
	async #listEdits({row}: StoredEvent): Promise<StoredEvent[]> {
		const {roomId, eventId, sender, type} = row;
		const query = {roomId, eventId, sender, relType: 'm.replace', direction: 'backwards', limit: EDITS_MAX} as const;
		const children = (await this.#storage.relations.listChildren(query)).toSorted(
			(a, b) => b.originServerTs - a.originServerTs || (a.eventId < b.eventId ? 1 : -1),
		);
		const edits: StoredEvent[] = [];
		for (let index = 0; index < children.length && edits.length === 0; index += EDITS_HELD) {
			const nids = children.slice(index, index + EDITS_HELD).map(({nid}) => nid);
			const rows = await this.#storage.events.findByNids(nids);
			const inOrder = nids.map((nid) => rows.get(nid)).filter((found) => found !== undefined);
			edits.push(...(await this.#engine.readRows(inOrder)).filter((edit) => isValidEdit(edit, type)).map(slim));
		}
		return edits;
	}
}

/** The text is read already; it would be held twice. */
function slim({pdu, row}: StoredEvent): StoredEvent {
	return {pdu, row: {...row, json: ''}};
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#validity-of-replacement-events */
function isValidEdit({pdu, row}: StoredEvent, type: string): boolean {
	const hasNewContent = pdu.type === 'm.room.encrypted' || Object.hasOwn(pdu.content, 'm.new_content');
	return row.redactedBy === null && row.stateKey === null && pdu.type === type && hasNewContent;
}
