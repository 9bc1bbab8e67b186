import {domainOf} from '../../../crypto/index.ts';
import type {Verdict} from '../pdu.ts';
import {eventLevel} from '../power-levels.ts';
import {type AuthCheck, levelsOf, senderLevel, senderMembership} from './auth-check.ts';
import {checkPowerLevels} from './power-levels.ts';
import {checkRedaction} from './redaction.ts';
import {allowed, refuse} from './verdict.ts';

/** Rule 3 or 4: rooms that do not federate. */
export function checkFederation({event, create, numbers}: AuthCheck): Verdict | undefined {
	// If the content of the m.room.create event in the room state has the property m.federate set to false, and the sender
	// domain of the event does not match the sender domain of the create event, reject.
	if (create.content['m.federate'] !== false || domainOf(event.sender) === domainOf(create.sender)) return undefined;
	return refuse(numbers.federate, 'the room does not federate');
}

/** Rule 4 up to version 5: `m.room.aliases`. */
export function checkAliases({event, numbers}: AuthCheck): Verdict {
	const rule = numbers.aliases;
	// 4.1: If event has no state_key, reject.
	if (event.stateKey === undefined) return refuse(`${rule}.1`, 'the aliases event has no state_key');
	// 4.2: If sender's domain doesn't match state_key, reject.
	if (domainOf(event.sender) !== event.stateKey) return refuse(`${rule}.2`, 'the aliases are of another server');
	// 4.3: Otherwise, allow.
	return allowed;
}

/** Rules 6 and following: all events but create, aliases and member. Numbers in comments are those of version 12. */
export function checkGeneral(check: AuthCheck): Verdict {
	const {event, version, numbers} = check;
	const {type, stateKey} = event;
	// 6: If the sender's current membership state is not join, reject.
	if (senderMembership(check) !== 'join') return refuse(numbers.senderNotJoined, 'the sender is not in the room');
	const levels = levelsOf(check);
	const level = senderLevel(check, levels);
	if (type === 'm.room.third_party_invite') {
		// 7.1: Allow if and only if sender's current power level is greater than or equal to the invite level.
		if (level >= levels.invite) return allowed;
		return refuse(`${numbers.thirdPartyInvite}.1`, 'the power level is too low to invite');
	}
	// 8: If the event type's required power level is greater than the sender's power level, reject.
	if (eventLevel(levels, type, stateKey !== undefined) > level) {
		return refuse(numbers.requiredLevel, 'the power level is too low to send events of this type');
	}
	// 9: If the event has a state_key that starts with an @ and does not match the sender, reject.
	if (stateKey?.startsWith('@') && stateKey !== event.sender) {
		return refuse(numbers.ownStateKey, "the state_key is another user's");
	}
	if (type === 'm.room.power_levels') return checkPowerLevels(check);
	if (type === 'm.room.redaction' && version.hasRedactionRule) return checkRedaction(check, level, levels.redact);
	// 11: Otherwise, allow.
	return allowed;
}
