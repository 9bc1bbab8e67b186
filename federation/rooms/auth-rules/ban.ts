import type {Verdict} from '../pdu.ts';
import {userLevel} from '../power-levels.ts';
import {levelsOf, type MemberCheck, senderLevel, senderMembership} from './auth-check.ts';
import {allowed, refuse} from './verdict.ts';

/** Rule 5.6: `membership` is `ban`. */
export function checkBan(check: MemberCheck): Verdict {
	const rule = check.numbers.ban;
	// 5.6.1: If the sender's current membership state is not join, reject.
	if (senderMembership(check) !== 'join') return refuse(`${rule}.1`, 'the sender is not in the room');
	// 5.6.2: If the sender's power level is greater than or equal to the ban level, and the target user's power level is
	// less than the sender's power level, allow.
	const levels = levelsOf(check);
	const level = senderLevel(check, levels);
	if (level >= levels.ban && userLevel(levels, check.target) < level) return allowed;
	// 5.6.3: Otherwise, reject.
	return refuse(`${rule}.3`, 'the power level is too low to ban this user');
}
