import type {EventNid, Snapshot, StateChange, StateKey, StateRoot} from '../../storage/index.ts';
import type {Pdu} from '../rooms/index.ts';
import type {KnownEvent, StoredEvents} from './stored-events.ts';

/** How two states differ at one key. */
export interface EntryDifference {
	readonly key: StateKey;
	readonly before: KnownEvent | undefined;
	readonly after: KnownEvent | undefined;
}

/** Entries that a state keeps in memory before it lets go of those that were looked up long ago. */
const HELD_ENTRIES_MAX = 4_096;

/** A turn asked for an entry that preparation had not loaded: it is prepared again, and nothing has happened. */
export class NotLoaded extends Error {
	override readonly name = 'NotLoaded';
	readonly key: StateKey;
	constructor(key: StateKey) {
		super(`state of ${key.type} is not loaded`);
		this.key = key;
	}
}

const keyOf = (type: string, stateKey: string): string => `${type}\0${stateKey}`;

/**
 * An immutable state of a room, with the events of those entries that were loaded: authorisation asks it synchronously.
 * States made by `with` take over what their origin had loaded.
 */
export class RoomState {
	readonly snapshot: Snapshot;
	readonly #events: StoredEvents;
	#held: Map<string, KnownEvent | null>;

	constructor(snapshot: Snapshot, events: StoredEvents, held = new Map<string, KnownEvent | null>()) {
		this.snapshot = snapshot;
		this.#events = events;
		this.#held = held;
	}

	get root(): StateRoot {
		return this.snapshot.root;
	}

	isLoaded(type: string, stateKey: string): boolean {
		return this.#held.has(keyOf(type, stateKey));
	}

	/** Loads entries that are not loaded yet, and their events. */
	async load(keys: readonly StateKey[]): Promise<void> {
		const missing = keys.filter(({type, stateKey}) => !this.isLoaded(type, stateKey));
		if (missing.length === 0) return;
		await this.snapshot.load(missing);
		const nids = missing.map(({type, stateKey}) => this.snapshot.get(type, stateKey));
		const events = await this.#events.findByNids(nids.filter((nid) => nid !== undefined));
		if (this.#held.size + missing.length > HELD_ENTRIES_MAX) this.#held = new Map();
		for (const [index, key] of missing.entries()) {
			const nid = nids[index];
			const pdu = nid === undefined ? undefined : events.get(nid);
			this.#held.set(keyOf(key.type, key.stateKey), nid !== undefined && pdu ? {nid, pdu} : null);
		}
	}

	/** Loads entries that are to be changed: `with` asks for more than the events that are held. */
	async loadForChange(keys: readonly StateKey[]): Promise<void> {
		await this.load(keys);
		const gone = keys.filter(({type, stateKey}) => !this.snapshot.isLoaded(type, stateKey));
		if (gone.length > 0) await this.snapshot.load(gone);
	}

	/** Gives a loaded entry. @throws NotLoaded */
	entry(type: string, stateKey: string): KnownEvent | undefined {
		const held = this.#held.get(keyOf(type, stateKey));
		if (held === undefined) throw new NotLoaded({type, stateKey});
		return held ?? undefined;
	}

	/** Gives the event of a loaded entry: the form in which authorisation asks. @throws NotLoaded */
	readonly lookup = (type: string, stateKey: string): Pdu | undefined => this.entry(type, stateKey)?.pdu;

	/** Makes the state after changes of loaded entries. @throws NotLoaded */
	with(changes: readonly {readonly key: StateKey; readonly event: KnownEvent | null}[]): RoomState {
		for (const {key} of changes) {
			this.entry(key.type, key.stateKey);
			// Snapshots let go of paths by themselves, and where there is no path nothing can be changed.
			if (this.snapshot.isLoaded(key.type, key.stateKey)) continue;
			this.#held.delete(keyOf(key.type, key.stateKey));
			throw new NotLoaded(key);
		}
		const snapshot = this.snapshot.with(
			changes.map(({key, event}): StateChange => ({...key, eventNid: event?.nid ?? null})),
		);
		const held = new Map(this.#held);
		for (const {key, event} of changes) held.set(keyOf(key.type, key.stateKey), event);
		return new RoomState(snapshot, this.#events, held);
	}

	/** Makes the state after one state event. @throws NotLoaded */
	after(event: KnownEvent): RoomState {
		const {type, stateKey} = event.pdu;
		return stateKey === undefined ? this : this.with([{key: {type, stateKey}, event}]);
	}

	/** Finds one entry, reading it where needed. */
	async find(type: string, stateKey: string): Promise<Pdu | undefined> {
		for (;;) {
			await this.load([{type, stateKey}]);
			// Another reader's load may have let go of this entry meanwhile.
			if (this.isLoaded(type, stateKey)) return this.lookup(type, stateKey);
		}
	}

	/** The nid of a loaded entry, for those who compare states. @throws NotLoaded */
	nid(type: string, stateKey: string): EventNid | undefined {
		return this.entry(type, stateKey)?.nid;
	}

	/**
	 * Lists the entries in which this state differs from another of the room, with their events.
	 * @param unstored Events of either state that no database knows yet.
	 */
	async differenceFrom(before: RoomState, unstored: readonly KnownEvent[] = []): Promise<EntryDifference[]> {
		const differences = await this.snapshot.differenceFrom(before.snapshot);
		const nids = differences
			.flatMap((difference) => [difference.before, difference.after])
			.filter((nid) => nid !== null);
		const events = await this.#events.findByNids(nids);
		const known = (nid: EventNid | null): KnownEvent | undefined => {
			if (nid === null) return undefined;
			const pdu = events.get(nid) ?? unstored.find((event) => event.nid === nid)?.pdu;
			return pdu && {nid, pdu};
		};
		return differences.map(({type, stateKey, ...nid}) => ({
			key: {type, stateKey},
			before: known(nid.before),
			after: known(nid.after),
		}));
	}

	/** Lists the events of the state: all, or those at the keys that are wanted; the others are not read. */
	async listEvents(isWanted: (key: StateKey) => boolean = () => true): Promise<KnownEvent[]> {
		const entries = (await this.snapshot.entries()).filter(isWanted);
		const events = await this.#events.findByNids(entries.map(({eventNid}) => eventNid));
		return [...events].map(([nid, pdu]) => ({nid, pdu}));
	}
}
