import type {RoomVersionId} from '../../../federation/rooms/index.ts';
import {route} from '../route.ts';

const roomVersions: Readonly<Record<RoomVersionId, 'stable' | 'unstable'>> = {
	1: 'stable',
	2: 'stable',
	3: 'stable',
	4: 'stable',
	5: 'stable',
	6: 'stable',
	7: 'stable',
	8: 'stable',
	9: 'stable',
	10: 'stable',
	11: 'stable',
	12: 'stable',
};

/**
 * Tells a client what its user may do on this server.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3capabilities
 */
export const getCapabilities = route({
	id: 'getCapabilities',
	method: 'GET',
	path: '/_matrix/client/v3/capabilities',
	auth: 'user',
	allowsQuarantined: true,
	async handle({caller}, {config, oauth}) {
		// What asks for a password is done on the pages of the account.
		const usesOAuth = await oauth.hasSession(caller.userId, caller.deviceId);
		return {
			capabilities: {
				'm.3pid_changes': {enabled: config.smtp !== undefined},
				// Left out for those who may not; the endpoints refuse them.
				...(caller.isAdmin && {'m.account_moderation': {suspend: true, lock: true}}),
				'm.change_password': {enabled: !usesOAuth},
				'm.forget_forced_upon_leave': {enabled: false},
				'm.get_login_token': {enabled: !usesOAuth},
				'm.profile_fields': {enabled: true},
				'm.room_versions': {default: config.defaultRoomVersion, available: roomVersions},
				// Deprecated, and must say what m.profile_fields says.
				'm.set_avatar_url': {enabled: true},
				'm.set_displayname': {enabled: true},
			},
		};
	},
});
