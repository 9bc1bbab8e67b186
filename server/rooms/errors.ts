/** Why the rooms domain did not do what it was asked, as a closed list. */
export type RoomsErrorCode =
	/** The caller is not in the room, or there is no such room: which of the two is not said. */
	| 'not-in-room'
	/** The room's rules do not allow it. */
	| 'forbidden'
	/** The account may only read and leave. */
	| 'suspended'
	/** The room lets no guests in. */
	| 'no-guests'
	/** There is no such event, entry of state, or alias, or the caller may not know of it. */
	| 'not-found'
	/** It is no legal event of the room's version, or its content has the wrong form. */
	| 'bad-event'
	/** An identifier or token in the request is none. */
	| 'invalid-parameter'
	/** The first events of a room contradict one another. */
	| 'invalid-room-state'
	/** This server, or that of somebody invited, does not know the room version. */
	| 'unsupported-version'
	/** Another server's room has a version that this server does not know. */
	| 'incompatible-version'
	/** A new room's alias names another room already. */
	| 'room-in-use'
	/** An alias names another room already. */
	| 'alias-taken'
	/** An alias in the room's canonical ones does not name the room. */
	| 'bad-alias'
	/** The change makes no sense for what the room is now, as the end of a ban that there is not. */
	| 'bad-state'
	/** A room can be forgotten only once it is left. */
	| 'still-in-room'
	/** No server in reach can say whether the conditions of a restricted room are met. */
	| 'unable-to-authorise-join'
	/** The server that was asked cannot let anybody into the restricted room. */
	| 'unable-to-grant-join'
	/** Somebody takes no invites. */
	| 'invite-blocked'
	/** What the server tells people of their accounts cannot be refused. */
	| 'notice-room'
	/** Nobody is invited by e-mail address or the like. */
	| 'no-third-party-invites'
	/** The same reaction was sent before. */
	| 'duplicate-annotation'
	/** Somebody else has set the entry of the state since the event was handed in. */
	| 'superseded'
	/** A thread cannot begin at an event that relates to another one. */
	| 'nested-thread'
	/** No server that knows the room could be reached. */
	| 'unreachable';

/** Every expected failure of the rooms domain. */
export class RoomsError extends Error {
	override readonly name = 'RoomsError';
	readonly code: RoomsErrorCode;
	/** The version of a room that is incompatible. */
	readonly roomVersion: string | undefined;
	constructor(
		code: RoomsErrorCode,
		message: string,
		options?: ErrorOptions & {readonly roomVersion?: string | undefined},
	) {
		super(message, options);
		this.code = code;
		this.roomVersion = options?.roomVersion;
	}
}

/** One text for a room that the caller is not in and for one that does not exist. */
export const notInRoom = (options?: ErrorOptions): RoomsError =>
	new RoomsError('not-in-room', 'You are not in this room', options);

/** One text for a room that does not let the caller in and for one that does not exist. */
export const notAdmitted = (options?: ErrorOptions): RoomsError =>
	new RoomsError('not-in-room', 'You may not enter this room', options);
