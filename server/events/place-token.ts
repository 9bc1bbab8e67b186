import type {TimelinePlace} from '../../storage/index.ts';

/**
 * A point of a room's timeline between two events: everything whose place is below it came before. As a bound that
 * leaves out its own place it is `boundAt` a direction.
 */
export type TimelinePoint = TimelinePlace;

/** Anchors are stream positions, minors count down from 0; both stay far below this. */
const NUMBER_MAX = 2 ** 50;

const placeForm = /^t(\d{1,16})_(-?\d{1,16})$/;
const streamForm = /^s1\.(\d{1,16})(?:\.[\w-]{1,32}){0,4}$/;
const slidingForm = /^p1\.(\d{1,16})\.[\w-]{1,4096}$/;

/** Writes a point of a timeline as a token for clients: `prev_batch`, `start`, `end`. */
export function writePlaceToken({anchor, minor}: TimelinePoint): string {
	return `t${anchor}_${minor}`;
}

/**
 * Reads a token that `/messages` and its like are given: one of those above, or a token of `/sync` of either kind, which
 * stands after all that was in the stream by then. `undefined` for anything else.
 */
export function readPlaceToken(token: string): TimelinePoint | undefined {
	const place = placeForm.exec(token);
	if (place) return checked(Number(place[1]), Number(place[2]));
	const stream = streamForm.exec(token) ?? slidingForm.exec(token);
	return stream ? checked(Number(stream[1]), 1) : undefined;
}

/** The point before an event: backwards from it come the events before. */
export function pointBefore({anchor, minor}: TimelinePlace): TimelinePoint {
	return {anchor, minor};
}

/** The point after an event. */
export function pointAfter({anchor, minor}: TimelinePlace): TimelinePoint {
	return {anchor, minor: minor + 1};
}

/** The bound, itself left out, by which a page starts or ends at a point. */
export function boundAt({anchor, minor}: TimelinePoint, direction: 'forwards' | 'backwards'): TimelinePlace {
	return direction === 'backwards' ? {anchor, minor} : {anchor, minor: minor - 1};
}

function checked(anchor: number, minor: number): TimelinePoint | undefined {
	return anchor <= NUMBER_MAX && Math.abs(minor) <= NUMBER_MAX ? {anchor, minor} : undefined;
}
