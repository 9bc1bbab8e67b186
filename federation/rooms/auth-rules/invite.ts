import {membershipIn} from '../membership.ts';
import type {Verdict} from '../pdu.ts';
import {levelsOf, type MemberCheck, senderLevel, senderMembership} from './auth-check.ts';
import {checkInviteOfThirdParty} from './invite-of-third-party.ts';
import {allowed, refuse} from './verdict.ts';

/** Rule 5.4: `membership` is `invite`. */
export function checkInvite(check: MemberCheck): Verdict {
	const rule = check.numbers.invite;
	// 5.4.1: If content has a third_party_invite property.
	if (check.event.content['third_party_invite'] !== undefined) return checkInviteOfThirdParty(check);
	// 5.4.2: If the sender's current membership state is not join, reject.
	if (senderMembership(check) !== 'join') return refuse(`${rule}.2`, 'the inviting user is not in the room');
	// 5.4.3: If target user's current membership state is join or ban, reject.
	const membership = membershipIn(check.state, check.target);
	if (membership === 'join') return refuse(`${rule}.3`, 'the invited user is in the room');
	if (membership === 'ban') return refuse(`${rule}.3`, 'the invited user is banned');
	// 5.4.4: If the sender's power level is greater than or equal to the invite level, allow.
	const levels = levelsOf(check);
	if (senderLevel(check, levels) >= levels.invite) return allowed;
	// 5.4.5: Otherwise, reject.
	return refuse(`${rule}.5`, 'the power level is too low to invite');
}
