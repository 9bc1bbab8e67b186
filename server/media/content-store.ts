import {createHash} from 'node:crypto';
import {type FileHandle, mkdir, open, readdir, rename, stat, statfs, unlink} from 'node:fs/promises';
import {dirname, join, sep} from 'node:path';
import {newOpaqueId, type RandomBytes} from '../../crypto/index.ts';
import {MediaError} from './errors.ts';

/** Content that is on disk. */
export interface StoredContent {
	/** Lower-case hexadecimal; it names the file. */
	readonly sha256: string;
	readonly sizeBytes: number;
}

/** Part of the disk that uploads leave free, so that the database beside them can go on: 2 %, at most 64 MiB. */
const FREE_SHARE_MIN = 0.02;
const FREE_BYTES_MIN_MAX = 64 << 20;
/** An upload that is not done after a day was broken off with the process. */
export const ABANDONED_MS = 86_400_000;
const INCOMING = 'incoming';
/** Where files lie while it is decided whether they go. */
const ASIDE = 'aside';
const SPACE_ERRORS: ReadonlySet<unknown> = new Set(['ENOSPC', 'EDQUOT']);

/** Tells how much a disk holds and has left, of a directory on it. */
export type ReadSpace = (directory: string) => Promise<{
	/** Blocks that are left to who is not root. */
	readonly bavail: number;
	readonly blocks: number;
	/** Of a block, in bytes. */
	readonly bsize: number;
}>;

/**
 * Files named by the SHA-256 of their content, in a directory. No part of a path comes from outside. A file that has its
 * name is whole and on the disk.
 */
export class ContentStore {
	readonly #root: string;
	readonly #random: RandomBytes;
	readonly #readSpace: ReadSpace;

	constructor(root: string, random: RandomBytes, readSpace: ReadSpace = (directory) => statfs(directory)) {
		this.#root = root;
		this.#random = random;
		this.#readSpace = readSpace;
	}

