import type {ServerName, UserId} from '../../crypto/index.ts';
import {type Batch, ConflictError, type MediaRow} from '../../storage/index.ts';
import {REMOVE_CONTENT} from '../accounts/index.ts';
import type {AuditActor} from '../audit/index.ts';
import type {AdministrationDependencies, OffsetPage} from './context.ts';
import {AdministrationError} from './errors.ts';

/** What media can be put in the order of. */
export type MediaOrder =
	| 'contentType'
	| 'createdTs'
	| 'fileName'
	| 'isQuarantined'
	| 'lastUsedDay'
	| 'mediaId'
	| 'sizeBytes';

/** How much somebody keeps here. */
export interface MediaShare {
	readonly userId: UserId;
	readonly displayName: string | null;
	readonly count: number;
	readonly bytes: number;
}

/** The files of this server as administrators look after them. */
export interface AdministeredMedia {
	/** Lists what somebody uploaded; it looks at the first 10,000. */
	listOfUser(
		userId: UserId,
		page: OffsetPage & {readonly order: MediaOrder; readonly isDescending: boolean},
	): Promise<{readonly media: readonly MediaRow[]; readonly total: number}>;
	/** @throws AdministrationError 'unknown-medium' */
	get(origin: ServerName, mediaId: string): Promise<MediaRow>;
	/** Removes media and, within an hour or so, their files; those that are gone are passed over. @returns the ids of the removed */
	remove(by: AuditActor, media: readonly MediaRow[]): Promise<string[]>;
	/** Shows a medium to nobody, or to everybody again. @throws AdministrationError 'unknown-medium' */
	setQuarantined(by: AuditActor, origin: ServerName, mediaId: string, isQuarantined: boolean): Promise<void>;
	/** Shows nobody what somebody uploaded. @returns how many media that newly concerns */
	quarantineOfUser(by: AuditActor, userId: UserId): Promise<number>;
	/** Removes other servers' media that nobody has used since a day; they are fetched anew when somebody asks. */
	purgeRemote(by: AuditActor, beforeTs: number): Promise<number>;
	/** Lists who keeps how much, of files that came in a time. */
	listShares(span: {
		readonly fromTs?: number | undefined;
		readonly untilTs?: number | undefined;
	}): Promise<MediaShare[]>;
}

const DAY_MS = 86_400_000;
/** Media that one list is made of. */
const MEDIA_MAX = 10_000;
const PAGE = 500;
/** Media that one commit changes. */
const BATCH = 100;
/** Media that one call removes of what other servers have: the rest goes with the next. */
const PURGED_MAX = 5000;

