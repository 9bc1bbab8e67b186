import type {EventId, JsonObject, RoomId, ServerName, UserId} from '../../crypto/index.ts';

/** The stable room versions of the specification v1.19. */
export type RoomVersionId = '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9' | '10' | '11' | '12';

/** Signatures of an event by server and key id, in unpadded base64. */
export type PduSignatures = Readonly<Record<ServerName, Readonly<Record<string, string>>>>;

/**
 * An event of a room as servers exchange it, its format checked and its id known.
 * Immutable: whoever needs another form (redacted, signed) makes a new one.
 */
export interface Pdu {
	readonly eventId: EventId;
	/** In room version 12 the create event's room id is derived from its event id. */
	readonly roomId: RoomId;
	readonly roomVersion: RoomVersionId;
	readonly type: string;
	readonly sender: UserId;
	/** Absent for events that are not state. */
	readonly stateKey?: string;
	readonly content: JsonObject;
	/** 0 to 2^53−1; greater ones (legal up to room version 5) count as 2^53−1. */
	readonly depth: number;
	/** Milliseconds since the Unix epoch, chosen by the sender; never used to order or expire anything of ours. */
	readonly originServerTs: number;
	readonly prevEvents: readonly EventId[];
	readonly authEvents: readonly EventId[];
	/** The event a redaction names: top level up to version 10, `content.redacts` from 11 on. */
	readonly redacts?: EventId;
	readonly signatures: PduSignatures;
	/** The event as it travels between servers, without `unsigned` (and without `event_id` from version 3 on). */
	readonly json: JsonObject;
}

/** What pure code says of an event: allowed, or which numbered rule of the room version's authorisation rules refuses it. */
export type Verdict =
	| {readonly allowed: true}
	| {
			readonly allowed: false;
			readonly rule: string;
			readonly reason: string;
			/** Whether it is for what the event says by itself, so that nobody in the room could send it. */
			readonly isMalformed?: boolean;
	  };

/** What `m.room.member` may say of a user; a user without such an event counts as `leave`. */
export type Membership = 'invite' | 'join' | 'knock' | 'leave' | 'ban';

/** The name of an entry of a room's state. */
export type StateKeyPair = readonly [type: string, stateKey: string];

/** Looks up one entry of a room's state. */
export type StateLookup = (type: string, stateKey: string) => Pdu | undefined;
