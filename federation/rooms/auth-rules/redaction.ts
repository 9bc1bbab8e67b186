import {domainOf} from '../../../crypto/index.ts';
import type {Verdict} from '../pdu.ts';
import type {AuthCheck} from './auth-check.ts';
import {allowed, refuse} from './verdict.ts';

/** Rule 11 of room versions 1 and 2: `m.room.redaction`. Later versions judge when the redaction is applied. */
export function checkRedaction({event, numbers}: AuthCheck, senderLevel: number, redactLevel: number): Verdict {
	// 11.1: If the sender's power level is greater than or equal to the redact level, allow.
	if (senderLevel >= redactLevel) return allowed;
	// 11.2: If the domain of the event_id of the event being redacted is the same as the domain of the event_id of the
	// m.room.redaction, allow.
	if (event.redacts !== undefined && domainOf(event.redacts) === domainOf(event.eventId)) return allowed;
	// 11.3: Otherwise, reject.
	return refuse(`${numbers.redaction}.3`, "the power level is too low to redact another server's event");
}
