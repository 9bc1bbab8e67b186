import type {DeviceId, JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import type {Batch, Position} from '../batch.ts';

/** An event that waits for its time. */
export interface DelayedEventRow {
	readonly delayId: string;
	readonly userId: UserId;
	readonly roomId: RoomId;
	readonly type: string;
	/** `null`: it is not state. */
	readonly stateKey: string | null;
	readonly content: JsonObject;
	readonly delayMs: number;
	/** When its time began to run, in milliseconds: it is due that much later. */
	readonly runningSinceTs: number;
	/** Where the stream stood when it was asked for: what others said after that is newer than it. */
	readonly pos: Position;
}

/** Events that wait for their time. */
export interface DelayedEventsRepository {
	add(batch: Batch, event: DelayedEventRow): void;
	find(delayId: string): Promise<DelayedEventRow | undefined>;
	/** Lists what a person's events wait for; at most 1,000. */
	listOfUser(userId: UserId): Promise<DelayedEventRow[]>;
	/** Lets the time begin anew; ConflictError('delayed_event') where there is no such event. */
	restart(batch: Batch, delayId: string, runningSinceTs: number): void;
	/** Removes one that is sent or cancelled; ConflictError('delayed_event') where there is no such event. */
	remove(batch: Batch, delayId: string): void;
	/** Removes all of somebody whose account ends. */
	removeOfUser(batch: Batch, userId: UserId): void;
}

/** A token that signs in once. Only its hash is stored. */
export interface LoginTokenRow {
	readonly tokenHash: string;
	readonly userId: UserId;
	/** The device that asked for it; `null`: a browser did. */
	readonly deviceId: DeviceId | null;
	/** The hash by which the browser's session is known that asked for it. */
	readonly webSessionHash: string | null;
	/** Milliseconds. */
	readonly expiresTs: number;
}

/** Tokens that sign in once. */
export interface LoginTokensRepository {
	/** Adds a token; those that the device asked for before go. */
	add(batch: Batch, token: LoginTokenRow): void;
	/** Uses a token up; ConflictError('login_token') where there is none, or it was used or has ended. */
	redeem(batch: Batch, tokenHash: string, nowMs: number): void;
	/** Finds a token; expiry is for the caller to judge. */
	find(tokenHash: string): Promise<LoginTokenRow | undefined>;
	/** Removes tokens that ended before a time. */
	sweep(batch: Batch, beforeTs: number): void;
}
