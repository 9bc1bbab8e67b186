/** Why a partner server is refused, as a closed list. */
export type InboundErrorCode =
	/** Nothing here that this server may know of: the same for what does not exist and what is none of its business. */
	| 'not_found'
	/** The room's rules, or this server's, do not allow it. */
	| 'forbidden'
	/** The request contradicts itself: ids of path and body, a member event that is none. */
	| 'invalid'
	/** The invited person takes no invites. */
	| 'invite_blocked'
	/** Something that the request must hold is not in it. */
	| 'incomplete'
	/** The asking server does not support the room's version, or this server does not support the one named. */
	| 'incompatible_version'
	/** A restricted join whose conditions this server cannot check; another server may. */
	| 'unable_to_authorise'
	/** A restricted join that this server could check, but has nobody to vouch for; another server may. */
	| 'unable_to_grant';

/** Every expected refusal of a partner server's request. */
export class InboundError extends Error {
	override readonly name = 'InboundError';
	readonly code: InboundErrorCode;
	/** The room's version, with `incompatible_version`. */
	readonly roomVersion: string | undefined;

	constructor(code: InboundErrorCode, message: string, options?: ErrorOptions & {readonly roomVersion?: string}) {
		super(message, options);
		this.code = code;
		this.roomVersion = options?.roomVersion;
	}
}

/** The one answer for rooms and events that do not exist, and for those that the asker must not learn about. */
export function notFound(): InboundError {
	return new InboundError('not_found', 'There is nothing of this name for this server');
}
