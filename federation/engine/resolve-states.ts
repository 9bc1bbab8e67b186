import type {EventId, RoomId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {
	type Pdu,
	type Rejection,
	resolveConflict,
	resolveLoading,
	type RoomVersionId,
	splitStateKey,
	type StateKey,
	stateKeyOf,
	type VerifySignature,
} from '../rooms/index.ts';
import type {RoomState} from './room-state.ts';
import type {KnownEvent, StoredEvents} from './stored-events.ts';

/** What resolving needs of the server. */
export interface ResolveContext {
	readonly storage: Storage;
	readonly events: StoredEvents;
	readonly verifySignature: VerifySignature;
}

interface Conflicted {
	/** For each state, the entries in which it differs from some other. */
	readonly sets: readonly Map<StateKey, EventId>[];
	readonly keys: ReadonlySet<StateKey>;
}

/**
 * Gives the state that follows from several: one of them where they are equal, otherwise their resolution, built on the
 * first so that it shares what it can with it.
 * @throws BudgetExceeded, MissingEvents
 */
export async function resolveStates(
	context: ResolveContext,
	room: {readonly roomId: RoomId; readonly version: RoomVersionId},
	states: readonly RoomState[],
): Promise<RoomState> {
	const [first, ...others] = distinct(states);
	if (!first) throw new Error('no state to resolve');
	if (others.length === 0) return first;
	const known = new Map<EventId, KnownEvent>();
	const conflicted = await findConflicts([first, ...others], known);
	if (conflicted.keys.size === 0) return first;
	const shared = await shareOf(context, first, conflicted, known);
	const rejections = new Map<EventId, Rejection>();
	const load = async (eventIds: readonly EventId[]): Promise<void> => {
		for (const [eventId, {pdu, row}] of await context.events.findMany(eventIds)) {
			known.set(eventId, {nid: row.nid, pdu});
			// Only an event that was placed in the graph can have failed against the state before it.
			if (row.rejected !== null) rejections.set(eventId, row.stateBefore === null ? 'auth-events' : 'state-before');
		}
	};
	const resolved = await resolveLoading(
		() =>
			resolveConflict(room.version, {
				roomId: room.roomId,
				conflict: {conflicted: conflicted.sets, unconflicted: shared},
				findEvent: (eventId): Pdu | undefined => known.get(eventId)?.pdu,
				rejectionOf: (eventId) => rejections.get(eventId),
			}),
		load,
	);
	return layOver(first, conflicted.keys, resolved, known);
}

/** States without those that have the same root as one before. */
function distinct(states: readonly RoomState[]): RoomState[] {
	return [...new Map(states.map((state) => [state.root, state])).values()];
}

async function findConflicts(states: readonly RoomState[], known: Map<EventId, KnownEvent>): Promise<Conflicted> {
	const [first, ...others] = states;
	const keys = new Map<StateKey, {readonly type: string; readonly stateKey: string}>();
	for (const other of others) {
		if (!first) break;
		for (const {type, stateKey} of await other.snapshot.differenceFrom(first.snapshot)) {
			keys.set(stateKeyOf(type, stateKey), {type, stateKey});
		}
	}
	const sets: Map<StateKey, EventId>[] = [];
	for (const state of states) {
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

/** What all the states agree on, read whole: resolution follows it for the auth difference. */
async function shareOf(
	{events}: ResolveContext,
	state: RoomState,
	conflicted: Conflicted,
	known: Map<EventId, KnownEvent>,
): Promise<Map<StateKey, EventId>> {
	const entries = await state.snapshot.entries();
	const shared = entries.filter(({type, stateKey}) => !conflicted.keys.has(stateKeyOf(type, stateKey)));
	const pdus = await events.findByNids(shared.map(({eventNid}) => eventNid));
	const share = new Map<StateKey, EventId>();
	for (const {type, stateKey, eventNid} of shared) {
		const pdu = pdus.get(eventNid);
		if (!pdu) continue;
		share.set(stateKeyOf(type, stateKey), pdu.eventId);
		known.set(pdu.eventId, {nid: eventNid, pdu});
	}
	return share;
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
	return changes.length === 0 ? base : base.with(changes);
}
