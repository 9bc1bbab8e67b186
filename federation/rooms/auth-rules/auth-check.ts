import type {EventId, UserId} from '../../../crypto/index.ts';
import {membershipIn} from '../membership.ts';
import type {Membership, Pdu, StateLookup} from '../pdu.ts';
import {type PowerLevels, powerLevelsOf, userLevel} from '../power-levels.ts';
import {type RoomVersion, roomVersion} from '../versions.ts';
import {type RuleNumbers, ruleNumbers} from './rule-numbers.ts';

/** Tells whether an ed25519 public key made a signature over a message; false, never thrown, for anything malformed. */
export type VerifySignature = (signed: {
	readonly message: Uint8Array;
	readonly signature: Uint8Array;
	readonly publicKey: Uint8Array;
}) => boolean;

/** What the rules need besides the event and the state. */
export interface AuthContext {
	/**
	 * The room's accepted create event. From room version 12 on it is in nobody's `auth_events`, so whoever checks an
	 * event against those must give it here; absent, it is looked up in the state. Never a rejected event.
	 */
	readonly createEvent?: Pdu | undefined;
	/** Checks the signatures of third-party invites. */
	readonly verifySignature: VerifySignature;
}

/** One event under the rules, and what every rule asks of the state. */
export interface AuthCheck {
	readonly event: Pdu;
	readonly version: RoomVersion;
	readonly numbers: RuleNumbers;
	readonly create: Pdu;
	readonly state: StateLookup;
	readonly context: AuthContext;
}

/** An event whose type is `m.room.member` and which has a `state_key` and a `membership`. */
export interface MemberCheck extends AuthCheck {
	readonly target: UserId;
}

/** Gives the create event which the rules go by: the context's, else the state's. */
export function createEventFor(state: StateLookup, context: AuthContext): Pdu | undefined {
	return context.createEvent ?? state('m.room.create', '');
}

export function startCheck(event: Pdu, create: Pdu, state: StateLookup, context: AuthContext): AuthCheck {
	return {
		event,
		version: roomVersion(event.roomVersion),
		numbers: ruleNumbers(event.roomVersion),
		create,
		state,
		context,
	};
}

export function levelsOf(check: AuthCheck): PowerLevels {
	return powerLevelsOf(check.create, check.state('m.room.power_levels', ''));
}

export function senderLevel(check: AuthCheck, levels: PowerLevels): number {
	return userLevel(levels, check.event.sender);
}

export function senderMembership(check: AuthCheck): Membership {
	return membershipIn(check.state, check.event.sender);
}

/** The room id which a create event gives its room in versions whose room ids are hashes. */
export function createEventIdOf(roomId: string): EventId {
	return `$${roomId.slice(1)}` as EventId;
}
