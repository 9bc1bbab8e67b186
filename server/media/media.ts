import {type MediaId, newMediaId, type ServerName, type UserId} from '../../crypto/index.ts';
import {ConflictError} from '../../storage/index.ts';
import {Arrivals} from './arrivals.ts';
import {checkFileName, readContentType} from './content-description.ts';
import type {MediaDependencies} from './dependencies.ts';
import {MediaError} from './errors.ts';
import {forgetContent, type Forgotten, removeUnused} from './unused-content.ts';
import {UploadQuota} from './upload-quota.ts';
import {Library, newRow, type OpenedMedium, RESERVED_MS, type WaitOptions} from './library.ts';
import type {ThumbnailRequest} from './thumbnail-forms.ts';
import {evictRemote} from './eviction.ts';
import {type OpenedThumbnail, Thumbnails} from './thumbnails.ts';

/** What an uploader says of a file, unchecked. */
export interface UploadDescription {
	readonly contentType: string | undefined;
	readonly fileName: string | undefined;
	readonly sizeBytes: number | undefined;
}

/** A medium that was handed out before its content came. */
export interface ReservedMedium {
	readonly uri: string;
	/** When the id ends, in milliseconds since the Unix epoch, if no content comes. */
	readonly expiresTs: number;
}

/** Files that people upload, and those of other servers that people here look at. */
export interface Media {
	readonly uploadBytesMax: number;
	/**
	 * Keeps a file; it is on the disk when the promise resolves.
	 * @returns its `mxc:` URI
	 * @throws MediaError 'invalid-name', 'over-quota', 'no-space', 'store-failed'; whatever the source throws
	 */
	upload(owner: UserId, description: UploadDescription, openSource: () => AsyncIterable<Uint8Array>): Promise<string>;
	/** Hands out an id whose content comes later. @throws MediaError 'too-many-pending' */
	reserve(owner: UserId): Promise<ReservedMedium>;
	/** Keeps the content of an id that was handed out. @throws MediaError */
	fill(
		owner: UserId,
		medium: {readonly serverName: ServerName; readonly mediaId: MediaId},
		description: UploadDescription,
		openSource: () => AsyncIterable<Uint8Array>,
	): Promise<void>;
	/** Opens a medium of any server. @throws MediaError */
	open(serverName: ServerName, mediaId: MediaId, wait: WaitOptions): Promise<OpenedMedium>;
	/**
	 * Opens a picture in small, at least as large as asked for where the picture is; made when it is first asked for.
	 * Nothing is left in it of what the picture says beside what it shows, such as where it was taken.
	 * @throws MediaError
	 */
	openThumbnail(
		serverName: ServerName,
		mediaId: MediaId,
		options: WaitOptions & ThumbnailRequest,
	): Promise<OpenedThumbnail>;
	/**
	 * Removes the content that no medium and no thumbnail names any more, of hashes that begin with two digits.
	 * @param part `00` to `ff`
	 * @returns how many files were removed
	 */
	removeUnused(part: string): Promise<number>;
	/** Removes the file of a content whose media are gone, and of its thumbnails, unless another medium names it. */
	forgetContent(sha256: string): Promise<Forgotten>;
	/**
	 * Removes some of other servers' media where more is kept than the settings say; how many, 0 where there is nothing to do.
	 */
	evictRemote(): Promise<number>;
	/** Removes the files of uploads that ended with an earlier process; how many there were. */
	removeAbandoned(): Promise<number>;
	/** Checks a name under which somebody wants a file. @throws MediaError 'invalid-name' */
	checkFileName(fileName: string): string | null;
}

const PENDING_MAX = 50;

