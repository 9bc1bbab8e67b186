import {LRUCache} from 'lru-cache';
import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import type {Engine, StoredEvent} from '../../federation/engine/index.ts';
import {type Pdu, redactPdu, toClientEvent} from '../../federation/rooms/index.ts';
import type {CommittedChange, EventNid, EventRow, Storage} from '../../storage/index.ts';

/** Bytes that rendered events may take together. */
const RENDERED_BYTES_MAX = 48 * 1024 * 1024;
/** What an entry takes beside its text. */
const ENTRY_BYTES = 600;
/** Redactions remembered, for rows that were read before theirs was committed: far more than can happen meanwhile. */
const REDACTIONS_MAX = 50_000;

/** An event as every viewer is shown it, as text: what depends on the viewer or on the time is added to `unsigned`. */
export interface RenderedEvent {
	readonly nid: EventNid;
	readonly eventId: EventId;
	readonly roomId: RoomId;
	readonly type: string;
	readonly stateKey: string | null;
	readonly sender: UserId;
	readonly originServerTs: number;
	/** The redaction that it is shown with. */
	readonly redactedBy: EventNid | null;
	/** The client's form without `room_id` and `unsigned`, up to but without the closing brace. */
	readonly open: string;
	/** The parts of `unsigned` that are the same for all viewers, each followed by a comma. */
	readonly unsigned: string;
	/** The redaction, in the form of `open`. */
	readonly redactedBecause: string | undefined;
	/** Events whose redaction would change this text: the state event it replaced, and its own redaction. */
	readonly sources: readonly EventNid[];
	/** Whether `content.url` is a string: filters ask. */
	readonly hasUrl: boolean;
	/** Whether it gives the room a name or an address, so that it need not be called after its members. */
	readonly namesRoom: boolean;
}

/** Renders an event to text without `room_id` and `unsigned`, up to but without the closing brace. */
export const openText = (pdu: Pdu): string => JSON.stringify(toClientEvent(pdu, {withoutRoomId: true})).slice(0, -1);

function namesRoom({type, stateKey, content}: Pdu): boolean {
	if (stateKey !== '') return false;
	const name = type === 'm.room.name' ? content['name'] : type === 'm.room.canonical_alias' ? content['alias'] : '';
	return typeof name === 'string' && name !== '';
}

/**
 * Events rendered once, kept as long as memory lasts. A function of the stream: a redaction drops the texts that it
 * changes, also those in which the redacted event is quoted as `prev_content`.
 */