	/**
	 * Reads a stream to its end into a file. It is opened when there is a place for it; whatever it throws is thrown on.
	 * @throws MediaError 'no-space', 'store-failed'
	 */
	async receive(openSource: () => AsyncIterable<Uint8Array>): Promise<StoredContent> {
		const incoming = join(this.#root, INCOMING);
		const file = join(incoming, newOpaqueId(this.#random));
		let handle: FileHandle | undefined;
		try {
			await onDisk(() => makeDirectory(incoming));
			await this.#checkSpace();
			handle = await onDisk(() => open(file, 'wx', 0o600));
			const stored = await write(handle, openSource());
			const path = this.#pathOf(stored.sha256);
			await onDisk(async () => {
				await makeDirectory(dirname(path));
				await rename(file, path);
				await syncDirectory(dirname(path));
			});
			return stored;
		} catch (error) {
			await handle?.close().catch(() => undefined);
			await unlink(file).catch(() => undefined);
			throw error;
		}
	}

	/** Opens a file for reading; `undefined` where there is none. The caller closes it. @throws MediaError 'store-failed' */
	async open(sha256: string): Promise<FileHandle | undefined> {
		try {
			return await open(this.#pathOf(sha256), 'r');
		} catch (cause) {
			if (codeOf(cause) === 'ENOENT') return undefined;
			throw new MediaError('store-failed', 'The file cannot be read just now', {cause});
		}
	}

	/** Whether there is a file of this content. */
	async has(sha256: string): Promise<boolean> {
		return (await stat(this.#pathOf(sha256)).catch(() => undefined)) !== undefined;
	}

	/** Removes what uploads left behind that ended with an earlier process; how many files it were. */
	async sweep(nowMs: number): Promise<number> {
		const incoming = join(this.#root, INCOMING);
		const names = await readdir(incoming).catch(() => []);
		let count = 0;
		for (const name of names) {
			const file = join(incoming, name);
			const found = await stat(file).catch(() => undefined);
			if (found === undefined || nowMs - found.mtimeMs <= ABANDONED_MS) continue;
			await unlink(file).catch(() => undefined);
			count += 1;
		}
		return count;
	}

	/**
	 * Lists some of the files that lie there for longer than a day, by their hashes, and what follows the last of them;
	 * a younger one may be of an upload that is not written down yet.
	 * @param part two hexadecimal digits that the hashes begin with
	 */
	async listOlder(part: string, nowMs: number): Promise<string[]> {
		const found: string[] = [];
		const directory = join(this.#root, part);
		for (const name of await readdir(directory, {recursive: true}).catch(() => [])) {
			const sha256 = part + name.replaceAll(sep, '');
			if (!/^[0-9a-f]{64}$/u.test(sha256)) continue;
			if (await isOlder(join(directory, name), nowMs, ABANDONED_MS)) found.push(sha256);
		}
		return found;
	}

	/**
	 * Removes a file that nothing names. An upload of the same content may come at any moment, here or in another
	 * process, so the file is first put aside, looked at once more, and put back where it is wanted after all: a new
	 * upload shows in its time, and then in what names it.
	 * @param ageMs a younger file stays, for it may be of an upload that is not written down yet
	 * @returns whether it was removed
	 */
	async removeUnused(
		sha256: string,
		{nowMs, ageMs, isUsed}: {nowMs: number; ageMs: number; isUsed: () => Promise<boolean>},
	): Promise<boolean> {
		if (await isUsed()) return false;
		const aside = join(this.#root, ASIDE);
		await onDisk(() => makeDirectory(aside));
		try {
			await rename(this.#pathOf(sha256), join(aside, sha256));
		} catch (cause) {
			if (codeOf(cause) === 'ENOENT') return false;
			throw new MediaError('store-failed', 'The file cannot be removed just now', {cause});
		}
		return this.#decide(sha256, {nowMs, ageMs, isUsed});
	}

	/** Ends what a process left undone that was stopped while a file was put aside. */
	async settle(nowMs: number, isUsed: (sha256: string) => Promise<boolean>): Promise<void> {
		for (const sha256 of await readdir(join(this.#root, ASIDE)).catch(() => [])) {
			await this.#decide(sha256, {nowMs, ageMs: ABANDONED_MS, isUsed: () => isUsed(sha256)});
		}
	}

	async #decide(
		sha256: string,
		{nowMs, ageMs, isUsed}: {nowMs: number; ageMs: number; isUsed: () => Promise<boolean>},
	): Promise<boolean> {
		const file = join(this.#root, ASIDE, sha256);
		const isWanted = !(await isOlder(file, nowMs, ageMs)) || (await isUsed());
		const path = this.#pathOf(sha256);
		try {
			if (!isWanted) {
				await unlink(file);
				return true;
			}
			// Where the same content came meanwhile this is the same file.
			await rename(file, path);
			await syncDirectory(dirname(path));
		} catch (cause) {
			// Somebody else decided.
			if (codeOf(cause) !== 'ENOENT')
				throw new MediaError('store-failed', 'The file cannot be moved just now', {cause});
		}
		return false;
	}

	#pathOf(sha256: string): string {
		return join(this.#root, sha256.slice(0, 2), sha256.slice(2, 4), sha256.slice(4));
	}

	async #checkSpace(): Promise<void> {
		const {bavail, blocks, bsize} = await onDisk(() => this.#readSpace(this.#root));
		if (bavail * bsize < Math.min(blocks * bsize * FREE_SHARE_MIN, FREE_BYTES_MIN_MAX)) {
			throw new MediaError('no-space', 'This server has no room for more files just now');
		}
	}
}

async function isOlder(path: string, nowMs: number, ageMs: number): Promise<boolean> {
	const found = await stat(path).catch(() => undefined);
	return found !== undefined && found.isFile() && nowMs - found.mtimeMs > ageMs;
}

async function write(handle: FileHandle, source: AsyncIterable<Uint8Array>): Promise<StoredContent> {
	const hash = createHash('sha256');
	let sizeBytes = 0;
	for await (const chunk of source) {
		hash.update(chunk);
		for (let start = 0; start < chunk.length; ) {
			const {bytesWritten} = await onDisk(() => handle.write(chunk, start));
			start += bytesWritten;
		}
		sizeBytes += chunk.length;
	}
	await onDisk(async () => {
		await handle.sync();
		await handle.close();
	});
	return {sha256: hash.digest('hex'), sizeBytes};
}

/** Makes a directory and says so to the disk, all the way up to what was there before. */
async function makeDirectory(path: string): Promise<void> {
	const first = await mkdir(path, {recursive: true, mode: 0o700});
	if (first === undefined) return;
	for (let made = path; ; made = dirname(made)) {
		await syncDirectory(dirname(made));
		if (made === first || dirname(made) === made) return;
	}
}

/** A rename is on the disk once its directory is. */
async function syncDirectory(path: string): Promise<void> {
	const directory = await open(path, 'r');
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}

async function onDisk<T>(work: () => Promise<T>): Promise<T> {
	try {
		return await work();
	} catch (cause) {
		throw SPACE_ERRORS.has(codeOf(cause))
			? new MediaError('no-space', 'This server has no room for more files just now', {cause})
			: new MediaError('store-failed', 'The file cannot be kept just now', {cause});
	}
}

function codeOf(error: unknown): unknown {
	return error instanceof Error && 'code' in error ? error.code : undefined;
}
