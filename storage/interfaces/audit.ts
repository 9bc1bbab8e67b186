import type {JsonObject} from '../../crypto/index.ts';
import type {Batch, Outcome} from '../batch.ts';

/** Something that an administrator did. */
export interface AuditEntry {
	/** Milliseconds since the Unix epoch. */
	readonly ts: number;
	/** The administrator's user id, or what else acted. */
	readonly who: string;
	/** What was done, in a word or two. */
	readonly act: string;
	/** The user, room, event or token that it was done to; `null`: the server as a whole. */
	readonly whom: string | null;
	/** What else belongs to it: never a secret, an address, or what somebody wrote. */
	readonly details: JsonObject;
}

/** An entry as it stands in the log. */
export interface AuditRow {
	/** From 1 on, without gaps. */
	readonly position: number;
	/** Canonical JSON of the {@link AuditEntry}, of `position`, and of `previous`: the hash of the entry before, or nothing. */
	readonly entry: string;
	/** URL-safe base64 of the SHA-256 of `entry`. */
	readonly hash: string;
}

/** A signed word that an entry was in the log. */
export interface AuditSeal {
	readonly position: number;
	readonly hash: string;
	readonly sealedTs: number;
	readonly keyId: string;
	/** Unpadded base64. */
	readonly signature: string;
}

/** What administrators did, as a chain: each entry names the one before by its hash. */
export interface AuditRepository {
	/**
	 * Adds an entry that is written in the batch's own commit, after the entry that is last at that time, whichever process
	 * wrote that one.
	 */
	append(batch: Batch, entry: AuditEntry): void;
	/** Lists entries after a position, in their order. At most 1,000. Those that cannot be read are left out. */
	list(page: {readonly after: number; readonly limit: number}): Promise<AuditRow[]>;
	/** Lists entries before a position, the newest first. At most 1,000. */
	listNewest(page: {readonly before: number; readonly limit: number}): Promise<AuditRow[]>;
	/** Finds the last entry. */
	findLast(): Promise<AuditRow | undefined>;
	/** Adds a seal; one of the same entry that is there already stays. */
	addSeal(batch: Batch, seal: AuditSeal): void;
	/** Finds the seal of the last entry that has one. */
	findLastSeal(): Promise<AuditSeal | undefined>;
	/** Lists seals after a position, in their order. At most 1,000. */
	listSeals(page: {readonly after: number; readonly limit: number}): Promise<AuditSeal[]>;
}

/** Long work that an administrator asked for. */
export interface AdministrativeTaskRow {
	readonly taskId: string;
	readonly kind: 'delete-room' | 'redact-user';
	/** The room or the user that it is about. */
	readonly subject: string;
	readonly status: 'scheduled' | 'active' | 'complete' | 'failed';
	/** What it has done so far. */
	readonly result: JsonObject;
	/** Why it failed. */
	readonly error: string | null;
	/** Milliseconds since the Unix epoch. */
	readonly changedTs: number;
}

/** Long work that administrators asked for, and what has become of it. */
export interface AdministrativeTasksRepository {
	/** Adds a task, or writes it anew. */
	set(batch: Batch, task: AdministrativeTaskRow): void;
	find(taskId: string): Promise<AdministrativeTaskRow | undefined>;
	/** Lists the tasks about a room or a user, the newest first. At most 1,000. */
	listOfSubject(kind: AdministrativeTaskRow['kind'], subject: string): Promise<AdministrativeTaskRow[]>;
	/** Removes tasks that last changed before a time, some hundreds at once; how many it were. */
	sweep(batch: Batch, beforeTs: number): Outcome<number>;
}
