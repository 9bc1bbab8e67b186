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
	/** The id that a dehydrated device is to have is another device's. */
	| 'device-exists'
	/** The user has no dehydrated device. */
	| 'no-dehydrated-device'
	/** There is no such key to sign. */
	| 'unknown-key'
	/** Keys, messages or recipients beyond what is kept for one device or taken in one request. */
	| 'too-many'
	/** Larger than a key or message may be. */
	| 'too-large'
	/** The user has no such version of a key backup, or none at all. */
	| 'unknown-backup'
	/** Keys for a version of the backup that is not the newest; the error names the one that is. */
	| 'wrong-backup-version'
	/** What is to become of a version of the backup does not fit it. */
	| 'backup-mismatch'
	/** More in backups than is kept for one person. */
	| 'backup-full'
	/** Others changed the same so often meanwhile that this was given up. */
	| 'contended'
	/** A position that this server has not come to. */
	| 'unknown-position'
	/** The asking server may not know of this user. */
	| 'forbidden';

/** Every expected failure of the encryption domain. */
export class EncryptionError extends Error {
	override readonly name = 'EncryptionError';
	readonly code: EncryptionErrorCode;
	/** With 'wrong-backup-version': the version that keys can be added to. */
	readonly currentVersion: string | undefined;
	constructor(
		code: EncryptionErrorCode,
		message: string,
		options: ErrorOptions & {readonly currentVersion?: string} = {},
	) {
		super(message, options);
		this.code = code;
		this.currentVersion = options.currentVersion;
	}
}
