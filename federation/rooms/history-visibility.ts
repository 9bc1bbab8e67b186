import type {UserId} from '../../crypto/index.ts';
import {isMembershipOf, membershipIn, membershipOf} from './membership.ts';
import type {Membership, Pdu, StateLookup} from './pdu.ts';

/** Who may see what was sent while it was in force. @see https://spec.matrix.org/v1.19/client-server-api/#mroomhistory_visibility */
export type HistoryVisibility = 'world_readable' | 'shared' | 'invited' | 'joined';

const visibilities: ReadonlySet<unknown> = new Set<HistoryVisibility>([
	'world_readable',
	'shared',
	'invited',
	'joined',
]);

/** Gives the visibility which an event sets; `shared` where it is absent or not understood. */
export function historyVisibilityOf(event: Pdu | undefined): HistoryVisibility {
	const visibility = event?.content['history_visibility'];
	return visibilities.has(visibility) ? (visibility as HistoryVisibility) : 'shared';
}

/** All that decides whether somebody may see an event. */
export interface VisibilityFacts {
	/** The visibility at the event; of an event that changes it, before and after. */
	readonly visibilities: readonly HistoryVisibility[];
	/**
	 * The viewer's memberships at the event; of the viewer's own member event, before and after. For a server, those of
	 * all its users.
	 */
	readonly memberships: Iterable<Membership>;
	/** The viewer (for a server, any of its users) was in the room at any point after the event was sent. */
	readonly joinedSince: boolean;
}

/**
 * Tells whether somebody may see an event: any of the visibilities together with any of the memberships suffices.
 * @see https://spec.matrix.org/v1.19/client-server-api/#server-behaviour-5
 */
export function maySeeEvent({visibilities: at, memberships, joinedSince}: VisibilityFacts): boolean {
	// 1: If the history_visibility was set to world_readable, allow.
	if (at.includes('world_readable')) return true;
	// 3: If history_visibility was set to shared, and the user joined the room at any point after the event was sent, allow.
	if (joinedSince && at.includes('shared')) return true;
	for (const membership of memberships) {
		// 2: If the user's membership was join, allow.
		if (membership === 'join') return true;
		// 4: If the user's membership was invite, and the history_visibility was set to invited, allow.
		if (membership === 'invite' && at.includes('invited')) return true;
	}
	// 5: Otherwise, deny.
	return false;
}

/** Lists the visibilities that count for an event: two for one that changes the visibility. */
export function visibilitiesAt(event: Pdu, stateBefore: StateLookup): HistoryVisibility[] {
	const before = historyVisibilityOf(stateBefore('m.room.history_visibility', ''));
	if (event.type !== 'm.room.history_visibility' || event.stateKey !== '') return [before];
	const after = historyVisibilityOf(event);
	return after === before ? [before] : [before, after];
}

/** Lists a user's memberships that count for an event: two for the user's own member event. */
export function membershipsAt(event: Pdu, stateBefore: StateLookup, userId: UserId): Membership[] {
	const before = membershipIn(stateBefore, userId);
	if (!isMembershipOf(event, userId)) return [before];
	const after = membershipOf(event);
	return after === before ? [before] : [before, after];
}

/** Tells whether a user may see an event, from the state before it. */
export function mayUserSee(event: Pdu, userId: UserId, stateBefore: StateLookup, joinedSince: boolean): boolean {
	return maySeeEvent({
		visibilities: visibilitiesAt(event, stateBefore),
		memberships: membershipsAt(event, stateBefore, userId),
		joinedSince,
	});
}
