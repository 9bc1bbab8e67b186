import type {UserId} from '../../crypto/index.ts';
import {type Batch, ConflictError} from '../../storage/index.ts';
import type {StoredContent} from './content-store.ts';
import type {MediaDependencies} from './dependencies.ts';
import {MediaQuotaError} from './errors.ts';

/** A file as it comes. */
export interface IncomingFile {
	/** As it was announced, if it was. */
	readonly sizeBytes: number | undefined;
	readonly openSource: () => AsyncIterable<Uint8Array>;
}

/** Holds people to what they may keep here, all of their uploads together, from before the first byte of one. */
export class UploadQuota {
	readonly #dependencies: MediaDependencies;
	/** Bytes of uploads that are not written down yet. */
	readonly #underway = new Map<UserId, number>();

	constructor(dependencies: MediaDependencies) {
		this.#dependencies = dependencies;
	}

	/** Puts a file into the store, as far as its owner may. @throws MediaQuotaError; MediaError of the store */
	async receive(owner: UserId, {sizeBytes, openSource}: IncomingFile): Promise<StoredContent> {
		const {storage, store, userBytesMax} = this.#dependencies;
		if (userBytesMax === undefined) return store.receive(openSource);
		const keptBytes = await storage.media.countUsage('uploader', owner);
		const check = (moreBytes: number): void => {
			if (keptBytes + (this.#underway.get(owner) ?? 0) + moreBytes > userBytesMax) throw this.#exceeded(userBytesMax);
		};
		check(sizeBytes ?? 0);
		return store.receive(() => this.#meter(owner, openSource(), () => check(0)));
	}

	/** Commits what names a file, unless other files came first meanwhile. @throws MediaQuotaError */
	async commit(owner: UserId, batch: Batch): Promise<void> {
		const {storage, userBytesMax} = this.#dependencies;
		if (userBytesMax === undefined) {
			await storage.commit(batch);
			return;
		}
		storage.media.checkUsage(batch, {kind: 'uploader', holder: owner, bytes: userBytesMax});
		try {
			await storage.commit(batch);
		} catch (cause) {
			const isOver = cause instanceof ConflictError && cause.condition === 'media_usage';
			throw isOver ? this.#exceeded(userBytesMax, {cause}) : cause;
		}
	}

	async *#meter(
		owner: UserId,
		source: AsyncIterable<Uint8Array>,
		check: () => void,
	): AsyncGenerator<Uint8Array, void, void> {
		let sizeBytes = 0;
		try {
			for await (const chunk of source) {
				sizeBytes += chunk.length;
				this.#note(owner, chunk.length);
				check();
				yield chunk;
			}
		} finally {
			this.#note(owner, -sizeBytes);
		}
	}

	#note(owner: UserId, bytes: number): void {
		const sum = (this.#underway.get(owner) ?? 0) + bytes;
		if (sum === 0) this.#underway.delete(owner);
		else this.#underway.set(owner, sum);
	}

	#exceeded(bytesMax: number, options?: ErrorOptions): MediaQuotaError {
		return new MediaQuotaError(bytesMax, this.#dependencies.quotaInfoUri, options);
	}
}
