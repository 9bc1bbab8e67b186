import type {JsonObject, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {Batch, Position, PositionOrAnnounced} from '../batch.ts';
import type {EventNid} from './events.ts';

/** The memberships of the specification. */
export type Membership = 'invite' | 'join' | 'knock' | 'leave' | 'ban';

interface MembershipFacts {
	readonly roomId: RoomId;
	readonly userId: UserId;
	readonly membership: Membership;
	/** The `m.room.member` event, or the outlier of an invite over federation; `null` where no event is held. */
	readonly eventNid: EventNid | null;
	/** Who sent the event: the inviter, the kicker, or the member. */
	readonly sender: UserId;
	/** Whether the user is of this server. */
	readonly isLocal: boolean;
	/** For an invite or knock to a room this server is not in: the stripped state that came along. */
	readonly strippedState: readonly JsonObject[] | null;
}

/** A membership as it is set. */
export interface NewMembership extends MembershipFacts {
	readonly pos: PositionOrAnnounced;
}

/** The last membership of a user in a room. */
export interface MembershipRow extends MembershipFacts {
	/** Where the membership last changed. */
	readonly pos: Position;
	readonly forgotten: boolean;
}

/** A span of the stream during which a server had a member in a room: it is owed the room's events at these positions, both included. */
export interface ServerSpan {
	readonly roomId: RoomId;
	readonly server: ServerName;
	readonly fromPos: Position;
	/** The position of the event that took its last member out, which it is still owed; `null` while it is in the room. */
	readonly toPos: Position | null;
}

/** Who is in which room. */
export interface MembershipsRepository {
	/** Sets the membership of a user; a user who comes back is no longer marked as having forgotten the room. */
	set(batch: Batch, membership: NewMembership): void;
	/** Marks a room that the user has left as forgotten: it is in none of the user's lists. */
	forget(batch: Batch, roomId: RoomId, userId: UserId): void;

	find(roomId: RoomId, userId: UserId): Promise<MembershipRow | undefined>;
	/** Lists the rooms of a user by membership; without `memberships` all that are not forgotten. Whole, not paged: one user's rooms. */
	listOfUser(userId: UserId, memberships?: readonly Membership[]): Promise<MembershipRow[]>;
	/** Lists the rooms that a user has forgotten and left after a position. */
	listForgotten(userId: UserId, after: Position): Promise<MembershipRow[]>;
	/** Lists members of a room in the order of users' first sight here. At most 1,000 a page. */
	listOfRoom(
		roomId: RoomId,
		page: {
			readonly memberships?: readonly Membership[] | undefined;
			readonly after?: UserId | undefined;
			readonly limit: number;
		},
	): Promise<MembershipRow[]>;
	/** Lists joined users of this server. */
	listLocalJoined(roomId: RoomId): Promise<UserId[]>;
	/** Lists joined members in the order of joining, first `limit`: heroes and name calculation. */
	listFirstJoined(roomId: RoomId, limit: number): Promise<MembershipRow[]>;
	/** Counts members of a room. */
	count(roomId: RoomId): Promise<{readonly join: number; readonly invite: number}>;
	/** Whether two users are joined to a common room. */
	sharesRoom(a: UserId, b: UserId): Promise<boolean>;
	/** Lists rooms that both are joined to, in the order of rooms' first sight here. At most 1,000 a page. */
	listShared(
		a: UserId,
		b: UserId,
		page: {readonly after?: RoomId | undefined; readonly limit: number},
	): Promise<RoomId[]>;
	/** Counts the rooms that both are joined to. */
	countShared(a: UserId, b: UserId): Promise<number>;
	/** Lists everyone joined to a room that this user is joined to, once each, by `after` and `limit` (at most 1,000). */
	listPeers(userId: UserId, page: {readonly after?: UserId | undefined; readonly limit: number}): Promise<UserId[]>;
	/** Lists which of the others share a joined room with the user. */
	listSharing(userId: UserId, others: readonly UserId[]): Promise<UserId[]>;
	/** Lists which of the users are joined to a room that a server has a member in. */
	listSharingWithServer(server: ServerName, userIds: readonly UserId[]): Promise<UserId[]>;
	/** Lists the invites that wait for the users. */
	listInvites(userIds: readonly UserId[]): Promise<Pick<MembershipRow, 'userId' | 'sender'>[]>;
	/** Lists the servers that have a member in any room the user is joined to. */
	listPeerServers(userId: UserId): Promise<ServerName[]>;

	/** Opens a span for a server whose first member joined; without effect while one is open. */
	addServer(batch: Batch, roomId: RoomId, server: ServerName, fromPos: PositionOrAnnounced): void;
	/** Closes the open span of a server whose last member left. */
	removeServer(batch: Batch, roomId: RoomId, server: ServerName, toPos: PositionOrAnnounced): void;
	/** Lists the servers that are in a room now. */
	listServers(roomId: RoomId): Promise<ServerName[]>;
	/** Whether a server has a member in any room that is known here. */
	isServerPresent(server: ServerName): Promise<boolean>;
	/** Whether a server is, or was at some time, in a room. */
	hasServerBeenIn(roomId: RoomId, server: ServerName): Promise<boolean>;
	/** Lists all spans of a room: which server was owed which position. */
	listServerSpansOfRoom(roomId: RoomId): Promise<ServerSpan[]>;
	/** Lists all spans of a server that do not end before `after`. */
	listServerSpans(server: ServerName, after: Position): Promise<ServerSpan[]>;
}
