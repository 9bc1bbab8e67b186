import type {UserId} from '../../crypto/index.ts';
import type {Batch} from '../batch.ts';

/** Another service that has vouched for somebody. */
export interface UpstreamSession {
	/** The provider's id in the configuration. */
	readonly providerId: string;
	/** Its session; `null`: it names none. */
	readonly sessionId: string | null;
}

/** How somebody has shown who they are; the storage knows no more of it than the word. */
export interface GivenProof {
	readonly proof: string;
	/** Milliseconds. */
	readonly atTs: number;
	/** The other service that gave it, and its session there. */
	readonly upstream?: UpstreamSession | undefined;
	/** When the service has asked the person, in milliseconds; absent: it does not say. */
	readonly askedTs?: number | undefined;
	/** Whether the service has asked for a second factor itself. */
	readonly isWhole?: boolean | undefined;
}

/** A browser that has shown who is before it. Only the hash of its token is stored. */
export interface WebSessionRow {
	readonly tokenHash: string;
	readonly userId: UserId;
	readonly proofs: readonly GivenProof[];
	/** Where the person goes when they are signed in: path and query. */
	readonly returnTo: string | null;
	/** Milliseconds. */
	readonly expiresTs: number;
}

/** Browsers that have shown who is before them. */
export interface WebSessionsRepository {
	add(batch: Batch, session: WebSessionRow): void;
	/** Finds a session; expiry is for the caller to judge. */
	find(tokenHash: string): Promise<WebSessionRow | undefined>;
	/** Lists a person's sessions, those that have ended among them; at most 1,000. */
	listOfUser(userId: UserId): Promise<WebSessionRow[]>;
	/** Has the batch lost where a session has ended meanwhile: ConflictError('web_session'). */
	expect(batch: Batch, tokenHash: string): void;
	/** Removes a session that is there; ConflictError('web_session') where it has ended meanwhile. */
	take(batch: Batch, tokenHash: string): void;
	/** Removes a session; one that is gone already is passed over. */
	remove(batch: Batch, tokenHash: string): void;
	/** Removes all of a person's sessions, but one where that is named. */
	removeOfUser(batch: Batch, userId: UserId, except?: string): void;
	/** Removes sessions that ended before a time. */
	sweep(batch: Batch, beforeTs: number): void;
}
