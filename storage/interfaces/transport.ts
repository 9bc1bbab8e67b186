import type {DeviceId, EventId, JsonObject, JsonValue, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {Batch, Outcome, Position, PositionOrAnnounced} from '../batch.ts';

/** A body that was or is being sent, retried byte for byte until it is answered. */
export interface InFlight {
	readonly txnId: string;
	/** The position that a success acknowledges. */
	readonly to: Position;
	/** The body's own bytes as text. */
	readonly body: string;
}

/** How a cursor's receiver fails; absent when it answers. */
export interface CursorFailure {
	/** When the first failure of this row was, in milliseconds. */
	readonly sinceTs: number;
	readonly attempts: number;
	/** When the next attempt may be made. */
	readonly retryTs: number;
}

/** How far a receiver has been told of the stream. */
export interface CursorRow {
	/** `federation:news.example`, `push:…`, `appservice:…`. */
	readonly name: string;
	readonly acked: Position;
	readonly inFlight: InFlight | null;
	readonly failure: CursorFailure | null;
}

/** Cursors on the stream. What lies past a cursor is its queue. */
export interface CursorsRepository {
	/** Adds a cursor at a position; without effect where it exists. */
	add(batch: Batch, name: string, acked: PositionOrAnnounced): void;
	/** Freezes a body before its first attempt; ConflictError('cursor') where one is frozen or `acked` is another. */
	freeze(batch: Batch, name: string, acked: Position, inFlight: InFlight): void;
	/** Moves a cursor and clears body and failure; ConflictError('cursor') where `from` is not its position. */
	advance(batch: Batch, name: string, from: Position, to: Position): void;
	setFailure(batch: Batch, name: string, failure: CursorFailure | null): void;
	remove(batch: Batch, name: string): void;
	find(name: string): Promise<CursorRow | undefined>;
	/** Lists cursors whose names start with the text, in the order of names. */
	list(prefix: string, page: {readonly after?: string | undefined; readonly limit: number}): Promise<CursorRow[]>;
}

/** An EDU that waits for a partner server (to-device messages, device-list updates that cannot be made from the stream). */
export interface OutgoingEduRow {
	readonly destination: ServerName;
	readonly pos: Position;
	readonly type: string;
	readonly content: JsonObject;
}

/** A PDU of a partner server's transaction that is not accepted yet. */
export interface StagedPdu {
	readonly origin: ServerName;
	readonly txnId: string;
	readonly index: number;
	/** The PDU as it came, as JSON text. */
	readonly json: string;
	readonly receivedTs: number;
}

/** A staged PDU as it lies in storage. */
export interface StagedRow extends StagedPdu {
	/** Grows in the order in which PDUs came. */
	readonly id: number;
}

/** A key of another server. */
export interface ServerKeyRow {
	readonly server: ServerName;
	/** `ed25519:…` */
	readonly keyId: string;
	/** The public key in unpadded base64. */
	readonly key: string;
	readonly validUntilTs: number;
	/** When it stopped being used; `null`: in use. */
	readonly expiredTs: number | null;
	readonly fetchedTs: number;
}

/** What is kept of the conversation with partner servers. */
export interface FederationRepository {
	addOutgoingEdu(batch: Batch, edu: Omit<OutgoingEduRow, 'pos'> & {readonly pos: PositionOrAnnounced}): void;
	/** Lists EDUs for a destination in `(after, upto]` in order. At most 1,000. */
	listOutgoingEdus(
		destination: ServerName,
		page: {readonly after: Position; readonly upto: Position; readonly limit: number},
	): Promise<OutgoingEduRow[]>;
	removeOutgoingEdus(batch: Batch, destination: ServerName, upto: Position): void;
	/** Finds the destination of waiting EDUs that comes next after a name, bytewise. */
	findEduDestination(after: string): Promise<ServerName | undefined>;
	/** Removes EDUs for a destination below a position, some hundreds at once; how many it were. */
	sweepOutgoingEdus(batch: Batch, destination: ServerName, before: Position): Outcome<number>;

	/** Adds PDUs of a transaction to staging. */
	stage(batch: Batch, pdus: readonly StagedPdu[]): void;
	/** Removes a PDU from staging: it was accepted, or refused for good. */
	unstage(batch: Batch, pdu: Pick<StagedPdu, 'origin' | 'txnId' | 'index'>): void;
	/** Lists staged PDUs in the order they came, from after an id on. At most 1,000. */
	listStaged(page: {readonly after?: number | undefined; readonly limit: number}): Promise<StagedRow[]>;
	/** Notes that a transaction was taken; `DuplicateError('inbound_transactions')` where it was before. */
	addInboundTransaction(
		batch: Batch,
		transaction: {
			readonly origin: ServerName;
			readonly txnId: string;
			readonly answer: string;
			readonly receivedTs: number;
		},
	): void;
	/** Finds the answer that was given to a transaction, as JSON text. */
	findInboundTransaction(origin: ServerName, txnId: string): Promise<string | undefined>;
	/** Forgets transactions that were taken before a time, some hundreds at once; how many it were. */
	sweepInboundTransactions(batch: Batch, beforeTs: number): Outcome<number>;

	/** Sets a key, keeping the later `validUntilTs` of the two where the key is the same. */
	setServerKey(batch: Batch, key: ServerKeyRow): void;
	listServerKeys(server: ServerName): Promise<ServerKeyRow[]>;
}

/** What makes a client's request the same request: the specification's scope of transaction ids. */
export interface ClientTransactionKey {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly method: string;
	/** The endpoint's operation id. */
	readonly endpoint: string;
	/** Empty for endpoints without a room. */
	readonly roomId: RoomId | '';
	readonly txnId: string;
}

/** Transaction ids of clients. */
export interface ClientTransactionsRepository {
	/** Adds a transaction with its answer; `DuplicateError('client_transactions')` where it exists. */
	add(batch: Batch, transaction: ClientTransactionKey & {readonly answer: JsonValue; readonly ts: number}): void;
	/** Finds the answer that was given. */
	find(key: ClientTransactionKey): Promise<{readonly answer: JsonValue} | undefined>;
	/** Notes which transaction an event came from, for `unsigned.transaction_id` to its sender's device. */
	setEvent(batch: Batch, eventId: EventId, key: ClientTransactionKey, ts: number): void;
	/** Finds, of these events, the transaction ids that this device sent them with. */
	findOfEvents(userId: UserId, deviceId: DeviceId, eventIds: readonly EventId[]): Promise<Map<EventId, string>>;
	/** Removes transactions older than a time, and which event came from which, some hundreds at once; how many it were. */
	sweep(batch: Batch, beforeTs: number): Outcome<number>;
}

/** What a device had been told over one of its connections of sliding sync. */
export interface SlidingSnapshotRow {
	readonly id: number;
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly connId: string;
	readonly createdTs: number;
	/** In the form that sync gives it. */
	readonly body: Uint8Array;
}

/** Snapshots of connections of sliding sync. */
export interface SlidingSnapshotsRepository {
	/** Adds a snapshot and removes older ones: of its connection all but the newest 3, of its device all but the newest 16. */
	add(batch: Batch, snapshot: SlidingSnapshotRow): void;
	/** Finds the body of a snapshot of this connection. */
	find(key: Pick<SlidingSnapshotRow, 'id' | 'userId' | 'deviceId' | 'connId'>): Promise<Uint8Array | undefined>;
}

/** A background job. */
export interface JobRow {
	readonly id: number;
	readonly kind: string;
	/** At most one job of a kind has this key. */
	readonly key: string;
	readonly payload: JsonObject;
	readonly dueTs: number;
	/** Runs that failed since the last one that did not. */
	readonly attempts: number;
	/** Somebody has it until then; `null`: nobody has. */
	readonly leasedUntilTs: number | null;
}

/** A job as who has it knows it: the time until which it was taken tells that nobody took it since. */
export interface JobLease {
	readonly id: number;
	readonly untilTs: number;
}

/** When a job is to run next, and what it is then given. */
export interface JobPlan {
	readonly dueTs: number;
	readonly attempts: number;
	readonly payload: JsonObject;
}

/** Background jobs: of several processes one does each, and they survive a restart. */
export interface JobsRepository {
	/**
	 * Adds a job to the batch of the change that needs it, and announces it. Where one of this kind and key waits or runs
	 * it stays as it is, with the earlier time of the two: a job looks at the facts, so it does what both ask for.
	 */
	add(
		batch: Batch,
		job: {readonly kind: string; readonly key: string; readonly payload: JsonObject; readonly dueTs: number},
	): void;
	/** Adds a job that runs again and again; one that is there stays, but is due at `dueTs` at the latest. */
	addRegular(batch: Batch, kind: string, dueTs: number): void;
	/** Lets a regular job that cannot be read back begin anew, without what it remembered. */
	resetRegular(batch: Batch, kind: string, dueTs: number): void;
	/** Takes a job that is due and that nobody has; ConflictError('job') where somebody was faster, and may be done. */
	lease(batch: Batch, id: number, nowMs: number, untilTs: number): void;
	/** Keeps a job for longer; ConflictError('job') where the time was over and somebody else took it. */
	renew(batch: Batch, lease: JobLease, untilTs: number): void;
	/** Gives a job back, to be run again; ConflictError('job') as above. */
	release(batch: Batch, lease: JobLease, plan: JobPlan): void;
	/** Removes a job that is done; ConflictError('job') as above. */
	remove(batch: Batch, lease: JobLease): void;
	/** Gives back every job that somebody has: for a database that nobody but this process uses. */
	releaseAll(batch: Batch): void;
	/** Lists jobs of these kinds that are due and nobody's, earliest first. At most 1,000. */
	listDue(kinds: readonly string[], nowMs: number, limit: number): Promise<JobRow[]>;
	find(kind: string, key: string): Promise<JobRow | undefined>;
	/** Finds when the next job of these kinds may be taken; those that somebody has, when that time is over. */
	findNextDue(kinds: readonly string[]): Promise<number | undefined>;
}

/** Facts of the server itself: secrets, marks of sweeps, the server name. */
export interface MetaRepository {
	find(name: string): Promise<string | undefined>;
	set(batch: Batch, name: string, value: string): void;
	/** Gives the stored value, or stores and gives `value`; of several at once one wins and all get it. */
	findOrSet(name: string, value: string): Promise<string>;
}
