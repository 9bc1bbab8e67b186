import {LRUCache} from 'lru-cache';
import type {ThumbnailRow} from '../../storage/index.ts';
import type {MediaDependencies} from './dependencies.ts';
import {MediaError, type MediaErrorCode} from './errors.ts';
import {findImageKind, IMAGE_HEAD_BYTES, type ImageType} from './images.ts';
import {type OpenedFile, type OpenedMedium, readerOf} from './library.ts';
import {chooseForm, type ThumbnailForm, type ThumbnailRequest} from './thumbnail-forms.ts';

/** A picture shown in small. */
export interface OpenedThumbnail extends OpenedMedium {
	readonly contentType: ImageType;
}

/** Larger files are not looked into: no camera writes them. */
const PICTURE_BYTES_MAX = 50 << 20;
/** Larger pictures are not decoded: 40 million points take 160 MB and seconds. */
const PIXELS_MAX = 40_000_000;
/** Pictures remembered as ones of which no thumbnail can be made, so that nobody has it tried again and again. */
const FAILURES_MAX = 1000;
/** So long nobody has a picture tried again that took too long: on a machine that was busy then it is one more burden. */
const TRY_AGAIN_MS = 10 * 60_000;
const lastingFailures: ReadonlySet<MediaErrorCode> = new Set(['no-thumbnail', 'too-large']);

/** Why no thumbnail was made of a picture. */
interface Failure {
	readonly error: MediaError;
	/** From when on it may be tried again, by a clock that does not jump. */
	readonly untilMs: number;
}

/** Finds thumbnails, and makes those that are not there yet. */
export class Thumbnails {
	readonly #dependencies: MediaDependencies;
	readonly #flights = new Map<string, Promise<ThumbnailRow>>();
	readonly #failures = new LRUCache<string, Failure>({maxSize: FAILURES_MAX, sizeCalculation: () => 1});

	constructor(dependencies: MediaDependencies) {
		this.#dependencies = dependencies;
	}

	/** Opens a picture in small; the picture itself is the caller's to close. @throws MediaError */
	async open(picture: OpenedFile, request: ThumbnailRequest, isLocal: boolean): Promise<OpenedThumbnail> {
		try {
			const isMoving = await checkPicture(picture);
			const form = chooseForm(request);
			const mayMove = request.mayMove && isMoving;
			const variant = mayMove ? `${form.variant}-moving` : form.variant;
			const found = await this.#dependencies.storage.media.findThumbnail(picture.sha256, variant);
			const opened = found === undefined ? undefined : await this.#openFile(found);
			if (opened !== undefined) return opened;
			const made = await this.#openFile(await this.#makeOnce(picture, {...form, variant}, mayMove));
			if (made === undefined) throw new MediaError('store-failed', 'The file cannot be read just now');
			return made;
		} catch (error) {
			throw isLocal || !(error instanceof MediaError) || error.code !== 'too-large'
				? error
				: new MediaError('remote-too-large', error.message, {cause: error});
		}
	}

	/** All who want the same thumbnail wait for one process. */
	#makeOnce(picture: OpenedFile, form: ThumbnailForm, mayMove: boolean): Promise<ThumbnailRow> {
		const key = `${picture.sha256} ${form.variant}`;
		const failure = this.#failures.get(key);
		if (failure !== undefined && this.#dependencies.clock.monotonic() < failure.untilMs) throw failure.error;
		const flight =
			this.#flights.get(key) ?? this.#make(picture, form, mayMove).finally(() => this.#flights.delete(key));
		this.#flights.set(key, flight);
		return flight.catch((error: unknown) => {
			if (error instanceof MediaError) this.#remember(key, error);
			throw error;
		});
	}

	#remember(key: string, error: MediaError): void {
		if (lastingFailures.has(error.code)) {
			this.#failures.set(key, {error, untilMs: Infinity});
		} else if (error.code === 'took-too-long') {
			this.#failures.set(key, {error, untilMs: this.#dependencies.clock.monotonic() + TRY_AGAIN_MS});
		}
	}

	async #make(picture: OpenedFile, {variant, size, fit}: ThumbnailForm, mayMove: boolean): Promise<ThumbnailRow> {
		const {storage, store, thumbnailMaker} = this.#dependencies;
		// A file of its own: who asked first may be gone before its turn comes.
		const file = await store.open(picture.sha256);
		if (file === undefined) throw new MediaError('not-found', 'No such medium');
		let made: Buffer;
		try {
			made = await thumbnailMaker.make(file.fd, {size, fit, mayMove, pixelsMax: PIXELS_MAX});
		} finally {
			await file.close();
		}
		const kind = findImageKind(made);
		if (kind === undefined) throw new MediaError('no-thumbnail', 'This content cannot be shown in small');
		const {sha256: thumbnailSha256, sizeBytes} = await store.receive(async function* give() {
			yield made;
		});
		const row = {sha256: picture.sha256, variant, contentType: kind.type, sizeBytes, thumbnailSha256};
		const batch = storage.batch();
		// The file may be missing that an earlier row names.
		storage.media.removeThumbnail(batch, picture.sha256, variant);
		storage.media.addThumbnail(batch, row);
		await storage.commit(batch);
		return row;
	}

	async #openFile(row: ThumbnailRow): Promise<OpenedThumbnail | undefined> {
		const handle = await this.#dependencies.store.open(row.thumbnailSha256);
		if (handle === undefined) return undefined;
		const contentType = row.contentType as ImageType;
		return {
			contentType,
			fileName: `thumbnail.${contentType.slice('image/'.length)}`,
			sizeBytes: row.sizeBytes,
			sha256: row.thumbnailSha256,
			...readerOf(handle),
		};
	}
}

/** Checks by its first bytes that a file is a picture of a kind that is decoded; whether it may move. */
async function checkPicture({handle, sizeBytes}: OpenedFile): Promise<boolean> {
	const head = Buffer.alloc(IMAGE_HEAD_BYTES);
	const {bytesRead} = await handle.read(head, 0, head.length, 0);
	const kind = findImageKind(head.subarray(0, bytesRead));
	if (kind === undefined) throw new MediaError('no-thumbnail', 'This content cannot be shown in small');
	if (sizeBytes > PICTURE_BYTES_MAX) throw new MediaError('too-large', 'This picture is too large to be made small');
	return kind.isAnimated;
}
