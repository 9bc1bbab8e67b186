import type {DeviceId, RoomId, UserId} from '../../crypto/index.ts';
import type {Batch, Outcome} from '../batch.ts';

/** The e-mail address of an account. */
export interface MailAddressRow {
	readonly userId: UserId;
	/** As it was given, for the envelope. */
	readonly address: string;
	/** What addresses are compared by. */
	readonly canonical: string;
	/** The language in which its owner is written to. */
	readonly language: string;
	/** Days since the Unix epoch. */
	readonly addedDay: number;
}

/** E-mail addresses; nothing searches them but the repetition of one in full. */
export interface MailAddressesRepository {
	/** Sets the address of an account in place of the one before. */
	set(batch: Batch, address: MailAddressRow): void;
	remove(batch: Batch, userId: UserId): void;
	find(userId: UserId): Promise<MailAddressRow | undefined>;
	/** Lists the accounts with an address, in the order of their names; some in one town share one. */
	listOfAddress(canonical: string, limit: number): Promise<MailAddressRow[]>;
}

/** A link that was sent to an address, or is about to be. Of secrets only hashes are stored. */
export interface MailValidationRow {
	readonly sid: string;
	/** For a new address; for a client that sets a password; for the page on which a password is set. */
	readonly purpose: 'address' | 'password' | 'recovery';
	/** Whose account it is for; `null` where only the address is to be shown to be somebody's. */
	readonly userId: UserId | null;
	/** The address that the link went to: it is good for no other. */
	readonly address: string;
	/** Who asked, by a client's secret or a browser's cookie; `null`: nobody can say so. */
	readonly askerHash: string | null;
	/** `null`: the link was used. */
	readonly tokenHash: string | null;
	readonly language: string;
	readonly sendAttempt: number;
	/** Wrong answers that were given with the link. */
	readonly failures: number;
	/** Whether the link was opened by somebody who then did what it asks for. */
	readonly isConfirmed: boolean;
	/** Milliseconds. */
	readonly expiresTs: number;
	/** How often a mail was sent, each with another link: the last one is good. */
	readonly mails: number;
}

/**
 * Whose asking counts together: that of everybody who wants a way back into one account, and for confirming an address that
 * of whoever has an account here, and of who has shown none.
 */
export type MailBucket = UserId | 'people' | 'anybody';

/** Links that were sent to addresses. */
export interface MailValidationsRepository {
	/** Sets a validation in place of what was under its id before. */
	set(batch: Batch, validation: MailValidationRow): void;
	find(sid: string): Promise<MailValidationRow | undefined>;
	/** Finds what a link is for; expiry is for the caller to judge. */
	findByToken(tokenHash: string): Promise<MailValidationRow | undefined>;
	/** Counts a wrong answer; ConflictError('mail_validation') where there are as many as may be, or no such validation. */
	addFailure(batch: Batch, sid: string, failuresMax: number): void;
	/** Uses the link up, and says that its owner agreed; ConflictError('mail_validation') where it was used or has ended. */
	confirm(batch: Batch, tokenHash: string, nowMs: number): void;
	/** Uses the link up for good; ConflictError('mail_validation') where it was used or has ended. */
	redeemToken(batch: Batch, tokenHash: string, nowMs: number): void;
	/** Uses what was confirmed up; ConflictError('mail_validation') where it was used, was not confirmed, or has ended. */
	redeemConfirmed(batch: Batch, sid: string, nowMs: number): void;
	removeOfUser(batch: Batch, userId: UserId): void;
	/** Counts the mails to an address, whatever its letters' case, whose links are good beyond a time, confirmed or not. */
	countMails(address: string, options: {readonly bucket: MailBucket; readonly beyondTs: number}): Promise<number>;
	/** Removes those that ended before a time, some hundreds at once; how many it were. */
	sweep(batch: Batch, beforeTs: number): Outcome<number>;
}

/** A session that sees nothing until it is approved. */
export interface QuarantinedDeviceRow {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	/** Milliseconds. */
	readonly sinceTs: number;
	/** Of what the link in the notice to the other sessions ends with; `null`: they were not told yet. */
	readonly codeHash: string | null;
}

/** Sessions that wait for approval. They go with their devices. */
export interface QuarantinedDevicesRepository {
	/** Lets a device wait; one that waits already waits from now on. */
	set(batch: Batch, device: QuarantinedDeviceRow): void;
	/** Sets what the link ends with; nothing where the device does not wait any more. */
	setCode(batch: Batch, device: Pick<QuarantinedDeviceRow, 'userId' | 'deviceId' | 'codeHash'>): void;
	/**
	 * Ends the wait of a session, and not that of another one which waits under its device id by now;
	 * ConflictError('quarantined_device') where it does not wait. The caller announces `account`.
	 */
	remove(batch: Batch, device: Pick<QuarantinedDeviceRow, 'userId' | 'deviceId' | 'sinceTs'>): void;
	/** Ends the wait whose link ends with this; ConflictError('quarantined_device') where there is none by now. */
	redeemCode(batch: Batch, codeHash: string): void;
	find(userId: UserId, deviceId: DeviceId): Promise<QuarantinedDeviceRow | undefined>;
	findByCode(codeHash: string): Promise<QuarantinedDeviceRow | undefined>;
	listOfUser(userId: UserId): Promise<QuarantinedDeviceRow[]>;
}

/** The rooms in which the server tells people what happens to their accounts. */
export interface NoticeRoomsRepository {
	set(batch: Batch, userId: UserId, roomId: RoomId): void;
	find(userId: UserId): Promise<RoomId | undefined>;
	/** Whose room it is; `undefined` for a room that is none of these. */
	findUser(roomId: RoomId): Promise<UserId | undefined>;
}
