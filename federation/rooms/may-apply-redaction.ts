import {domainOf} from '../../crypto/index.ts';
import type {Pdu, StateLookup} from './pdu.ts';
import {powerLevelsOf, userLevel} from './power-levels.ts';
import {roomVersion} from './versions.ts';

/**
 * Tells whether an accepted redaction takes effect on an event that it names; only then is either redacted form or
 * redaction shown to clients. `state` is that before the redaction; `createEvent` is needed where the state lacks it.
 *
 * Never for an event of another room, itself, or the create event, whose content says what the room is.
 * @see https://spec.matrix.org/v1.19/rooms/v3/#handling-redactions
 */
export function mayApplyRedaction(
	redaction: Pdu,
	target: Pdu,
	state: StateLookup,
	createEvent: Pdu | undefined = state('m.room.create', ''),
): boolean {
	if (redaction.type !== 'm.room.redaction' || redaction.redacts !== target.eventId) return false;
	if (redaction.roomId !== target.roomId || redaction.eventId === target.eventId) return false;
	if (target.type === 'm.room.create') return false;
	// In versions 1 and 2 the authorisation rules have judged.
	if (roomVersion(redaction.roomVersion).hasRedactionRule) return true;
	// 1: The power level of the redaction event's sender is greater than or equal to the redact level.
	const levels = powerLevelsOf(createEvent, state('m.room.power_levels', ''));
	if (userLevel(levels, redaction.sender) >= levels.redact) return true;
	// 2: The domain of the redaction event's sender matches that of the original event's sender.
	return domainOf(redaction.sender) === domainOf(target.sender);
}
