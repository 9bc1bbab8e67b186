import {compareCodePoints, type EventId} from '../../../crypto/index.ts';
import type {Pdu} from '../pdu.ts';
import type {AuthRules, EventSource} from './sources.ts';
import {
	CREATE,
	findCitedPowerLevels,
	findCreate,
	isSoleState,
	JOIN_RULES,
	MEMBER,
	POWER_LEVELS,
} from './state-types.ts';
import type {Steps} from './steps.ts';
import type {WorkBudget} from './work-budget.ts';

/**
 * Says whether an event might remove somebody's ability to do something in the room.
 *
 * The create event counts as one, and power levels and join rules with a state key do not, as in every server there is:
 * such events govern nothing, and the create event comes before all others anyway.
 * @see https://spec.matrix.org/v1.19/rooms/v2/#definitions
 */
export function isPowerEvent(event: Pdu): boolean {
	if (event.type === MEMBER) {
		const {membership} = event.content;
		return (membership === 'leave' || membership === 'ban') && event.sender !== event.stateKey;
	}
	return isSoleState(event, POWER_LEVELS) || isSoleState(event, JOIN_RULES) || isSoleState(event, CREATE);
}

/**
 * Gives the power events among these, and those of their auth chains that are among these.
 *
 * Chains are followed only through these events, as every server does. An auth event that is not among them can lead back
 * to one that is only where a room's state went back to an older event, before room version 12.
 */
export function* selectPowerEvents(events: ReadonlyMap<EventId, Pdu>, budget: WorkBudget): Steps<Map<EventId, Pdu>> {
	const selected = new Map<EventId, Pdu>();
	for (const [eventId, event] of events) {
		if (isPowerEvent(event)) selected.set(eventId, event);
	}
	// A map may grow while it is walked, and what is added is walked as well.
	for (const event of selected.values()) {
		if (budget.spend(1 + event.authEvents.length)) yield;
		for (const authEventId of event.authEvents) {
			const authEvent = events.get(authEventId);
			if (authEvent !== undefined) selected.set(authEventId, authEvent);
		}
	}
	return selected;
}

interface Vertex {
	readonly event: Pdu;
	readonly level: number;
	/** How many auth events of this event are still to come before it. */
	awaited: number;
	readonly dependants: Vertex[];
}

/**
 * Sorts events in reverse topological power ordering, earliest first, by Kahn's algorithm.
 * @see https://spec.matrix.org/v1.19/rooms/v2/#definitions
 */
export function* sortByPower(
	events: ReadonlyMap<EventId, Pdu>,
	rules: AuthRules,
	source: EventSource,
	budget: WorkBudget,
): Steps<Pdu[]> {
	const vertices = new Map<EventId, Vertex>();
	for (const [eventId, event] of events) {
		if (budget.spend(2 + 2 * event.authEvents.length)) yield;
		const powerLevels = findCitedPowerLevels(event, source);
		const create = findCreate(event, rules.isCreateImplied, source);
		const level = rules.senderLevel(event, powerLevels, create);
		vertices.set(eventId, {event, level, awaited: 0, dependants: []});
	}
	for (const vertex of vertices.values()) {
		for (const authEventId of new Set(vertex.event.authEvents)) {
			const dependency = vertices.get(authEventId);
			if (dependency === undefined) continue;
			dependency.dependants.push(vertex);
			vertex.awaited++;
		}
	}
	const candidates: Vertex[] = [];
	for (const vertex of vertices.values()) {
		if (vertex.awaited === 0) pushToHeap(candidates, vertex);
	}
	const sorted: Pdu[] = [];
	for (let next = popFromHeap(candidates); next !== undefined; next = popFromHeap(candidates)) {
		if (budget.spend(1 + next.dependants.length)) yield;
		sorted.push(next.event);
		for (const dependant of next.dependants) {
			dependant.awaited--;
			if (dependant.awaited === 0) pushToHeap(candidates, dependant);
		}
	}
	return sorted;
}

function compareVertices(a: Vertex, b: Vertex): number {
	// Not by subtraction: a creator's level is infinite from room version 12 on.
	if (a.level !== b.level) return a.level > b.level ? -1 : 1;
	return a.event.originServerTs - b.event.originServerTs || compareCodePoints(a.event.eventId, b.event.eventId);
}

/** Adds to a binary heap whose smallest vertex is first. */
function pushToHeap(heap: Vertex[], vertex: Vertex): void {
	let at = heap.length;
	heap.push(vertex);
	while (at > 0) {
		const parentAt = (at - 1) >> 1;
		const parent = heap[parentAt] as Vertex;
		if (compareVertices(parent, vertex) <= 0) break;
		heap[at] = parent;
		at = parentAt;
	}
	heap[at] = vertex;
}

function popFromHeap(heap: Vertex[]): Vertex | undefined {
	const smallest = heap[0];
	const last = heap.pop();
	if (last === undefined || heap.length === 0) return smallest;
	let at = 0;
	for (;;) {
		let childAt = 2 * at + 1;
		if (childAt >= heap.length) break;
		const right = heap[childAt + 1];
		if (right !== undefined && compareVertices(right, heap[childAt] as Vertex) < 0) childAt++;
		const child = heap[childAt] as Vertex;
		if (compareVertices(last, child) <= 0) break;
		heap[at] = child;
		at = childAt;
	}
	heap[at] = last;
	return smallest;
}
