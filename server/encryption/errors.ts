/** Why the encryption domain did not do what it was asked, as a closed list. */
export type EncryptionErrorCode =
	/** Not of the form that the specification gives it. */
	| 'bad-form'
	/** Names another user or device, or is no usable key. */
	| 'invalid-key'
	/** A signature that is there, or must be, does not hold. */
	| 'invalid-signature'
	/** A one-time key with this id but other content is stored. */
	| 'key-exists'
	/** The public key is also the id of one of the user's devices. */
	| 'key-is-device-id'
	/** A cross-signing key came without a master key, and none is stored. */
	| 'no-master-key'
	/** There is no such key to sign. */
	| 'unknown-key'
	/** Keys, messages or recipients beyond what is kept for one device or taken in one request. */
	| 'too-many'
	/** Larger than a key or message may be. */
	| 'too-large'
	/** A position that this server has not come to. */
	| 'unknown-position'
	/** The asking server may not know of this user. */
	| 'forbidden';

/** Every expected failure of the encryption domain. */
export class EncryptionError extends Error {
	override readonly name = 'EncryptionError';
	readonly code: EncryptionErrorCode;
	constructor(code: EncryptionErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
