import {breathe, type EventId, type RoomId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {
	BudgetExceeded,
	type Pdu,
	type Rejection,
	resolveConflictInSteps,
	resolveLoading,
	type RoomVersionId,
	splitStateKey,
	type StateKey,
	stateKeyOf,
	type StateMap,
	type VerifySignature,
	type WorkBudget,
} from '../rooms/index.ts';
import type {RoomAuthGraph} from './auth-graphs.ts';
import {EngineError} from './errors.ts';
import type {Resolving} from './resolving.ts';
import type {RoomState} from './room-state.ts';
import type {KnownEvent, StoredEvents} from './stored-events.ts';

/** What reading one event counts as, in units of work: a query's share, and its JSON. */
const LOAD_UNITS = 100;
/** What one entry of the states counts as that all of them have. */
const ENTRY_UNITS = 2;
/** Events that are read before others get their turn. */
const LOADED_AT_ONCE = 200;

/** What resolving needs of the server. */
export interface ResolveContext {
	readonly storage: Storage;
	readonly events: StoredEvents;
	readonly verifySignature: VerifySignature;
	readonly resolving: Resolving;
}

interface Room {
	readonly roomId: RoomId;
	readonly version: RoomVersionId;
}

interface Conflicted {
	/** For each state, the entries in which it differs from some other. */
	readonly sets: readonly Map<StateKey, EventId>[];
	readonly keys: ReadonlySet<StateKey>;
}

/**
 * Gives the state that follows from several: one of them where they are equal, otherwise their resolution, built on the
 * first so that it shares what it can with it.
 * @throws EngineError('too_complex'), MissingEvents
 */
export async function resolveStates(
	context: ResolveContext,
	room: Room,
	states: readonly RoomState[],
): Promise<RoomState> {
	const differing = distinct(states);
	const [first] = differing;
	if (!first) throw new Error('no state to resolve');
	if (differing.length === 1) return first;
	const {resolving} = context;
	const roots = differing.map(({root}) => root).toSorted((a, b) => a - b);
	const name = `${room.roomId} ${roots.join()}`;
	return resolving.once(name, () => resolveBounded(context, room, differing, first));
}

async function resolveBounded(
	context: ResolveContext,
	room: Room,
	states: readonly RoomState[],
	first: RoomState,
): Promise<RoomState> {
	const {resolving} = context;
	const budget = await resolving.openBudget(room.roomId);
	try {
		return await resolveDiffering(context, room, {states, first, budget});
	} catch (error) {
		if (!(error instanceof BudgetExceeded)) throw error;
		resolving.noteStrain(room.roomId);
		throw new EngineError('too_complex', 'Working out the state of the room takes too much', {cause: error});
	} finally {
		resolving.noteSpent(room.roomId, budget);
	}
}

/** Whether all that failed is that a state would take too much work. */
export function isTooComplex(error: unknown): boolean {
	return error instanceof EngineError && error.code === 'too_complex';
}

async function resolveDiffering(
	context: ResolveContext,
	room: Room,
	work: {readonly states: readonly RoomState[]; readonly first: RoomState; readonly budget: WorkBudget},
): Promise<RoomState> {
	const {states, first, budget} = work;
	const known = new Map<EventId, KnownEvent>();
	const conflicted = await findConflicts(states, known, budget);
	if (conflicted.keys.size === 0) return first;
	const graph = context.resolving.graphs.open(room.roomId);
	await graph.follow([...known.values()].map(({pdu}) => pdu));
	const unconflicted = await shareOf(graph, first, conflicted, budget);
	const loader = new Loader(context, known, budget);
	const levels = unconflicted.get(stateKeyOf('m.room.power_levels', ''));
	await loader.load([...known.keys(), ...(levels === undefined ? [] : [levels])]);
	const resolved = await resolveLoading(
		() =>
			context.resolving.drive(
				resolveConflictInSteps(room.version, {
					roomId: room.roomId,
					conflict: {conflicted: conflicted.sets, unconflicted},
					findEvent: (eventId): Pdu | undefined => known.get(eventId)?.pdu,
					rejectionOf: (eventId) => loader.rejections.get(eventId),
					authGraph: graph.graph,
					budget,
				}),
			),
		(eventIds) => loader.load(eventIds),
	);
	return layOver(first, conflicted.keys, resolved, known);
}

/** States without those that have the same root as one before. */
function distinct(states: readonly RoomState[]): RoomState[] {
	return [...new Map(states.map((state) => [state.root, state])).values()];
}

async function findConflicts(
	states: readonly RoomState[],
	known: Map<EventId, KnownEvent>,
	budget: WorkBudget,
): Promise<Conflicted> {
	const [first, ...others] = states;
	const keys = new Map<StateKey, {readonly type: string; readonly stateKey: string}>();
	for (const other of others) {
		if (!first) break;
		const differences = await other.snapshot.differenceFrom(first.snapshot);
		if (budget.spend(differences.length)) await breathe();
		for (const {type, stateKey} of differences) keys.set(stateKeyOf(type, stateKey), {type, stateKey});
	}
	const sets: Map<StateKey, EventId>[] = [];
	for (const state of states) {
		if (budget.spend(keys.size)) await breathe();
		await state.load([...keys.values()]);
		const entries = new Map<StateKey, EventId>();
		for (const [key, {type, stateKey}] of keys) {
			const entry = state.entry(type, stateKey);
			if (!entry) continue;
			entries.set(key, entry.pdu.eventId);
			known.set(entry.pdu.eventId, entry);
		}
		sets.push(entries);
	}
	return {sets, keys: new Set(keys.keys())};
}

/** What all the states agree on, by ids: resolution follows it for the auth difference. */
async function shareOf(
	graph: RoomAuthGraph,
	state: RoomState,
	conflicted: Conflicted,
	budget: WorkBudget,
): Promise<StateMap> {
	const entries = await state.snapshot.entries();
	if (budget.spend(ENTRY_UNITS * entries.length)) await breathe();
	const shared = entries.filter(({type, stateKey}) => !conflicted.keys.has(stateKeyOf(type, stateKey)));
	const eventIds = await graph.followNids(shared.map(({eventNid}) => eventNid));
	const share = new Map<StateKey, EventId>();
	for (const {type, stateKey, eventNid} of shared) {
		const eventId = eventIds.get(eventNid);
		if (eventId !== undefined) share.set(stateKeyOf(type, stateKey), eventId);
	}
	return share;
}

/** Reads the events that a resolution looks at. */
class Loader {
	readonly rejections = new Map<EventId, Rejection>();
	readonly #context: ResolveContext;
	readonly #known: Map<EventId, KnownEvent>;
	readonly #budget: WorkBudget;
	readonly #asked = new Set<EventId>();

	constructor(context: ResolveContext, known: Map<EventId, KnownEvent>, budget: WorkBudget) {
		this.#context = context;
		this.#known = known;
		this.#budget = budget;
	}

	/**
	 * Makes events known, those that they cite, and the power levels that these are based on, down to the first: all that
	 * is asked for next, so that a resolution need not begin anew for every layer of it.
	 */
	async load(eventIds: readonly EventId[]): Promise<void> {
		await this.#read(eventIds);
		const cited = eventIds.flatMap((eventId) => this.#known.get(eventId)?.pdu.authEvents ?? []);
		await this.#read(cited);
		let levels = this.#levelsAmong([...eventIds, ...cited]);
		while (levels.length > 0) {
			const next = [...new Set(levels.flatMap(({authEvents}) => authEvents))].filter((id) => !this.#asked.has(id));
			await this.#read(next);
			levels = this.#levelsAmong(next);
		}
	}

	#levelsAmong(eventIds: readonly EventId[]): Pdu[] {
		const events = eventIds.map((eventId) => this.#known.get(eventId)?.pdu);
		return events.filter((pdu) => pdu?.type === 'm.room.power_levels' && pdu.stateKey === '') as Pdu[];
	}

	async #read(eventIds: readonly EventId[]): Promise<void> {
		const fresh = [...new Set(eventIds)].filter((eventId) => !this.#asked.has(eventId) && !this.#known.has(eventId));
		for (const eventId of eventIds) this.#asked.add(eventId);
		for (let start = 0; start < fresh.length; start += LOADED_AT_ONCE) {
			const page = fresh.slice(start, start + LOADED_AT_ONCE);
			if (this.#budget.spend(LOAD_UNITS * page.length)) await breathe();
			for (const [eventId, {pdu, row}] of await this.#context.events.findMany(page)) {
				this.#known.set(eventId, {nid: row.nid, pdu});
				// Only an event that was placed in the graph can have failed against the state before it.
				if (row.rejected !== null)
					this.rejections.set(eventId, row.stateBefore === null ? 'auth-events' : 'state-before');
			}
		}
	}
}

async function layOver(
	base: RoomState,
	keys: ReadonlySet<StateKey>,
	resolved: ReadonlyMap<StateKey, EventId>,
	known: ReadonlyMap<EventId, KnownEvent>,
): Promise<RoomState> {
	const all = [...new Set([...keys, ...resolved.keys()])].map((key) => {
		const [type, stateKey] = splitStateKey(key);
		const eventId = resolved.get(key);
		return {key: {type, stateKey}, event: eventId === undefined ? null : (known.get(eventId) ?? null)};
	});
	await base.load(all.map(({key}) => key));
	const changes = all.filter(({key, event}) => base.nid(key.type, key.stateKey) !== event?.nid);
	await base.loadForChange(changes.map(({key}) => key));
	return changes.length === 0 ? base : base.with(changes);
}
