import type {ServerName} from '../../crypto/index.ts';
import {ConflictError, type MediaRow} from '../../storage/index.ts';
import type {MediaDependencies} from './dependencies.ts';
import {shareOf} from './remote-share.ts';
import {removeContent} from './unused-content.ts';

/** Media removed before others get their turn. */
const PAGE = 20;
/** What just came is being looked at. An upload of the same content is written down long before. */
const KEPT_MS = 3_600_000;

/**
 * Removes some of other servers' media where more is kept than the settings say: first those of a server that has more
 * than its share, then any, those first that nobody has used for longest.
 * @returns how many were removed; 0: no more is to be done now
 */
export async function evictRemote(dependencies: MediaDependencies): Promise<number> {
	const {storage, cacheBytesMax, uploadBytesMax} = dependencies;
	if (cacheBytesMax === undefined) return 0;
	const excessBytes = (await storage.media.countUsage('cache', '')) - cacheBytesMax;
	if (excessBytes <= 0) return 0;
	const largest = await storage.media.findLargestOrigin();
	const overBytes = (largest?.bytes ?? 0) - shareOf(cacheBytesMax, uploadBytesMax);
	if (largest !== undefined && overBytes > 0) {
		const origin = largest.holder as ServerName;
		const count = await evictSome(dependencies, origin, Math.min(excessBytes, overBytes));
		if (count > 0) return count;
	}
	return evictSome(dependencies, undefined, excessBytes);
}

async function evictSome(
	dependencies: MediaDependencies,
	origin: ServerName | undefined,
	bytes: number,
): Promise<number> {
	const {storage, clock} = dependencies;
	let leftBytes = bytes;
	let count = 0;
	for (const row of await storage.media.listLeastUsed({origin, beforeTs: clock.now() - KEPT_MS, limit: PAGE})) {
		if (leftBytes <= 0) break;
		if (!(await evict(dependencies, row))) continue;
		leftBytes -= row.sizeBytes ?? 0;
		count += 1;
	}
	return count;
}

async function evict(dependencies: MediaDependencies, row: MediaRow): Promise<boolean> {
	const {storage} = dependencies;
	const batch = storage.batch();
	storage.media.remove(batch, row);
	try {
		await storage.commit(batch);
	} catch (error) {
		if (error instanceof ConflictError) return false;
		throw error;
	}
	if (row.sha256 !== null) await removeContent(dependencies, row.sha256, KEPT_MS);
	return true;
}
