import {domainOf, isUserId} from '../../../crypto/index.ts';
import type {Pdu, Verdict} from '../pdu.ts';
import {findRoomVersion, roomVersion} from '../versions.ts';
import {ruleNumbers} from './rule-numbers.ts';
import {allowed, refuse} from './verdict.ts';

/** Rule 1: `m.room.create`. */
export function checkCreate(event: Pdu): Verdict {
	const version = roomVersion(event.roomVersion);
	const {content} = event;
	// 1.1: If it has any prev_events, reject.
	if (event.prevEvents.length > 0) return refuse('1.1', 'the create event has prev_events');
	if (version.roomIds === 'create-event-hash') {
		// 1.2 (version 12): If the event has a room_id, reject.
		if (event.json['room_id'] !== undefined) return refuse('1.2', 'the create event has a room_id');
	} else if (domainOf(event.roomId) !== domainOf(event.sender)) {
		// 1.2: If the domain of the room_id does not match the domain of the sender, reject.
		return refuse('1.2', "the room's domain is not that of the create event's sender");
	}
	// 1.3: If content.room_version is present and is not a recognised version, reject.
	const named = content['room_version'];
	if (named !== undefined && (typeof named !== 'string' || findRoomVersion(named) === undefined)) {
		return refuse('1.3', 'the room version is not known');
	}
	if (version.creatorIn === 'content' && content['creator'] === undefined) {
		// 1.4 (up to version 10): If content has no creator property, reject.
		return refuse(ruleNumbers(event.roomVersion).createCreator, 'the create event names no creator');
	}
	if (version.creatorsAreUnlimited && content['additional_creators'] !== undefined) {
		// 1.4 (version 12): If additional_creators is present in content and is not an array of strings where each string
		// passes the same user ID validation applied to sender, reject.
		const additional = content['additional_creators'];
		if (!Array.isArray(additional) || !additional.every(isUserId)) {
			return refuse('1.4', 'additional_creators is not a list of user ids');
		}
	}
	// 1.5: Otherwise, allow.
	return allowed;
}
