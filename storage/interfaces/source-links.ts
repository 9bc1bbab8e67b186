import type {RoomId, UserId} from '../../crypto/index.ts';
import type {Batch, Outcome} from '../batch.ts';

/** A link by which sources get accounts. */
export interface SourceLinkRow {
	/** The hash of the link's token, which itself is not stored. */
	readonly linkId: string;
	/** Who made it. */
	readonly userId: UserId;
	/** What its maker calls it; nobody else is shown it. */
	readonly name: string;
	/** Who is invited to the room of each account, beside its maker. */
	readonly members: readonly UserId[];
	readonly usesAllowed: number;
	readonly usesDone: number;
	/** Until when it can be opened, in milliseconds. */
	readonly expiresTs: number;
	/** For how many days an account lasts that is made by it. */
	readonly accountDays: number;
	/** After how many days without use such an account ends before that. */
	readonly silenceDays: number;
	/** Whether people of other servers may be in the rooms. */
	readonly federates: boolean;
}

/** An account that was made by such a link. */
export interface SourceRow {
	readonly userId: UserId;
	/** Who made the link. */
	readonly owner: UserId;
	/** What the owner calls the link. */
	readonly name: string;
	/** The one room that the account is for. */
	readonly roomId: RoomId;
	/** When the account ends at the latest, in milliseconds. */
	readonly endsTs: number;
	/** After how many days without use it ends before that. */
	readonly silenceDays: number;
	/** Whether its owner was told that it ends soon. */
	readonly isOwnerTold: boolean;
}

/** Links by which sources get accounts, and the accounts that they have given, until those end. */
export interface SourceLinksRepository {
	addLink(batch: Batch, link: SourceLinkRow): void;
	/** Uses a link once; ConflictError('source_link') where there is none, or it is used up or past its time. */
	redeemLink(batch: Batch, linkId: string, nowMs: number): void;
	/** Removes a link of somebody, if it is theirs. */
	removeLink(batch: Batch, userId: UserId, linkId: string): void;
	/** Finds a link; whether it is still good is for the caller to judge. */
	findLink(linkId: string): Promise<SourceLinkRow | undefined>;
	/** Lists somebody's links, those that end first before others. At most 1,000. */
	listLinksOf(userId: UserId): Promise<SourceLinkRow[]>;
	/** Removes links that ended before a time, some hundreds at once; how many it were. */
	sweepLinks(batch: Batch, beforeTs: number): Outcome<number>;

	/** Adds an account. The caller announces `account` with `extra.source`. */
	addSource(batch: Batch, source: SourceRow): void;
	/** Removes what is kept of an account that has ended. The caller announces as for `addSource`. */
	removeSource(batch: Batch, userId: UserId): void;
	/** Notes that the owner was told of the end. */
	setOwnerTold(batch: Batch, userId: UserId): void;
	findSource(userId: UserId): Promise<SourceRow | undefined>;
	/** Lists the accounts that somebody's links have given. At most 1,000. */
	listSourcesOf(owner: UserId): Promise<SourceRow[]>;
	/** Lists all such accounts in the order of their names. */
	listSources(page: {readonly after?: UserId | undefined; readonly limit: number}): Promise<SourceRow[]>;
}
