import type {EventId, ServerName, UserId} from '../../crypto/index.ts';
import type {Batch, Outcome} from '../batch.ts';

/** A medium, ours or cached. */
export interface MediaRow {
	readonly origin: ServerName;
	readonly mediaId: string;
	/** Who uploaded it; `null` for other servers' media. */
	readonly uploader: UserId | null;
	readonly contentType: string;
	/** The file name that the uploader gave; `null`: none. */
	readonly fileName: string | null;
	/** `null`: the id was handed out (`/create`), the upload has not come. */
	readonly sizeBytes: number | null;
	/** Lower-case hexadecimal SHA-256 of the content, which names the file; `null` as above. */
	readonly sha256: string | null;
	readonly isQuarantined: boolean;
	readonly createdTs: number;
	readonly lastUsedDay: number;
}

/** How much is kept of whom. Equal files count as often as somebody has them. */
export interface MediaUsage {
	readonly kind: 'cache' | 'origin' | 'uploader';
	/** A person, a server, or nothing where it is all of the cache. */
	readonly holder: string;
	readonly bytes: number;
}

/** A picture in small. */
export interface ThumbnailRow {
	/** SHA-256 of the content that it shows. */
	readonly sha256: string;
	/** Which of the forms that thumbnails are kept in. */
	readonly variant: string;
	readonly contentType: string;
	readonly sizeBytes: number;
	/** SHA-256 of the thumbnail, which names its file. */
	readonly thumbnailSha256: string;
}

/** Media and what refers to them. */
export interface MediaRepository {
	/** Adds a medium; `DuplicateError('media')` where its id exists. */
	add(batch: Batch, media: MediaRow): void;
	/** Fills a medium that was handed out without content; ConflictError('media') where it is unknown or filled. */
	fill(
		batch: Batch,
		media: Omit<MediaRow, 'isQuarantined' | 'createdTs' | 'lastUsedDay'> & {sizeBytes: number; sha256: string},
	): void;
	setQuarantined(batch: Batch, origin: ServerName, mediaId: string, isQuarantined: boolean): void;
	setLastUsed(batch: Batch, origin: ServerName, mediaId: string, day: number): void;
	/** Removes a medium that was found; ConflictError('media') where it is gone, or has got its content meanwhile. */
	remove(batch: Batch, media: Pick<MediaRow, 'origin' | 'mediaId' | 'uploader' | 'sizeBytes'>): void;
	/** Removes all media of a person, those that wait for their content too. Their thumbnails are removed with the files. */
	removeOfUploader(batch: Batch, uploader: UserId): void;
	/** Makes the batch fail with ConflictError('media_usage') where its media bring somebody over so many bytes. */
	checkUsage(batch: Batch, usage: MediaUsage): void;
	/** Removes media ids that were handed out before a time and got no content, some hundreds at once; how many it were. */
	sweepReserved(batch: Batch, beforeTs: number): Outcome<number>;
	find(origin: ServerName, mediaId: string): Promise<MediaRow | undefined>;
	/** Gives how many bytes are kept: of a person, of another server, or of all of them; 0 where nothing is. */
	countUsage(kind: MediaUsage['kind'], holder: string): Promise<number>;
	/** Finds the other server of which most is kept. */
	findLargestOrigin(): Promise<MediaUsage | undefined>;
	/**
	 * Lists other servers' media that came before a time and that nobody has used for longest, of one server or of all.
	 * Those that nobody may see are left out: they would be fetched anew. At most 1,000.
	 */
	listLeastUsed(page: {
		readonly origin: ServerName | undefined;
		readonly beforeTs: number;
		readonly limit: number;
	}): Promise<MediaRow[]>;
	/** Counts the media ids that were handed out to a person after a time and wait for their content. */
	countPending(uploader: UserId, createdAfterTs: number): Promise<number>;
	/** Counts the media and thumbnails that name this content: a file is deleted when none is left. */
	countOfContent(sha256: string): Promise<number>;
	/** Counts the media of each person who has any, in the order of their names, those of some time only where that is asked. */
	countOfUploaders(span: {
		readonly fromTs?: number | undefined;
		readonly untilTs?: number | undefined;
	}): Promise<{readonly uploader: UserId; readonly count: number; readonly bytes: number}[]>;
	listOfUploader(
		uploader: UserId,
		page: {readonly after?: string | undefined; readonly limit: number},
	): Promise<MediaRow[]>;

	/** Adds a thumbnail; where there is one of this form already that one stays. */
	addThumbnail(batch: Batch, thumbnail: ThumbnailRow): void;
	findThumbnail(sha256: string, variant: string): Promise<ThumbnailRow | undefined>;
	/** Lists the thumbnails of a content, of all forms. */
	listThumbnails(sha256: string): Promise<ThumbnailRow[]>;
	removeThumbnail(batch: Batch, sha256: string, variant: string): void;
	/** Removes the thumbnails of a content; their files are content that nothing names then. */
	removeThumbnails(batch: Batch, sha256: string): void;

	/** Notes that an event shows a medium. */
	addReference(batch: Batch, origin: ServerName, mediaId: string, eventId: EventId): void;
	/** Lists the events that show a medium. At most 1,000. */
	listReferences(origin: ServerName, mediaId: string): Promise<EventId[]>;
}
