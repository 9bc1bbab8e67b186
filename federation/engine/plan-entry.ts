import type {EventId} from '../../crypto/index.ts';
import type {RoomVersionId} from '../rooms/index.ts';
import type {Entrance, Head} from './draft.ts';
import {type ResolveContext, resolveStates} from './resolve-states.ts';
import {HeadUnstored} from './room-actor.ts';
import type {RoomState} from './room-state.ts';
import type {StatesAtEvents} from './state-before.ts';
import type {KnownEvent} from './stored-events.ts';

/**
 * Places in which the graph of a room ends at most (C10); each costs every event beside it. Where somebody of this server
 * may send, they are brought together long before; elsewhere a fork beyond them is no end, until an event names it.
 */
const EXTREMITIES_MAX = 50;

/** What a room comes to by an event. */
export interface EntryPlan extends Pick<Entrance, 'extremities' | 'state' | 'after' | 'changes'> {
	/** Whether states had to be resolved for it: it then fits no other head. */
	readonly isConflicted: boolean;
	/** Whether it is not known what the room comes to by the event, which then must not count. */
	readonly isUnsettled?: boolean;
}

/** A head that is planned on, and whether all its events are on disk. */
export interface PlannedHead {
	readonly head: Head;
	readonly isStored: boolean;
}

/** What planning needs of the engine. */
export type PlanContext = ResolveContext & {readonly states: StatesAtEvents};

/**
 * Works out what a room comes to by an event with a place in the graph: its new ends, and the state that follows from all
 * of them. @throws HeadUnstored
 */
export async function planEntry(
	context: PlanContext,
	version: RoomVersionId,
	{head, isStored}: PlannedHead,
	{event, stateBefore}: {readonly event: KnownEvent; readonly stateBefore: RoomState},
): Promise<EntryPlan> {
	const {pdu} = event;
	const named = new Set(pdu.prevEvents);
	const kept = head.extremities.filter((eventId) => !named.has(eventId));
	const extremities = [...kept, pdu.eventId];
	if (stateBefore.root === head.state.root && kept.length === 0) {
		const after = head.state.after(event);
		return {extremities, state: after, after, changes: [], isConflicted: false};
	}
	if (pdu.stateKey !== undefined) await stateBefore.loadForChange([{type: pdu.type, stateKey: pdu.stateKey}]);
	const after = stateBefore.after(event);
	const states = [...(await findStatesAfter(context, {head, isStored}, kept)), after];
	if (states.every(({root}) => root === head.state.root)) {
		return {extremities, state: head.state, after, changes: [], isConflicted: false};
	}
	// Resolving follows events by their ids, which finds those on disk only.
	if (!isStored) throw new HeadUnstored();
	const resolved = await resolveStates(context, {roomId: pdu.roomId, version}, states);
	return {...(await changesTo(head, resolved, event)), extremities, after, isConflicted: true};
}

/**
 * What a room comes to by an event where working that out would take too much (C11), or would have the graph end in more
 * places than it may (C10): its state stays as it is. A message is part of it all the same; what could change the state is
 * not, for by what the others have made of it meanwhile it may be of long ago.
 */
export function planUnsettled(
	head: Head,
	{event, stateBefore}: {readonly event: KnownEvent; readonly stateBefore: RoomState},
): EntryPlan {
	const {pdu} = event;
	const extremities = [...head.extremities.filter((eventId) => !pdu.prevEvents.includes(eventId)), pdu.eventId];
	const isUnsettled = pdu.stateKey !== undefined || extremities.length > EXTREMITIES_MAX;
	return {extremities, state: head.state, after: stateBefore, changes: [], isConflicted: true, isUnsettled};
}

/** Whether an event would have the graph of a room end in more places than it may. */
export function addsTooManyEnds(head: Head, prevEvents: readonly EventId[]): boolean {
	if (head.extremities.length < EXTREMITIES_MAX) return false;
	return !prevEvents.some((eventId) => head.extremities.includes(eventId));
}

/**
 * Gives the states after extremities of a head: none may be left out, or all that follows from it alone is gone.
 * @throws HeadUnstored
 */
export async function findStatesAfter(
	{storage, states}: PlanContext,
	{head, isStored}: PlannedHead,
	eventIds: readonly EventId[],
): Promise<RoomState[]> {
	const marks = await storage.events.findMarks(eventIds.filter((eventId) => !head.ends.has(eventId)));
	const found: RoomState[] = [];
	for (const eventId of eventIds) {
		const mark = marks.get(eventId);
		const state = head.ends.get(eventId) ?? (mark && (await states.findAfter(mark)));
		if (!state && !isStored) throw new HeadUnstored();
		if (!state) throw new Error(`the state after the extremity ${eventId} is not known`);
		found.push(state);
	}
	return found;
}

/** Expresses a resolved state as changes of the head's, so that both share their nodes. */
async function changesTo(
	head: Head,
	resolved: RoomState,
	event: KnownEvent,
): Promise<Pick<EntryPlan, 'state' | 'changes'>> {
	const difference = await resolved.differenceFrom(head.state, [event]);
	await head.state.loadForChange(difference.map(({key}) => key));
	return {
		state: head.state.with(difference.map(({key, after}) => ({key, event: after ?? null}))),
		changes: difference.filter(({after}) => after?.nid !== event.nid),
	};
}
