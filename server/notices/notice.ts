import {
	type DeviceId,
	isJsonObject,
	type JsonObject,
	newOpaqueId,
	type RandomBytes,
	type UserId,
} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Batch, Storage} from '../../storage/index.ts';

const DAY_MS = 86_400_000;

/** The kind of the background job that tells a person's other sessions of a notice. */
export const TELL_SESSIONS = 'tell-sessions';

/** The kind of the background job that mails a notice. */
export const MAIL_NOTICE = 'mail-notice';

/** Things that happen to an account of which there is nothing more to say. */
export const plainNotices = [
	'address-added',
	'address-removed',
	'browser-sign-in',
	'cross-signing-reset',
	'factor-wanted',
	'identity-linked',
	'identity-unlinked',
	'passkey-added',
	'passkey-removed',
	'password-changed',
	'password-known',
	'password-recovered',
	'recovery-code-used',
	'recovery-codes-renewed',
	'recovery-refused',
	'session-copied',
	'source-ends',
	'totp-added',
	'totp-removed',
] as const;

/** Something that happened to an account, which its owner is told. */
export type AccountNotice =
	| {
			readonly kind: (typeof plainNotices)[number];
			/** The session by which it was done, which need not be told; absent: all are. */
			readonly deviceId?: DeviceId | undefined;
			/** An address that is no more the account's and is told too. */
			readonly formerAddress?: string | undefined;
	  }
	/** A client's new session. */
	| {
			readonly kind: 'sign-in';
			readonly deviceId: DeviceId;
			readonly deviceName: string | null;
			/** Whether it sees nothing until it is approved. */
			readonly isWaiting: boolean;
			/** Whether a session of the same device was there, which has ended with this. */
			readonly endsSession: boolean;
			/** Whether nobody had used the account before. */
			readonly isFirst: boolean;
	  }
	| {readonly kind: 'session-approved'; readonly deviceId: DeviceId; readonly deviceName: string | null};

/** Where whatever changes an account says so. */
export interface NoticeQueue {
	/**
	 * Adds to the batch of a change that its owner is told of it: in a room of the server's, in their other sessions, and
	 * by mail where they gave an address. Nothing is sent before the batch is committed, and then it is not lost.
	 */
	add(batch: Batch, userId: UserId, notice: AccountNotice): void;
}

/** A notice as it waits to be told. */
export interface QueuedNotice {
	readonly userId: UserId;
	readonly notice: AccountNotice;
	/** When it happened, in milliseconds since the Unix epoch. */
	readonly atTs: number;
}

/** Makes the queue. */
export function createNoticeQueue({
	storage,
	clock,
	random,
	tellsSessions,
	sendsMail,
	isTold,
}: {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: RandomBytes;
	/** Whether there is a room for notices, and whether there is mail; where there is neither, nothing is kept. */
	readonly tellsSessions: boolean;
	readonly sendsMail: boolean;
	/** Who is told at all: the account of a source is for one room, and no other is made for it. */
	readonly isTold: (userId: UserId) => boolean;
}): NoticeQueue {
	const kinds = [...(tellsSessions ? [TELL_SESSIONS] : []), ...(sendsMail ? [MAIL_NOTICE] : [])];
	return {
		add(batch, userId, notice) {
			if (!isTold(userId)) return;
			const nowMs = clock.now();
			for (const kind of kinds) {
				storage.jobs.add(batch, {
					kind,
					key: keyOf(userId, notice, nowMs) ?? newOpaqueId(random),
					payload: {user_id: userId, at_ts: nowMs, notice: toJson(notice)},
					dueTs: nowMs,
				});
			}
		},
	};
}

/** The key by which a notice is told once a day at most; `undefined`: each one is told. */
function keyOf(userId: UserId, {kind}: AccountNotice, nowMs: number): string | undefined {
	return kind === 'password-known' ? `${kind} ${userId} ${Math.floor(nowMs / DAY_MS)}` : undefined;
}

function toJson(notice: AccountNotice): JsonObject {
	return Object.fromEntries(Object.entries(notice).filter((entry) => entry[1] !== undefined));
}

/** Reads what a job was given; `undefined` for what an earlier or later version wrote and this one cannot read. */
export function readQueued(payload: JsonObject): QueuedNotice | undefined {
	const {user_id: userId, at_ts: atTs, notice} = payload;
	if (typeof userId !== 'string' || typeof atTs !== 'number' || !isJsonObject(notice)) return undefined;
	const {kind} = notice;
	const isKnown = kind === 'sign-in' || kind === 'session-approved' || plainNotices.some((known) => known === kind);
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `add` alone
	return isKnown ? ({userId, atTs, notice} as unknown as QueuedNotice) : undefined;
}
