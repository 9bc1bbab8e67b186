import {isKnockable, joinRuleIn} from '../join-rules.ts';
import {membershipIn} from '../membership.ts';
import type {Verdict} from '../pdu.ts';
import type {MemberCheck} from './auth-check.ts';
import {allowed, refuse} from './verdict.ts';

/** Rule 5.7 (from version 7): `membership` is `knock`. */
export function checkKnock(check: MemberCheck): Verdict {
	const {event, version, numbers, target, state} = check;
	const rule = numbers.knock;
	// 5.7.1: If the join_rule is anything other than knock or (from version 10) knock_restricted, reject.
	if (!isKnockable(version, joinRuleIn(state))) return refuse(`${rule}.1`, 'the join rule does not let users knock');
	// 5.7.2: If sender does not match state_key, reject.
	if (event.sender !== target) return refuse(`${rule}.2`, 'nobody can knock for another user');
	// 5.7.3: If the sender's current membership is not ban, invite, or join, allow.
	const membership = membershipIn(state, target);
	if (membership !== 'ban' && membership !== 'invite' && membership !== 'join') return allowed;
	// 5.7.4: Otherwise, reject.
	return refuse(`${rule}.4`, 'the user is banned, invited or in the room');
}
