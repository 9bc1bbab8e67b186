import type {JsonObject, UserId} from '../../crypto/index.ts';
import type {RoomVersionId} from './pdu.ts';
import {roomVersion} from './versions.ts';

/**
 * Gives the content of the first `m.room.power_levels` event of a room. Where creators are unlimited they must not be
 * listed, and an upgrade is theirs alone: `m.room.tombstone` stands above every level that others have.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom
 */
export function defaultPowerLevels(version: RoomVersionId, creator: UserId): JsonObject {
	const {creatorsAreUnlimited} = roomVersion(version);
	return {
		users: creatorsAreUnlimited ? {} : {[creator]: 100},
		users_default: 0,
		events: {
			'm.room.name': 50,
			'm.room.power_levels': 100,
			'm.room.history_visibility': 100,
			'm.room.canonical_alias': 50,
			'm.room.avatar': 50,
			'm.room.tombstone': creatorsAreUnlimited ? 150 : 100,
			'm.room.server_acl': 100,
			'm.room.encryption': 100,
		},
		events_default: 0,
		state_default: 50,
		ban: 50,
		kick: 50,
		redact: 50,
		invite: 0,
	};
}
