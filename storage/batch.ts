import type {JsonObject, RoomId, UserId} from '../crypto/index.ts';
import type {Condition} from './errors.ts';
import type {AuditEntry} from './interfaces/audit.ts';

/** A place in the server's one stream; positions are whole numbers from 1 on, in commit order, without gaps. */
export type Position = number;

/**
 * What a stream row tells of. The columns mean, for each kind:
 *
 * | kind | roomId | subject | ref | told when |
 * |---|---|---|---|---|
 * | event | its room | the user, of member events | event nid | an event took a live place in a timeline (`extra.redacted`: the nid of the event it redacts; `extra.relates_to`: the event whose relations that changes; `extra.after_gap`: events before it are missing here; `extra.ends_of`: a server outside the room whose user's invite or knock it ends) |
 * | history | its room | – | event nid | an event that was fetched for a gap took a place in the past (`extra.relates_to` as above); without `ref`: the room was removed |
 * | state | its room | – | – | a room's head root changed without a new live event (resolution; `extra.completed`: a room that was entered without its members has them now) |
 * | membership | its room | the user | event nid | a membership changed without a live event of its own (invite or knock over federation; state resolution, local users only; without `ref`: nobody is notified of it) |
 * | receipt | its room | reader | – | a receipt moved |
 * | account_data | room or none | owner | – | account data, push rules or tags changed |
 * | to_device | – | user id, or none where `extra.user_ids` names several | – | messages wait for devices of the users |
 * | device_list | – | user id | – | a device's keys or a cross-signing key of a user (local or remote) changed |
 * | device_keys | – | as above | – | the one-time-key or fallback counts of devices of the users changed, or the user signed the keys of `extra.signed` for their own eyes |
 * | profile | – | user id | – | a profile field changed |
 * | device | – | user id | – | sessions ended or a device was removed (`extra.device_ids`; absent: all) |
 * | account | – | user id | – | made, locked, suspended, deactivated, made administrator, and back (`extra.erased`: gone, and wants to be forgotten; `extra.source`: from now on an account of a source link, or with `false` one no more) |
 * | edu | – | destination | – | an EDU waits for a partner server |
 * | cursor | – | cursor's name | – | a cursor should be looked at again |
 * | job | – | kind of job | – | a background job was added |
 * | floor | – | – | position | what changed up to there may be swept: who asks since an earlier position begins anew |
 */
export type ChangeKind =
	| 'event'
	| 'history'
	| 'state'
	| 'membership'
	| 'receipt'
	| 'account_data'
	| 'to_device'
	| 'device_list'
	| 'device_keys'
	| 'profile'
	| 'device'
	| 'account'
	| 'edu'
	| 'cursor'
	| 'job'
	| 'floor';

/** What a batch announces on the stream. */
export interface Change {
	readonly kind: ChangeKind;
	readonly roomId?: RoomId | undefined;
	/** A user id or a server name, as the kind says. */
	readonly subject?: string | undefined;
	/** An event's nid or a position, as the kind says. */
	readonly ref?: number | undefined;
	/** Whether this server sends it to the partner servers of the room: our own events, and what we accepted for others. */
	readonly relay?: boolean | undefined;
	/** Small facts that listeners need without a read; at most 32 KiB as JSON. */
	readonly extra?: JsonObject | undefined;
}

/** A change that is on disk. */
export interface CommittedChange extends Change {
	readonly pos: Position;
}

/** Users that one change may be about: their ids, of 255 bytes at most, stay within what `extra` may hold. */
export const usersOfChangeMax = 100;

/** Gives the users that a change of the kind `to_device` or `device_keys` is about. */
export function usersOf({subject, extra}: Pick<Change, 'subject' | 'extra'>): readonly string[] {
	if (subject !== undefined) return [subject];
	const userIds = extra?.['user_ids'];
	return Array.isArray(userIds) ? (userIds as string[]) : [];
}

/** JSON that is text already: it is stored as it is. The text must be JSON that `JSON.parse` reads without loss. */
export class JsonText {
	readonly text: string;
	constructor(text: string) {
		this.text = text;
	}
}

/** A value that is known only once the batch is committed; reading it before throws. */
export class Outcome<T> {
	#read: (() => T) | undefined;

	/** With `derive` the value follows from other outcomes of the same batch. */
	constructor(derive?: () => T) {
		this.#read = derive;
	}

	/** The value, once `storage.commit` has returned. */
	get value(): T {
		if (this.#read === undefined) throw new Error('the batch is not committed yet');
		return this.#read();
	}

	/** For the storage layer alone. */
	settle(value: T): void {
		this.#read = () => value;
	}
}

/** The position that a change will have: usable as a value in the same batch, and readable after the commit. */
export class AnnouncedPosition extends Outcome<Position> {
	readonly index: number;
	constructor(index: number) {
		super();
		this.index = index;
	}
}

/** A position that exists, or one that this batch will be given. */
export type PositionOrAnnounced = Position | AnnouncedPosition;

/** One statement of a batch: for the storage layer alone. */
export interface Operation {
	readonly statement: number;
	/** Values in statement order; text to intern and positions are still symbolic. */
	readonly params: readonly unknown[];
	/** Values of the statement's last parameters for each time that it runs; absent: it runs once. */
	readonly rows?: readonly (readonly unknown[])[] | undefined;
	/** Whether it runs after positions are handed out: it uses one, or it is about a row that may have been added with one. */
	readonly isLate: boolean;
	readonly expect?: {readonly changes: number; readonly condition: Condition} | undefined;
	/** Receives the rows of a statement with RETURNING. */
	readonly onRows?: ((rows: readonly (readonly unknown[])[]) => void) | undefined;
}

/**
 * Writes that are committed together or not at all. Operations run in the order they were added, except that late ones
 * (those which use an announced position, and changes of events and memberships) run after all others. A batch is
 * committed once; after a failure a new one is built.
 */
export class Batch {
	readonly operations: Operation[] = [];
	readonly changes: Change[] = [];
	readonly positions: AnnouncedPosition[] = [];
	/** Texts whose ids stand in values that storage cannot rewrite (trie nodes), with those ids: for the storage layer alone. */
	readonly interned = new Map<string, number>();
	/** What the audit log is to say of it: for the storage layer alone. */
	readonly auditEntries: AuditEntry[] = [];
	/** Called when the batch is on disk: for the storage layer alone. */
	readonly afterCommit: (() => void)[] = [];
	/** For the storage layer alone. */
	isCommitted = false;

	/** Announces a change: the only way to get a position. It is delivered to listeners after the commit, never before. */
	announce(change: Change): AnnouncedPosition {
		const position = new AnnouncedPosition(this.positions.length);
		this.positions.push(position);
		this.changes.push(change);
		return position;
	}

	/**
	 * Announces the same of several users, at most {@link usersOfChangeMax} of them and each once, with one change: where a
	 * hundred are concerned at once, a change for each would cost more than what is announced.
	 */
	announceUsers(kind: 'to_device' | 'device_keys', userIds: readonly UserId[]): AnnouncedPosition {
		if (userIds.length > usersOfChangeMax) throw new Error('one change is about too many users');
		return this.announce(userIds.length === 1 ? {kind, subject: userIds[0]} : {kind, extra: {user_ids: [...userIds]}});
	}

	get isEmpty(): boolean {
		return this.operations.length === 0 && this.changes.length === 0 && this.auditEntries.length === 0;
	}
}