/** Makes the administration of media. */
export function createAdministeredMedia(dependencies: AdministrationDependencies): AdministeredMedia {
	const {storage, audit} = dependencies;

	async function get(origin: ServerName, mediaId: string): Promise<MediaRow> {
		const row = await storage.media.find(origin, mediaId);
		if (row === undefined || row.sizeBytes === null) {
			throw new AdministrationError('unknown-medium', 'There is no such file here');
		}
		return row;
	}

	async function listAll(uploader: UserId): Promise<MediaRow[]> {
		const found: MediaRow[] = [];
		for (let after: string | undefined; found.length < MEDIA_MAX; ) {
			const page = await storage.media.listOfUploader(uploader, {after, limit: PAGE});
			found.push(...page.filter(({sizeBytes}) => sizeBytes !== null));
			after = page.at(-1)?.mediaId;
			if (page.length < PAGE) break;
		}
		return found;
	}

	return {
		async listOfUser(userId, {order, isDescending, offset, limit}) {
			const all = await listAll(userId);
			const sign = isDescending ? -1 : 1;
			const sorted = all.toSorted((a, b) => sign * compare(a[order], b[order]) || compare(a.mediaId, b.mediaId));
			return {media: sorted.slice(offset, offset + limit), total: all.length};
		},
		get,
		remove: (by, media) => removeMedia(dependencies, by, media),
		async setQuarantined(by, origin, mediaId, isQuarantined) {
			await get(origin, mediaId);
			const batch = storage.batch();
			storage.media.setQuarantined(batch, origin, mediaId, isQuarantined);
			const whom = `mxc://${origin}/${mediaId}`;
			audit.note(batch, {who: by, act: isQuarantined ? 'quarantine-media' : 'release-media', whom});
			await storage.commit(batch);
		},
		async quarantineOfUser(by, userId) {
			const open = (await listAll(userId)).filter((row) => !row.isQuarantined);
			for (let at = 0; at < open.length; at += BATCH) {
				const batch = storage.batch();
				const some = open.slice(at, at + BATCH);
				for (const {origin, mediaId} of some) storage.media.setQuarantined(batch, origin, mediaId, true);
				audit.note(batch, {who: by, act: 'quarantine-media', whom: userId, details: {count: some.length}});
				await storage.commit(batch);
			}
			return open.length;
		},
		purgeRemote: (by, beforeTs) => purgeRemote(dependencies, by, beforeTs),
		async listShares(span) {
			const counts = await storage.media.countOfUploaders(span);
			const profiles = await storage.profiles.findMany(counts.map(({uploader}) => uploader));
			return counts.map(({uploader, count, bytes}) => {
				const name = profiles.get(uploader)?.['displayname'];
				return {userId: uploader, displayName: typeof name === 'string' ? name : null, count, bytes};
			});
		},
	};
}

function compare(a: string | number | boolean | null, b: string | number | boolean | null): number {
	const [left, right] = [a ?? '', b ?? ''];
	if (left === right) return 0;
	return left < right ? -1 : 1;
}

async function removeMedia(
	{storage, audit, clock}: AdministrationDependencies,
	by: AuditActor,
	media: readonly MediaRow[],
): Promise<string[]> {
	const removed: string[] = [];
	for (const row of media) {
		const batch = storage.batch();
		storage.media.remove(batch, row);
		if (row.sha256 !== null) addContentJob(storage, batch, [row.sha256], clock.now());
		const whom = `mxc://${row.origin}/${row.mediaId}`;
		audit.note(batch, {who: by, act: 'delete-media', whom, details: {uploader: row.uploader}});
		if (await commitUnlessGone(storage, batch)) removed.push(row.mediaId);
	}
	return removed;
}

async function purgeRemote(
	{storage, audit, clock}: AdministrationDependencies,
	by: AuditActor,
	beforeTs: number,
): Promise<number> {
	await audit.record({who: by, act: 'purge-media-cache', details: {before_ts: beforeTs}});
	const beforeDay = Math.floor(beforeTs / DAY_MS);
	let count = 0;
	while (count < PURGED_MAX) {
		const rows = await storage.media.listLeastUsed({origin: undefined, beforeTs, limit: BATCH});
		const unused = rows.filter(({lastUsedDay}) => lastUsedDay < beforeDay);
		let removed = 0;
		for (const row of unused) {
			const batch = storage.batch();
			storage.media.remove(batch, row);
			if (row.sha256 !== null) addContentJob(storage, batch, [row.sha256], clock.now());
			if (await commitUnlessGone(storage, batch)) removed += 1;
		}
		count += removed;
		if (removed === 0) break;
	}
	return count;
}

function addContentJob(
	storage: AdministrationDependencies['storage'],
	batch: Batch,
	contents: readonly string[],
	dueTs: number,
): void {
	storage.jobs.add(batch, {kind: REMOVE_CONTENT, key: contents.join(' '), payload: {contents: [...contents]}, dueTs});
}

async function commitUnlessGone(storage: AdministrationDependencies['storage'], batch: Batch): Promise<boolean> {
	try {
		await storage.commit(batch);
		return true;
	} catch (error) {
		if (error instanceof ConflictError && error.condition === 'media') return false;
		throw error;
	}
}
