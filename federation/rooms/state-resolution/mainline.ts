import {compareCodePoints, type EventId} from '../../../crypto/index.ts';
import type {Pdu} from '../pdu.ts';
import type {EventSource} from './sources.ts';
import {findCitedPowerLevels} from './state-types.ts';
import type {Steps} from './steps.ts';
import type {WorkBudget} from './work-budget.ts';

/** The position of what is based on no event of the mainline: behind all of them, and so first in the ordering. */
const NOWHERE = Number.POSITIVE_INFINITY;

/**
 * Sorts events in the mainline ordering based on a power levels event; without one, by time and id alone.
 * @see https://spec.matrix.org/v1.19/rooms/v2/#definitions
 */
export function* sortByMainline(
	events: Iterable<Pdu>,
	powerLevels: Pdu | undefined,
	source: EventSource,
	budget: WorkBudget,
): Steps<Pdu[]> {
	const positions = yield* listMainline(powerLevels, source, budget);
	const placed: {readonly event: Pdu; readonly position: number}[] = [];
	for (const event of events) {
		placed.push({event, position: yield* findPosition(event, positions, source, budget)});
	}
	placed.sort((a, b) => {
		if (a.position !== b.position) return a.position > b.position ? -1 : 1;
		return a.event.originServerTs - b.event.originServerTs || compareCodePoints(a.event.eventId, b.event.eventId);
	});
	return placed.map(({event}) => event);
}

/** Gives the position of each event of the mainline: 0 for the given power levels, 1 for those they cite, and so on. */
function* listMainline(
	powerLevels: Pdu | undefined,
	source: EventSource,
	budget: WorkBudget,
): Steps<Map<EventId, number>> {
	const positions = new Map<EventId, number>();
	let next = powerLevels;
	// Ids of room versions 1 and 2 are not hashes, so power levels that cite each other can be made up.
	while (next !== undefined && !positions.has(next.eventId)) {
		if (budget.spend(1 + next.authEvents.length)) yield;
		positions.set(next.eventId, positions.size);
		next = findCitedPowerLevels(next, source);
	}
	return positions;
}

/** Finds an event's mainline position, and notes it for all power levels on the way, so that no way is walked twice. */
function* findPosition(
	event: Pdu,
	positions: Map<EventId, number>,
	source: EventSource,
	budget: WorkBudget,
): Steps<number> {
	const way = new Set<EventId>();
	let position: number | undefined;
	let next = findCitedPowerLevels(event, source);
	if (budget.spend(1 + event.authEvents.length)) yield;
	while (next !== undefined && !way.has(next.eventId)) {
		position = positions.get(next.eventId);
		if (position !== undefined) break;
		if (budget.spend(1 + next.authEvents.length)) yield;
		way.add(next.eventId);
		next = findCitedPowerLevels(next, source);
	}
	position ??= NOWHERE;
	for (const eventId of way) positions.set(eventId, position);
	return position;
}
