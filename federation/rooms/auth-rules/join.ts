import {joinRuleIn, mayAuthoriseJoin} from '../join-rules.ts';
import {membershipIn} from '../membership.ts';
import type {Verdict} from '../pdu.ts';
import {creatorOf} from '../room-creators.ts';
import type {MemberCheck} from './auth-check.ts';
import {allowed, refuse} from './verdict.ts';

/** Rule 5.3: `membership` is `join`. */
export function checkJoin(check: MemberCheck): Verdict {
	const {event, version, numbers, create, target, state} = check;
	const rule = numbers.join;
	// 5.3.1: If the only previous event is an m.room.create and the state_key is the creator, allow.
	if (event.prevEvents.length === 1 && event.prevEvents[0] === create.eventId && target === creatorOf(create)) {
		return allowed;
	}
	// 5.3.2: If the sender does not match state_key, reject.
	if (event.sender !== target) return refuse(`${rule}.2`, 'nobody can join another user');
	const membership = membershipIn(state, target);
	// 5.3.3: If the sender is banned, reject.
	if (membership === 'ban') return refuse(`${rule}.3`, 'the user is banned');
	const joinRule = joinRuleIn(state);
	if (!version.joinRules.has(joinRule)) {
		return refuse(numbers.joinOtherwise, 'the join rule lets nobody join');
	}
	// 5.3.6: If the join_rule is public, allow.
	if (joinRule === 'public') return allowed;
	// 5.3.4: If the join_rule is invite or knock then allow if membership state is invite or join.
	// 5.3.5.1: the same for restricted and knock_restricted.
	if (membership === 'invite' || membership === 'join') return allowed;
	if (joinRule === 'restricted' || joinRule === 'knock_restricted') return checkAuthorisingUser(check);
	// 5.3.7: Otherwise, reject.
	return refuse(numbers.joinOtherwise, 'the user is not invited');
}

/**
 * 5.3.5.2: If the join_authorised_via_users_server key in content is not a user with sufficient permission to invite
 * other users or is not a joined member of the room, reject. 5.3.5.3: Otherwise, allow.
 */
function checkAuthorisingUser({event, numbers, create, state}: MemberCheck): Verdict {
	const authoriser = event.content['join_authorised_via_users_server'];
	if (typeof authoriser === 'string' && mayAuthoriseJoin(authoriser, state, create)) return allowed;
	return refuse(`${numbers.joinRestricted}.2`, 'no member with the power to invite authorised the join');
}
