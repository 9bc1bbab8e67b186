import type {EventId} from '../../../crypto/index.ts';
import type {Pdu} from '../pdu.ts';
import type {EventSource} from './sources.ts';
import {stateKeyOf} from './state-map.ts';

export const CREATE = 'm.room.create';
export const JOIN_RULES = 'm.room.join_rules';
export const MEMBER = 'm.room.member';
export const POWER_LEVELS = 'm.room.power_levels';
export const POWER_LEVELS_KEY = stateKeyOf(POWER_LEVELS, '');

/** Says whether an event is the room's state of a type that exists once in a room. */
export function isSoleState(event: Pdu, type: string): boolean {
	return event.type === type && event.stateKey === '';
}

/** Finds the power levels among an event's `auth_events`. */
export function findCitedPowerLevels(event: Pdu, source: EventSource): Pdu | undefined {
	return findCited(event, POWER_LEVELS, source);
}

/** Finds the create event that an event depends on: the one its room's id names, or the one among its `auth_events`. */
export function findCreate(event: Pdu, isCreateImplied: boolean, source: EventSource): Pdu | undefined {
	if (isSoleState(event, CREATE)) return event;
	return isCreateImplied ? source.find(impliedCreateId(event)) : findCited(event, CREATE, source);
}

/** Gives the id of the create event that a room version 12 room's id is made of. */
export function impliedCreateId(event: Pdu): EventId {
	return `$${event.roomId.slice(1)}` as EventId;
}

function findCited(event: Pdu, type: string, source: EventSource): Pdu | undefined {
	for (const eventId of event.authEvents) {
		const cited = source.find(eventId);
		if (cited !== undefined && isSoleState(cited, type)) return cited;
	}
	return undefined;
}
