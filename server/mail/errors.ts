/** Why a mail was not handed over, as a closed list. */
export type MailErrorCode =
	/** The settings name no relay. */
	| 'off'
	/** The relay will never take it: another try is of no use. */
	| 'refused'
	/** The relay could not be reached, or wants the mail later. */
	| 'unavailable';

/** Every expected failure of mail. It never holds what a relay said, which repeats addresses. */
export class MailError extends Error {
	override readonly name = 'MailError';
	readonly code: MailErrorCode;
	constructor(code: MailErrorCode, message: string) {
		super(message);
		this.code = code;
	}
}
