/** Why the media domain did not do what it was asked, as a closed list. */
export type MediaErrorCode =
	/** There is no such medium, or none that is to be shown. */
	| 'not-found'
	/** The id was handed out, and its content has not come. */
	| 'not-yet-uploaded'
	/** The id was handed out to somebody else. */
	| 'not-yours'
	/** The id has its content already. */
	| 'already-uploaded'
	/** The person has been handed out as many ids as may wait for their content. */
	| 'too-many-pending'
	/** The person would keep more here than one may. */
	| 'over-quota'
	/** The server has sent as much today as one server may. */
	| 'remote-too-much'
	/** A name of a file that no file may have. */
	| 'invalid-name'
	/** The disk is full. */
	| 'no-space'
	/** The disk failed. */
	| 'store-failed'
	/** Larger than this server keeps or shrinks. */
	| 'too-large'
	/** Another server's medium is larger than this server passes on. */
	| 'remote-too-large'
	/** The server whose medium it is cannot be asked, or answers nothing of use. */
	| 'unreachable'
	/** The content is no image that can be shown in small. */
	| 'no-thumbnail'
	/** Making an image small took longer than it may; another time it may not. */
	| 'took-too-long'
	/** More pictures are to be made small than this server does just now. */
	| 'busy';

/** Every expected failure of the media domain. */
export class MediaError extends Error {
	override readonly name: string = 'MediaError';
	readonly code: MediaErrorCode;
	constructor(code: MediaErrorCode, message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}

/** Somebody would keep more here than one may. */
export class MediaQuotaError extends MediaError {
	override readonly name = 'MediaQuotaError';
	/** Where people are told of it. */
	readonly infoUri: string;
	constructor(bytesMax: number, infoUri: string, options?: ErrorOptions) {
		super('over-quota', `Expected at most ${bytesMax} bytes of files of one person in all`, options);
		this.infoUri = infoUri;
	}
}
