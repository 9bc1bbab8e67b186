import {isRoomId, type RoomId, type UserId} from '../../crypto/index.ts';
import {isJsonObject} from './json-object.ts';
import {membershipIn} from './membership.ts';
import type {Pdu, StateLookup} from './pdu.ts';
import {powerLevelsOf, userLevel} from './power-levels.ts';
import type {RoomVersion} from './versions.ts';

/** What holds in a room without `m.room.join_rules`, or whose event names no rule: a server that makes rooms writes one. */
const joinRuleDefault = 'invite';

/** Gives the join rule which an `m.room.join_rules` event sets; `invite` where it sets none. */
export function joinRuleOf(event: Pdu | undefined): string {
	const rule = event?.content['join_rule'];
	return typeof rule === 'string' ? rule : joinRuleDefault;
}

/** Gives the join rule in a room's state. */
export function joinRuleIn(state: StateLookup): string {
	return joinRuleOf(state('m.room.join_rules', ''));
}

/** Tells whether users may knock under a join rule in a room version. */
export function isKnockable(version: RoomVersion, joinRule: string): boolean {
	return version.hasKnocking && version.joinRules.has(joinRule) && joinRule.startsWith('knock');
}

/** Tells whether a join rule lets users in who meet a condition, in a room version. */
export function isRestricted(version: RoomVersion, joinRule: string): boolean {
	return version.joinRules.has(joinRule) && (joinRule === 'restricted' || joinRule === 'knock_restricted');
}

/**
 * Lists the rooms of which membership lets a user in, each once, in the order written; conditions of other types and
 * malformed ones are left out, since nobody can meet them.
 * @see https://spec.matrix.org/v1.19/client-server-api/#restricted-rooms
 */
export function listAllowedRooms(joinRules: Pdu | undefined): RoomId[] {
	const allow = joinRules?.content['allow'];
	if (!Array.isArray(allow)) return [];
	const rooms = new Set<RoomId>();
	for (const condition of allow) {
		if (!isJsonObject(condition) || condition['type'] !== 'm.room_membership') continue;
		const roomId = condition['room_id'];
		if (isRoomId(roomId)) rooms.add(roomId);
	}
	return [...rooms];
}

/**
 * Tells whether a user may stand in `join_authorised_via_users_server` of a join under a restricted join rule: a joined
 * member with the power to invite. `createEvent` is needed where the state lacks it.
 */
export function mayAuthoriseJoin(
	userId: UserId | string,
	state: StateLookup,
	createEvent: Pdu | undefined = state('m.room.create', ''),
): boolean {
	if (membershipIn(state, userId) !== 'join') return false;
	const levels = powerLevelsOf(createEvent, state('m.room.power_levels', ''));
	return userLevel(levels, userId) >= levels.invite;
}
