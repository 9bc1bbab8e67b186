import type {JsonObject, RoomAlias, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {RemoteDirectory} from '../../federation/outbound/index.ts';
import type {Pdu} from '../../federation/rooms/index.ts';

/** A membership of somebody of this server in a room that only other servers can give. */
export interface RemoteMembership {
	readonly roomId: RoomId;
	readonly userId: UserId;
	/** Servers to ask, in this order. */
	readonly via: readonly ServerName[];
	/** What goes into the member event's content beside `membership`: the profile, `reason`. */
	readonly content: JsonObject;
}

/** An invite of somebody of another server, signed by this one. */
export interface RemoteInvite {
	readonly pdu: Pdu;
	/** What of the room the invited person is shown: the create event and what tells what the room is. */
	readonly state: readonly Pdu[];
}

/**
 * What rooms ask of partner servers. Every method is done when the outcome is on disk here, and throws RoomsError:
 * `not-in-room` where the others refuse, `unreachable` where none answers, or what the specification names.
 */
export interface RemoteRooms extends RemoteDirectory {
	/**
	 * Joins by a resident server. Also for a room that this server is in, where only members of other servers may let
	 * somebody in. @throws also 'unable-to-authorise-join', 'unable-to-grant-join', 'incompatible-version'
	 */
	join(request: RemoteMembership): Promise<void>;
	/** Knocks by a resident server. @throws also 'incompatible-version' */
	knock(request: RemoteMembership): Promise<void>;
	/**
	 * Turns down an invite, or takes back a knock, in a room that this server is not in. An invite is gone even if nobody
	 * can be told: no one must be stuck with it because its server is.
	 */
	leave(request: RemoteMembership): Promise<void>;
	/**
	 * Has the invited person's server sign the invite, and gives the event with both signatures; it is not stored yet.
	 * Signatures are all that is taken from the other server (B2).
	 * @throws also 'invite-blocked', 'unsupported-version'
	 */
	invite(request: RemoteInvite): Promise<JsonObject>;
	/** Asks an alias's server for its room; `undefined` where it has none. */
	findAlias(alias: RoomAlias): Promise<{readonly roomId: RoomId; readonly servers: readonly ServerName[]} | undefined>;
}
