import {type MediaId, newMediaId, type ServerName, type UserId} from '../../crypto/index.ts';
import {ConflictError} from '../../storage/index.ts';
import {Arrivals} from './arrivals.ts';
import {checkFileName, readContentType} from './content-description.ts';
import type {MediaDependencies} from './dependencies.ts';
import {MediaError} from './errors.ts';
import {findImageKind, IMAGE_HEAD_BYTES, type ImageType} from './images.ts';
import {Library, newRow, type OpenedFile, type OpenedMedium, RESERVED_MS, type WaitOptions} from './library.ts';

/** What an uploader says of a file, unchecked. */
export interface UploadDescription {
	readonly contentType: string | undefined;
	readonly fileName: string | undefined;
}

/** A medium that was handed out before its content came. */
export interface ReservedMedium {
	readonly uri: string;
	/** When the id ends, in milliseconds since the Unix epoch, if no content comes. */
	readonly expiresTs: number;
}

/** A picture shown in small. */
export interface OpenedThumbnail extends OpenedMedium {
	readonly contentType: ImageType;
}

/** Files that people upload, and those of other servers that people here look at. */
export interface Media {
	readonly uploadBytesMax: number;
	/**
	 * Keeps a file; it is on the disk when the promise resolves.
	 * @returns its `mxc:` URI
	 * @throws MediaError 'invalid-name', 'no-space', 'store-failed'; whatever the source throws
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
	 * Opens a picture to be shown in small. This version shows the picture itself, which is larger and thus allowed.
	 * @throws MediaError 'no-thumbnail' also where it moves and must not
	 */
	openThumbnail(
		serverName: ServerName,
		mediaId: MediaId,
		options: WaitOptions & {readonly mayMove: boolean},
	): Promise<OpenedThumbnail>;
	/** Removes the files of uploads that ended with an earlier process; how many there were. */
	removeAbandoned(): Promise<number>;
	/** Checks a name under which somebody wants a file. @throws MediaError 'invalid-name' */
	checkFileName(fileName: string): string | null;
}

const PENDING_MAX = 50;
/** Larger pictures are not sent where a small one was asked for. */
const THUMBNAIL_BYTES_MAX = 20 << 20;

/** Makes the media domain. */
export function createMedia(dependencies: MediaDependencies): Media {
	const {serverName, uploadBytesMax} = dependencies;
	const arrivals = new Arrivals();
	const library = new Library(dependencies, arrivals);
	return {
		uploadBytesMax,
		upload: (owner, description, openSource) => upload(dependencies, owner, description, openSource),
		reserve: (owner) => reserve(dependencies, owner),
		fill: (owner, medium, description, openSource) =>
			fill(dependencies, arrivals, owner, {...medium, description, openSource}),
		open: (origin, mediaId, wait) => library.open(origin, mediaId, wait),
		async openThumbnail(origin, mediaId, options) {
			const opened = await library.open(origin, mediaId, options);
			try {
				return await asThumbnail(opened, options.mayMove, origin === serverName);
			} catch (error) {
				opened.body.destroy();
				throw error;
			}
		},
		removeAbandoned: () => dependencies.store.sweep(dependencies.clock.now()),
		checkFileName,
	};
}

async function upload(
	{storage, store, serverName, clock, random}: MediaDependencies,
	owner: UserId,
	{contentType, fileName}: UploadDescription,
	openSource: () => AsyncIterable<Uint8Array>,
): Promise<string> {
	const description = {contentType: readContentType(contentType), fileName: checkFileName(fileName)};
	const content = await store.receive(openSource);
	const mediaId = newMediaId(random);
	const batch = storage.batch();
	storage.media.add(batch, {...newRow(serverName, mediaId, owner, clock.now()), ...description, ...content});
	await storage.commit(batch);
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
	{storage, store, serverName, clock}: MediaDependencies,
	arrivals: Arrivals,
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
	const content = await store.receive(request.openSource);
	const batch = storage.batch();
	storage.media.fill(batch, {origin: serverName, mediaId, ...description, ...content});
	try {
		await storage.commit(batch);
	} catch (cause) {
		throw cause instanceof ConflictError && cause.condition === 'media' ? alreadyUploaded({cause}) : cause;
	}
	arrivals.announce(mediaId);
}

function alreadyUploaded(options?: ErrorOptions): MediaError {
	return new MediaError('already-uploaded', 'This medium has its content already', options);
}

async function asThumbnail(opened: OpenedFile, mayMove: boolean, isLocal: boolean): Promise<OpenedThumbnail> {
	const head = Buffer.alloc(IMAGE_HEAD_BYTES);
	const {bytesRead} = await opened.handle.read(head, 0, head.length, 0);
	const kind = findImageKind(head.subarray(0, bytesRead));
	if (kind === undefined || (kind.isAnimated && !mayMove)) {
		throw new MediaError('no-thumbnail', 'This content cannot be shown in small');
	}
	if (opened.sizeBytes > THUMBNAIL_BYTES_MAX) {
		throw new MediaError(isLocal ? 'too-large' : 'remote-too-large', 'This content is too large to be shown in small');
	}
	return {...opened, contentType: kind.type};
}