/** Makes the media domain. */
export function createMedia(dependencies: MediaDependencies): Media {
	const {serverName, uploadBytesMax} = dependencies;
	const arrivals = new Arrivals();
	const library = new Library(dependencies, arrivals);
	const quota = new UploadQuota(dependencies);
	const thumbnails = new Thumbnails(dependencies);
	return {
		uploadBytesMax,
		upload: (owner, description, openSource) => upload(dependencies, quota, owner, {description, openSource}),
		reserve: (owner) => reserve(dependencies, owner),
		fill: (owner, medium, description, openSource) =>
			fill(dependencies, {arrivals, quota}, owner, {...medium, description, openSource}),
		open: (origin, mediaId, wait) => library.open(origin, mediaId, wait),
		async openThumbnail(origin, mediaId, options) {
			const opened = await library.open(origin, mediaId, options);
			try {
				return await thumbnails.open(opened, options, origin === serverName);
			} finally {
				await opened.close();
			}
		},
		removeUnused: (part) => removeUnused(dependencies, part),
		forgetContent: (sha256) => forgetContent(dependencies, sha256),
		evictRemote: () => evictRemote(dependencies),
		removeAbandoned: () => dependencies.store.sweep(dependencies.clock.now()),
		checkFileName,
	};
}

async function upload(
	{storage, serverName, clock, random}: MediaDependencies,
	quota: UploadQuota,
	owner: UserId,
	{
		description: {contentType, fileName, sizeBytes},
		openSource,
	}: {readonly description: UploadDescription; readonly openSource: () => AsyncIterable<Uint8Array>},
): Promise<string> {
	const description = {contentType: readContentType(contentType), fileName: checkFileName(fileName)};
	const content = await quota.receive(owner, {sizeBytes, openSource});
	const mediaId = newMediaId(random);
	const batch = storage.batch();
	storage.media.add(batch, {...newRow(serverName, mediaId, owner, clock.now()), ...description, ...content});
	await quota.commit(owner, batch);
	return `mxc://${serverName}/${mediaId}`;
}

async function reserve(
	{storage, serverName, clock, random}: MediaDependencies,
	owner: UserId,
): Promise<ReservedMedium> {
	const nowMs = clock.now();
	if ((await storage.media.countPending(owner, nowMs - RESERVED_MS)) >= PENDING_MAX) {
		throw new MediaError('too-many-pending', `Expected at most ${PENDING_MAX} media that wait for their content`);
	}
	const mediaId = newMediaId(random);
	const batch = storage.batch();
	storage.media.add(batch, {
		...newRow(serverName, mediaId, owner, nowMs),
		contentType: readContentType(undefined),
		fileName: null,
		sizeBytes: null,
		sha256: null,
	});
	await storage.commit(batch);
	return {uri: `mxc://${serverName}/${mediaId}`, expiresTs: nowMs + RESERVED_MS};
}

async function fill(
	{storage, serverName, clock}: MediaDependencies,
	{arrivals, quota}: {readonly arrivals: Arrivals; readonly quota: UploadQuota},
	owner: UserId,
	request: {
		readonly serverName: ServerName;
		readonly mediaId: MediaId;
		readonly description: UploadDescription;
		readonly openSource: () => AsyncIterable<Uint8Array>;
	},
): Promise<void> {
	const {mediaId} = request;
	const row = request.serverName === serverName ? await storage.media.find(serverName, mediaId) : undefined;
	if (row === undefined || (row.sizeBytes === null && row.createdTs + RESERVED_MS <= clock.now())) {
		throw new MediaError('not-found', 'No such medium waits for its content');
	}
	if (row.uploader !== owner) throw new MediaError('not-yours', 'This id was handed out to somebody else');
	if (row.sizeBytes !== null) throw alreadyUploaded();
	const description = {
		contentType: readContentType(request.description.contentType),
		fileName: checkFileName(request.description.fileName),
	};
	const {openSource} = request;
	const content = await quota.receive(owner, {sizeBytes: request.description.sizeBytes, openSource});
	const batch = storage.batch();
	storage.media.fill(batch, {origin: serverName, mediaId, uploader: owner, ...description, ...content});
	try {
		await quota.commit(owner, batch);
	} catch (cause) {
		throw cause instanceof ConflictError && cause.condition === 'media' ? alreadyUploaded({cause}) : cause;
	}
	arrivals.announce(mediaId);
}

function alreadyUploaded(options?: ErrorOptions): MediaError {
	return new MediaError('already-uploaded', 'This medium has its content already', options);
}
