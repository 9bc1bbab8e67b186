import {
	type RemoteDirectory,
	RemoteRoomError,
	type RemoteRoomErrorCode,
	type RemoteRooms as OutboundRooms,
} from '../../federation/outbound/index.ts';
import {type RemoteRooms, RoomsError, type RoomsErrorCode} from '../rooms/index.ts';

/**
 * What the rooms domain calls the answers of other servers. Who is refused and who asks for a room that nobody knows are
 * told the same; a peer whose answers make no sense is as good as none.
 */
const CODES: Readonly<Record<RemoteRoomErrorCode, RoomsErrorCode>> = {
	refused: 'not-in-room',
	not_found: 'not-in-room',
	unable_to_authorise: 'unable-to-authorise-join',
	unable_to_grant: 'unable-to-grant-join',
	incompatible_version: 'incompatible-version',
	invite_blocked: 'invite-blocked',
	bad_response: 'unreachable',
	unreachable: 'unreachable',
};

const TEXTS: Readonly<Record<RemoteRoomErrorCode, string>> = {
	refused: 'You are not in this room',
	not_found: 'You are not in this room',
	unable_to_authorise: 'No server in reach can tell whether the conditions of this room are met',
	unable_to_grant: 'No server in reach can let anybody into this room',
	incompatible_version: 'The room has a version that one of the servers does not know',
	invite_blocked: 'This person cannot be invited',
	bad_response: 'No server that knows the room can be reached',
	unreachable: 'No server that knows the room can be reached',
};

/** Gives the rooms domain the part that other servers do. */
export function adaptRemoteRooms(rooms: OutboundRooms, directory: RemoteDirectory): RemoteRooms {
	return {
		join: (request) => translate(rooms.join(request)),
		knock: (request) => translate(rooms.knock(request)),
		leave: (request) => translate(rooms.leave(request)),
		invite: (request) => translate(rooms.invite(request), 'unsupported-version'),
		findAlias: (alias) => translate(rooms.findAlias(alias)),
		findSpace: (server, roomId) => translate(directory.findSpace(server, roomId)),
		listPublished: (server, query) => translate(directory.listPublished(server, query)),
	};
}

async function translate<Value>(
	outcome: Promise<Value>,
	incompatible: RoomsErrorCode = 'incompatible-version',
): Promise<Value> {
	try {
		return await outcome;
	} catch (error) {
		if (!(error instanceof RemoteRoomError)) throw error;
		const code = error.code === 'incompatible_version' ? incompatible : CODES[error.code];
		throw new RoomsError(code, TEXTS[error.code], {cause: error, roomVersion: error.roomVersion});
	}
}
