import type {EventId, JsonObject, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {Batch, ClientTransactionKey, EventRow, Position} from '../../storage/index.ts';
import type {Pdu, RoomVersionId, Verdict} from '../rooms/index.ts';
import type {TimeQuery} from './fetch-by-time.ts';

/** An event that somebody of this server wants to send: all that the room does not decide. */
export interface EventTemplate {
	readonly type: string;
	readonly sender: UserId;
	/** Absent for events that are not state. */
	readonly stateKey?: string | undefined;
	readonly content: JsonObject;
	/** The event that a redaction names, in every room version. */
	readonly redacts?: EventId | undefined;
	/** Only for application services that may choose it; absent: now. */
	readonly originServerTs?: number | undefined;
}

/** What a caller may add to the batch of its events: aliases, account data, what must stand or fall with them. */
export type AlsoWrite = (batch: Batch, sent: {readonly roomId: RoomId; readonly pdus: readonly Pdu[]}) => void;

/** One event for a room that this server is in. */
export interface SendRequest {
	readonly roomId: RoomId;
	readonly event: EventTemplate;
	/** The client's transaction: a second request with the same key gets the first one's event. */
	readonly transaction?: ClientTransactionKey | undefined;
	/**
	 * Asked before the event is built, and again whenever it is built anew because another process was first; what it
	 * throws ends the request.
	 */
	readonly condition?: (() => Promise<void>) | undefined;
	readonly alsoWrite?: AlsoWrite | undefined;
}

/** An event that is on disk. */
export interface SentEvent {
	readonly eventId: EventId;
	readonly pdu: Pdu;
	/** Its position in the stream, and the anchor of its place in the room's timeline. */
	readonly pos: Position;
}

/** A new room: its events in order, the create event first. All are written in one commit, or none. */
export interface CreateRoomRequest {
	readonly version: RoomVersionId;
	/** The room's id for versions 1 to 11; from 12 on it follows from the create event. */
	readonly roomId?: RoomId | undefined;
	readonly events: readonly EventTemplate[];
	readonly alsoWrite?: AlsoWrite | undefined;
}

/** What became of a PDU from outside. */
export type Reception =
	| {readonly status: 'accepted' | 'soft_failed'; readonly pdu: Pdu}
	/** It was here already. */
	| {readonly status: 'known'; readonly pdu: Pdu}
	/** Stored as rejected, or dropped because it is no event at all; nobody is shown it. */
	| {readonly status: 'rejected'; readonly reason: string};

/** A PDU that came from another server. */
export interface ReceiveRequest {
	readonly roomId: RoomId;
	/** The event as it came, read by the strict reader. */
	readonly json: JsonObject;
	/** Who sent it to us: asked for what is missing. */
	readonly origin: ServerName;
	/** Whether this server passes it on to the other servers of the room (send_join and the like). */
	readonly relay?: boolean | undefined;
	readonly alsoWrite?: ((batch: Batch) => void) | undefined;
}

/** What a resident server answered to send_join, its events checked for format but not yet for anything else. */
export interface ImportRoomRequest {
	readonly version: RoomVersionId;
	readonly roomId: RoomId;
	/** Our member event, as the resident server countersigned it. */
	readonly join: Pdu;
	/** The state before the join. */
	readonly state: readonly Pdu[];
	/** The auth chain of the state and of the join. */
	readonly authChain: readonly Pdu[];
	readonly origin: ServerName;
	/**
	 * Where the state lacks members: the servers that are in the room all the same. The room can be used at once, and is
	 * completed later.
	 */
	readonly withoutMembers?: {readonly servers: readonly ServerName[]} | undefined;
	readonly alsoWrite?: AlsoWrite | undefined;
}

/** A membership in a room that this server is not in: an invite or knock over federation, and their end. */
export interface OutsideMembershipRequest {
	readonly pdu: Pdu;
	/** The stripped state that came with it, pruned to what clients may be told. */
	readonly strippedState: readonly JsonObject[];
}

/** The committed state of a room at one moment, as every reader is given it. */
export interface RoomView {
	readonly roomId: RoomId;
	readonly version: RoomVersionId;
	readonly extremities: readonly EventId[];
	readonly depth: number;
	/** Whether most members are not known yet: this server has just entered, and learns who is there. */
	readonly isPartial: boolean;
	/** Whether a user of a server is in the room. */
	isServerJoined(server: ServerName): boolean;
	/** Finds one entry of the current state. */
	findState(type: string, stateKey: string): Promise<Pdu | undefined>;
	/** Finds several entries at once, in the order asked; absent ones are left out. */
	findStates(keys: readonly {readonly type: string; readonly stateKey: string}[]): Promise<Pdu[]>;
	/** Lists the whole current state. */
	listState(): Promise<Pdu[]>;
	/** Judges an event that is not sent: what the rules would say of it now. */
	check(event: EventTemplate): Promise<Verdict>;
}

/** A stored event with its JSON read. */
export interface StoredEvent {
	readonly pdu: Pdu;
	readonly row: EventRow;
}

/** An event for another server to complete and sign (make_join, make_leave, make_knock): it is not stored. */
export interface EventProto {
	readonly version: RoomVersionId;
	readonly event: JsonObject;
}

/**
 * The one door by which events enter rooms. Every method gives what is on disk; nothing it returns can be lost.
 * All throw EngineError.
 */
export interface Engine {
	/** Gives a room that this server has been in; `undefined` otherwise (also where only an invite is known). */
	findRoom(roomId: RoomId): Promise<RoomView | undefined>;
	/** Builds, signs, authorises and stores an event of this server. */
	send(request: SendRequest): Promise<SentEvent>;
	/** Makes a room. */
	createRoom(request: CreateRoomRequest): Promise<{readonly roomId: RoomId; readonly pdus: readonly Pdu[]}>;
	/**
	 * Begins the checks of an event from outside that need nothing but itself: its signatures are verified beside those of
	 * others, outside of this thread, before its turn in the room has come. The same object is then given to `receive`.
	 */
	checkAhead(request: Pick<ReceiveRequest, 'roomId' | 'json'>): void;
	/** Takes an event from outside through all checks. Asks `origin` for what is missing before it. */
	receive(request: ReceiveRequest): Promise<Reception>;
	/** Enters a room by what a resident server gave us. */
	importRoom(request: ImportRoomRequest): Promise<SentEvent>;
	/**
	 * Learns from a server who was in a partial room when we entered by an event, and judges anew what has come since. Does
	 * nothing where the room is complete. @throws EngineError('unavailable' | 'bad_response')
	 */
	completeRoom(roomId: RoomId, entry: {readonly eventId: EventId; readonly server: ServerName}): Promise<void>;
	/** Waits until a room is complete; false where it is not when the time is up. */
	waitUntilComplete(roomId: RoomId, timeoutMs: number): Promise<boolean>;
	/** Stores an invite, knock, rejection or retraction for a room that this server is not in. */
	setOutsideMembership(request: OutsideMembershipRequest): Promise<void>;
	/** Builds an event on the current head without storing or signing it, after judging it. */
	makeProto(roomId: RoomId, event: EventTemplate): Promise<EventProto>;
	/** Builds and signs a member event from another server's proto: only fields that we choose ourselves go in. */
	signFromProto(proto: {
		readonly version: RoomVersionId;
		readonly roomId: RoomId;
		readonly event: EventTemplate;
		/** From the resident server: ids and a number, checked for form. */
		readonly prevEvents: readonly EventId[];
		readonly authEvents: readonly EventId[];
		readonly depth: number;
		/** Reference hashes of the events named, for versions 1 and 2. */
		readonly referenceHashes?: ReadonlyMap<EventId, string> | undefined;
	}): Pdu;
	/** Adds this server's signature to an event that another server made. */
	countersign(pdu: Pdu): Pdu;
	/**
	 * Has an event of ours signed by the policy server of its room, if that has one, before anybody is shown it.
	 * @throws EngineError('not_recommended')
	 */
	recommend(pdu: Pdu): Promise<Pdu>;

	/** Finds a stored event, rejected and outlier ones too. */
	findEvent(eventId: EventId): Promise<StoredEvent | undefined>;
	findEvents(eventIds: readonly EventId[]): Promise<StoredEvent[]>;
	/** Reads the JSON of rows that came from storage; a damaged one is left out. */
	readRows(rows: readonly EventRow[]): Promise<StoredEvent[]>;
	/**
	 * Lists the state before an event, all of it or those entries that are wanted; `undefined` where it is not known
	 * (outliers).
	 */
	listStateBefore(
		eventId: EventId,
		isWanted?: (key: {readonly type: string; readonly stateKey: string}) => boolean,
	): Promise<Pdu[] | undefined>;
	/** Finds entries of the state at an event: after it, where it is a state event itself. */
	findStatesAt(
		event: StoredEvent,
		keys: readonly {readonly type: string; readonly stateKey: string}[],
	): Promise<Pdu[] | undefined>;
	/** Lists the auth chain of events, themselves not included. */
	listAuthChain(eventIds: readonly EventId[]): Promise<Pdu[]>;
	/** Fetches older events from partner servers into the gap at or before a place; whether something came. */
	backfill(roomId: RoomId, from: {readonly anchor: Position; readonly minor: number}, limit: number): Promise<boolean>;
	/** Asks partner servers for an event nearer to a time than the one known here, and fetches it; whether it came. */
	fetchByTime(roomId: RoomId, query: TimeQuery): Promise<boolean>;
}

/**
 * What the engine asks of the outside; all of it can be a simulation. Where no answer came it throws
 * EngineError('unavailable'): what is asked for may be had later. Any other error is a refusal.
 */
export interface RemoteEvents {
	/** `GET /event`: one event, as it came. */
	getEvent(server: ServerName, eventId: EventId): Promise<JsonObject | undefined>;
	/** `POST /get_missing_events`. */
	getMissingEvents(
		server: ServerName,
		roomId: RoomId,
		request: {
			readonly earliest: readonly EventId[];
			readonly latest: readonly EventId[];
			readonly limit: number;
			readonly minDepth: number;
		},
	): Promise<JsonObject[]>;
	/** `GET /state_ids`: ids of the state before an event, and of its auth chain. */
	getStateIds(
		server: ServerName,
		roomId: RoomId,
		eventId: EventId,
	): Promise<{readonly state: readonly EventId[]; readonly authChain: readonly EventId[]}>;
	/** `GET /state`: the same with events. */
	getState(
		server: ServerName,
		roomId: RoomId,
		eventId: EventId,
	): Promise<{readonly state: readonly JsonObject[]; readonly authChain: readonly JsonObject[]}>;
	/** `GET /event_auth`: the auth chain of an event. */
	getEventAuth(server: ServerName, roomId: RoomId, eventId: EventId): Promise<JsonObject[]>;
	/** `GET /backfill`. */
	backfill(server: ServerName, roomId: RoomId, from: readonly EventId[], limit: number): Promise<JsonObject[]>;
	/** `GET /timestamp_to_event`: the event nearest to a time that the server knows and shows us. */
	findByTime(
		server: ServerName,
		roomId: RoomId,
		ts: number,
		direction: TimeQuery['direction'],
	): Promise<{readonly eventId: EventId; readonly originServerTs: number} | undefined>;
}

/** The rule in a verdict about signatures that only means: a key cannot be had now. The event may be judged again later. */
export const UNKNOWN_KEY = 'unknown_key';
/** Likewise where nobody whom this server speaks with gives the key, and waiting brings none. */
export const UNOBTAINABLE_KEY = 'unobtainable_key';

/** Says whether every signature that an event needs is there and right. */
export interface SignatureChecker {
	check(pdu: Pdu): Promise<Verdict>;
}
