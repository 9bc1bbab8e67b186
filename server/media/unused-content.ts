import type {MediaDependencies} from './dependencies.ts';
import {ABANDONED_MS} from './content-store.ts';

/** Removes a file that nothing names and that is as old as said, and the thumbnails made of it; whether it was. */
export async function removeContent(
	{storage, store, clock}: MediaDependencies,
	sha256: string,
	ageMs: number,
): Promise<boolean> {
	const isUsed = async (): Promise<boolean> => (await storage.media.countOfContent(sha256)) > 0;
	if (!(await store.removeUnused(sha256, {nowMs: clock.now(), ageMs, isUsed}))) return false;
	const batch = storage.batch();
	// Their files are content that nothing names then.
	storage.media.removeThumbnails(batch, sha256);
	await storage.commit(batch);
	return true;
}

/** What became of a file that nothing should name any more: it stays while something does, or while it is young. */
export type Forgotten = 'removed' | 'used' | 'young';

/** An upload of the same content is written down long before its file is so old. */
const UPLOAD_MS = 3_600_000;

/** Removes a file whose media are gone, with the files of the thumbnails made of it. */
export async function forgetContent(dependencies: MediaDependencies, sha256: string): Promise<Forgotten> {
	const {storage} = dependencies;
	const thumbnails = await storage.media.listThumbnails(sha256);
	if (!(await removeContent(dependencies, sha256, UPLOAD_MS))) {
		const count = await storage.media.countOfContent(sha256);
		if (count > 0) return 'used';
		if (await dependencies.store.has(sha256)) return 'young';
		const batch = storage.batch();
		storage.media.removeThumbnails(batch, sha256);
		await storage.commit(batch);
	}
	// Nobody uploads what was made here, so their age does not matter.
	for (const {thumbnailSha256} of thumbnails) await removeContent(dependencies, thumbnailSha256, 0);
	return 'removed';
}

/** Removes the files, of one part of them, that nothing names any more; how many it were. */
export async function removeUnused(dependencies: MediaDependencies, part: string): Promise<number> {
	const {storage, store, clock} = dependencies;
	await store.settle(clock.now(), async (sha256) => (await storage.media.countOfContent(sha256)) > 0);
	let count = 0;
	for (const sha256 of await store.listOlder(part, clock.now())) {
		if (await removeContent(dependencies, sha256, ABANDONED_MS)) count += 1;
	}
	return count;
}
