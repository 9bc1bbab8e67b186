/** Rooms of other servers, as far as their invites show them. */
import type {EventId, JsonObject, RoomId} from '../../../../crypto/index.ts';
import {
	contentHash,
	type Pdu,
	type RoomVersionId,
	roomIdOfCreateEvent,
	toFederationEvent,
} from '../../../../federation/rooms/index.ts';
import {path, type SignedPeer} from '../../../harness/index.ts';

/** A room that exists on a peer only, as far as an invite shows it. */
export interface ForeignRoom {
	readonly roomId: RoomId;
	readonly create: Pdu;
	readonly version: RoomVersionId;
}

let rooms = 0;

/** Makes a room, of which the peer has a create event. */
export function foreignRoom(peer: SignedPeer, version: RoomVersionId = '11'): ForeignRoom {
	// The create event gives the room its id from version 12 on: two of one millisecond must not be one.
	rooms += 1;
	const roomId = version === '12' ? undefined : (`!room:${peer.name}` as RoomId);
	const create = peer.sign({
		roomVersion: version,
		roomId,
		type: 'm.room.create',
		sender: peer.userId('bob'),
		stateKey: '',
		content: {room_version: version, 'org.example.number': rooms},
		depth: 1,
		originServerTs: Date.now(),
		prevEvents: [],
		authEvents: [],
		...oldId(peer, version),
	});
	return {roomId: roomId ?? roomIdOfCreateEvent(create.eventId), create, version};
}

/** Signs a member event of a room: an invite by bob of the peer, if `over` says nothing else. */
export function memberOf(
	peer: SignedPeer,
	{roomId, version, create}: ForeignRoom,
	userId: string,
	over: object = {},
): Pdu {
	return peer.sign({
		roomVersion: version,
		roomId,
		type: 'm.room.member',
		sender: peer.userId('bob'),
		stateKey: userId,
		content: {membership: 'invite'},
		depth: 7,
		originServerTs: Date.now(),
		prevEvents: [create.eventId],
		authEvents: version === '12' ? [] : [create.eventId],
		...oldId(peer, version),
		...over,
	});
}

/** In versions 1 and 2 the sender chooses the id of an event. */
function oldId(peer: SignedPeer, version: RoomVersionId): {readonly eventId?: EventId} {
	rooms += 1;
	return version === '1' || version === '2' ? {eventId: `$event${rooms}:${peer.name}` as EventId} : {};
}

/** Sends an invite, as servers do that know all room versions. */
export function sendInvite(
	peer: SignedPeer,
	room: ForeignRoom,
	invite: Pdu,
	over: {roomId?: string; eventId?: string; event?: JsonObject; state?: JsonObject[]; version?: string} = {},
) {
	const uri = `/_matrix/federation/v2/invite/${path(over.roomId ?? room.roomId)}/${path(over.eventId ?? invite.eventId)}`;
	return peer.request('PUT', uri, {
		body: {
			event: over.event ?? toFederationEvent(invite),
			room_version: over.version ?? room.version,
			invite_room_state: over.state ?? [toFederationEvent(room.create)],
		},
	});
}

/** As servers invite that know no other room versions than 1 and 2; their events name their origin. */
export function sendOldInvite(peer: SignedPeer, room: ForeignRoom, invite: Pdu) {
	const unsigned = {invite_room_state: [toFederationEvent(room.create)]};
	const {hashes: _hashes, signatures: _signatures, ...plain} = toFederationEvent(invite);
	const named = {...plain, origin: peer.name};
	const event = peer.countersign({...named, hashes: {sha256: contentHash(named)}, signatures: {}}, room.version);
	return peer.request('PUT', `/_matrix/federation/v1/invite/${path(room.roomId)}/${path(invite.eventId)}`, {
		body: {...event, unsigned},
	});
}
