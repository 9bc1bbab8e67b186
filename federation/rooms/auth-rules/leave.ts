import {membershipIn} from '../membership.ts';
import type {Verdict} from '../pdu.ts';
import {userLevel} from '../power-levels.ts';
import {levelsOf, type MemberCheck, senderLevel, senderMembership} from './auth-check.ts';
import {allowed, refuse} from './verdict.ts';

/** Rule 5.5: `membership` is `leave`. */
export function checkLeave(check: MemberCheck): Verdict {
	const {event, version, numbers, target, state} = check;
	const rule = numbers.leave;
	const membership = membershipIn(state, target);
	if (event.sender === target) {
		// 5.5.1: If the sender matches state_key, allow if and only if that user's current membership state is invite,
		// join, or (from version 7) knock.
		const mayLeave =
			membership === 'invite' || membership === 'join' || (version.hasKnocking && membership === 'knock');
		return mayLeave ? allowed : refuse(`${rule}.1`, 'the user is neither in the room nor invited');
	}
	// 5.5.2: If the sender's current membership state is not join, reject.
	if (senderMembership(check) !== 'join') return refuse(`${rule}.2`, 'the sender is not in the room');
	const levels = levelsOf(check);
	const level = senderLevel(check, levels);
	// 5.5.3: If the target user's current membership state is ban, and the sender's power level is less than the ban
	// level, reject.
	if (membership === 'ban' && level < levels.ban) return refuse(`${rule}.3`, 'the power level is too low to unban');
	// 5.5.4: If the sender's power level is greater than or equal to the kick level, and the target user's power level is
	// less than the sender's power level, allow.
	if (level >= levels.kick && userLevel(levels, target) < level) return allowed;
	// 5.5.5: Otherwise, reject.
	return refuse(`${rule}.5`, 'the power level is too low to kick this user');
}
