import type {UserId} from '../../crypto/index.ts';
import type {Membership, Pdu, StateLookup} from './pdu.ts';

const memberships: ReadonlySet<string> = new Set<Membership>(['invite', 'join', 'knock', 'leave', 'ban']);

/** Gives the membership that an `m.room.member` event sets; `leave` for anything but the five known words. */
export function membershipOf(event: Pdu | undefined): Membership {
	const membership = event?.content['membership'];
	return isMembership(membership) ? membership : 'leave';
}

/** Gives a user's membership in a room's state; `leave` if the state says nothing of the user. */
export function membershipIn(state: StateLookup, userId: string): Membership {
	return membershipOf(state('m.room.member', userId));
}

/** Tells whether a value is one of the five memberships. */
export function isMembership(value: unknown): value is Membership {
	return typeof value === 'string' && memberships.has(value);
}

/** Tells whether an event is the user's own membership. */
export function isMembershipOf(event: Pdu, userId: UserId): boolean {
	return event.type === 'm.room.member' && event.stateKey === userId;
}
