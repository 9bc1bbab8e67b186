import {isJsonObject, type JsonObject, type UserId} from '../../crypto/index.ts';
import type {AuditEntry, AuditRow} from '../../storage/index.ts';

const DAY_MS = 86_400_000;

/** Who acts at the machine itself: whoever may run the program there may do everything. */
export const CONSOLE = 'console';

/** Who acts with the secret of `registration_shared_secret`: a program, mostly. */
export const SHARED_SECRET = 'shared-secret';

/** Who acts when a time has come. */
export const SERVER = 'server';

/** Who acts by opening a source link: whoever it is. */
export const SOURCE = 'source';

/** Who acts: an administrator, or somebody who is allowed more than others, or what else acts. */
export type AuditActor = UserId | typeof CONSOLE | typeof SERVER | typeof SHARED_SECRET | typeof SOURCE;

/** What administrators do, as a closed list. */
export type AuditActName =
	| 'back-up-server'
	| 'block-room'
	| 'change-token'
	| 'create-account'
	| 'create-factor-code'
	| 'create-source-link'
	| 'create-token'
	| 'deactivate-account'
	| 'delete-media'
	| 'delete-report'
	| 'delete-room'
	| 'end-source'
	| 'export-account'
	| 'grant-administration'
	| 'join-room'
	| 'lock-account'
	| 'make-room-admin'
	| 'migrate-database'
	| 'open-source-link'
	| 'purge-media-cache'
	| 'quarantine-media'
	| 'redact-user'
	| 'release-media'
	| 'remove-devices'
	| 'remove-factors'
	| 'remove-source-link'
	| 'remove-token'
	| 'rename-device'
	| 'send-notice'
	| 'restore-server'
	| 'rotate-key'
	| 'set-password'
	| 'set-profile'
	| 'suspend-account'
	| 'unblock-room'
	| 'unlock-account'
	| 'unsuspend-account'
	| 'withdraw-administration';

/** Something that an administrator does. */
export interface AuditAct {
	readonly who: AuditActor;
	readonly act: AuditActName;
	/** The user, room, event, medium or token that it is done to; absent: the server as a whole. */
	readonly whom?: string | undefined;
	/** Whether the day alone is written down, as its first moment: the time would lead to who it was. Default: no. */
	readonly isOfDay?: boolean | undefined;
	/** What else belongs to it: never a secret, an address, or what somebody wrote. */
	readonly details?: JsonObject | undefined;
}

/** Gives an act as it is written down. */
export function toEntry({who, act, whom, details = {}, isOfDay = false}: AuditAct, nowMs: number): AuditEntry {
	const ts = isOfDay ? nowMs - (nowMs % DAY_MS) : nowMs;
	return {ts, who, act, whom: whom ?? null, details};
}

/** An entry of the log, read. */
export interface ReadEntry {
	readonly position: number;
	/** Milliseconds since the Unix epoch. */
	readonly ts: number;
	readonly who: string;
	readonly act: string;
	readonly whom: string | null;
	readonly details: JsonObject;
	/** The hash of the entry before; empty for the first. */
	readonly previous: string;
	readonly hash: string;
}

/** Reads an entry; `undefined` where its text is not one. */
export function readEntry({entry, hash}: AuditRow): ReadEntry | undefined {
	let value: unknown;
	try {
		value = JSON.parse(entry);
	} catch {
		return undefined;
	}
	if (!isJsonObject(value)) return undefined;
	const {position, ts, who, act, whom, details, previous} = value;
	const isEntry =
		typeof position === 'number' &&
		typeof ts === 'number' &&
		typeof who === 'string' &&
		typeof act === 'string' &&
		(whom === null || typeof whom === 'string') &&
		isJsonObject(details) &&
		typeof previous === 'string';
	return isEntry ? {position, ts, who, act, whom, details, previous, hash} : undefined;
}