export class RenderedEvents {
	readonly #storage: Storage;
	readonly #engine: Engine;
	/** Which texts quote an event. */
	readonly #quoting = new Map<EventNid, Set<EventNid>>();
	readonly #making = new Map<EventNid, Promise<RenderedEvent>>();
	readonly #redactions = new LRUCache<EventNid, EventNid>({maxSize: REDACTIONS_MAX, sizeCalculation: () => 1});
	readonly #rendered = new LRUCache<EventNid, RenderedEvent>({
		maxSize: RENDERED_BYTES_MAX,
		sizeCalculation: ({open, unsigned, redactedBecause = ''}) =>
			open.length + unsigned.length + redactedBecause.length + ENTRY_BYTES,
		dispose: (event) => {
			for (const source of event.sources) {
				const quoting = this.#quoting.get(source);
				quoting?.delete(event.nid);
				if (quoting?.size === 0) this.#quoting.delete(source);
			}
		},
	});

	constructor(storage: Storage, engine: Engine) {
		this.#storage = storage;
		this.#engine = engine;
	}

	/** Drops what committed changes make wrong. */
	apply(changes: readonly CommittedChange[]): void {
		for (const {kind, ref, extra} of changes) {
			if ((kind !== 'event' && kind !== 'history') || ref === undefined) continue;
			// An outlier that became part of the graph has another state before it.
			this.#rendered.delete(ref);
			const redacted = extra?.['redacted'];
			if (typeof redacted !== 'number') continue;
			if (!this.#redactions.has(redacted)) this.#redactions.set(redacted, ref);
			this.#rendered.delete(redacted);
			for (const nid of this.#quoting.get(redacted) ?? []) this.#rendered.delete(nid);
		}
	}

	/** Gives an event that is in memory. */
	peek(nid: EventNid): RenderedEvent | undefined {
		return this.#rendered.get(nid);
	}

	/** Renders stored events, in order. What several ask for at a time is made once. */
	async render(events: readonly StoredEvent[]): Promise<RenderedEvent[]> {
		const known = events.map(({row}) => this.#find(row));
		if (!known.includes(undefined)) return known as RenderedEvent[];
		const missing = events.filter(({row}, index) => known[index] === undefined && !this.#making.has(row.nid));
		if (missing.length > 0) this.#startMaking(missing);
		const made = await Promise.all(
			events.map(({row}, index) => Promise.resolve(known[index] ?? this.#making.get(row.nid))),
		);
		// Redacted in the meantime, or by another's older row: made anew.
		if (!made.every((event, index) => event?.redactedBy === this.#redactionOf(events[index]!.row))) {
			return this.#make(events);
		}
		return made as RenderedEvent[];
	}

	#startMaking(events: readonly StoredEvent[]): void {
		const all = this.#make(events);
		for (const [index, {row}] of events.entries()) {
			const one = all.then((made) => made[index]!).finally(() => this.#making.delete(row.nid));
			this.#making.set(row.nid, one);
		}
	}

	/** Finds and renders events by nid; damaged and absent ones are left out. */
	async find(nids: readonly EventNid[]): Promise<Map<EventNid, RenderedEvent>> {
		const found = new Map<EventNid, RenderedEvent>();
		const missing: EventNid[] = [];
		for (const nid of nids) {
			const event = this.#rendered.get(nid);
			if (event) found.set(nid, event);
			else missing.push(nid);
		}
		if (missing.length > 0) {
			const rows = await this.#storage.events.findByNids(missing);
			for (const event of await this.#make(await this.#engine.readRows([...rows.values()])))
				found.set(event.nid, event);
		}
		return found;
	}

	#redactionOf(row: EventRow): EventNid | null {
		return row.redactedBy ?? this.#redactions.get(row.nid) ?? null;
	}

	#find(row: EventRow): RenderedEvent | undefined {
		const event = this.#rendered.get(row.nid);
		return event?.redactedBy === this.#redactionOf(row) ? event : undefined;
	}

	/** Quotes what the events replace and what redacted them: two reads for a whole page. */
	async #make(events: readonly StoredEvent[]): Promise<RenderedEvent[]> {
		const replaced = await Promise.all(events.map(({row}) => this.#findReplaced(row)));
		const quoted = await this.#readQuoted([...replaced, ...events.map(({row}) => this.#redactionOf(row) ?? undefined)]);
		return events.map(({pdu, row}, index) => {
			const redactedBy = this.#redactionOf(row);
			const previous = quoted.get(replaced[index] ?? -1);
			const redaction = quoted.get(redactedBy ?? -1);
			const shown = redactedBy === null ? pdu : redactPdu(pdu);
			const event: RenderedEvent = {
				nid: row.nid,
				eventId: row.eventId,
				roomId: row.roomId,
				type: row.type,
				stateKey: row.stateKey,
				sender: row.sender,
				originServerTs: row.originServerTs,
				redactedBy,
				open: openText(shown),
				unsigned: previous ? this.#unsignedOf(previous) : '',
				redactedBecause: redaction && openText(this.#asShown(redaction)),
				sources: [previous, redaction].filter((source) => source !== undefined).map((source) => source.row.nid),
				hasUrl: typeof shown.content['url'] === 'string',
				namesRoom: namesRoom(shown),
			};
			this.#keep(event);
			return event;
		});
	}

	async #findReplaced({roomId, type, stateKey, stateBefore}: EventRow): Promise<EventNid | undefined> {
		if (stateKey === null || stateBefore === null) return undefined;
		const before = this.#storage.state.open(roomId, stateBefore);
		await before.load([{type, stateKey}]);
		return before.get(type, stateKey);
	}

	async #readQuoted(nids: readonly (EventNid | undefined)[]): Promise<Map<EventNid, StoredEvent>> {
		const wanted = nids.filter((nid) => nid !== undefined);
		if (wanted.length === 0) return new Map();
		const rows = await this.#storage.events.findByNids(wanted);
		const events = await this.#engine.readRows([...rows.values()]);
		return new Map(events.map((event) => [event.row.nid, event]));
	}

	#asShown({pdu, row}: StoredEvent): Pdu {
		return this.#redactionOf(row) === null ? pdu : redactPdu(pdu);
	}

	#unsignedOf(previous: StoredEvent): string {
		const {content, sender, eventId} = this.#asShown(previous);
		const quote = {prev_content: content, prev_sender: sender, replaces_state: eventId};
		return `${JSON.stringify(quote).slice(1, -1)},`;
	}

	/** Nothing was awaited since redactions were asked for, so what is kept is as the stream has it now. */
	#keep(event: RenderedEvent): void {
		this.#rendered.set(event.nid, event);
		for (const source of event.sources) {
			const quoting = this.#quoting.get(source) ?? new Set();
			this.#quoting.set(source, quoting.add(event.nid));
		}
	}
}
