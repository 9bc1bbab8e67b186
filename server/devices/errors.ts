/** Why the devices domain did not do what it was asked, as a closed list. */
export type DevicesErrorCode =
	/** The user has no such device. */
	| 'unknown-device'
	/** A device id that no device may have. */
	| 'invalid-device-id'
	/** A device id that is the public part of one of the user's cross-signing keys. */
	| 'device-id-is-a-key'
	/** A device id that is the dehydrated device's: nobody signs in as it. */
	| 'device-is-dehydrated'
	/** A device id that stands for a session, and a new one waits for approval: it would take the other's place. */
	| 'device-is-signed-in'
	/** The user has as many devices as anybody may have. */
	| 'too-many-devices'
	/** The session's access token has ended; its device is still there. */
	| 'session-expired'
	/** No session has this refresh token: it was never given, used already, or its device is gone. */
	| 'unknown-refresh-token'
	/** The refresh token has ended; its device is still there. */
	| 'refresh-token-expired';

/** Every expected failure of the devices domain. */
export class DevicesError extends Error {
	override readonly name = 'DevicesError';
	readonly code: DevicesErrorCode;
	constructor(code: DevicesErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
