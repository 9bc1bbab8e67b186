import {and, isNotNull, isNull, sql} from 'drizzle-orm';
import type {EventId, ServerName, UserId} from '../../crypto/index.ts';
import {above, atMost, bind, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {MediaRepository, MediaRow, ThumbnailRow} from '../interfaces/media.ts';
import {tables} from '../schema/index.ts';
import {createMediaUsage} from './media-usage.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {media, mediaReferences, mediaUsage, thumbnails} = tables;

type Key = {origin: ServerName; mediaId: string};

/** Makes the repository of media. */
export function createMedia(core: Core): MediaRepository {
	const {catalog} = core;
	const key = ['origin', 'mediaId'] as const;
	const setQuarantined = core.put(catalog.update(media, ['isQuarantined'], key));
	const setLastUsed = core.put(catalog.update(media, ['lastUsedDay'], key));
	const find = core.one<Key, MediaRow>((p) =>
		build
			.select()
			.from(media)
			.where(and(equals(media.origin, p.origin), equals(media.mediaId, p.mediaId))),
	);
	const count = core.one<{sha256: string}, {count: number}>((p) =>
		build.select({count: sql<number>`count(*)`}).from(media).where(equals(media.sha256, p.sha256)),
	);
	const {countBytes, ...ofUsage} = createMediaUsage(core);
	const {countThumbnails, ...ofThumbnails} = createThumbnails(core);
	const countPending = core.one<{uploader: UserId; createdTs: number}, {count: number}>((p) =>
		build
			.select({count: sql<number>`count(*)`})
			.from(media)
			.where(and(equals(media.uploader, p.uploader), above(media.createdTs, p.createdTs), isNull(media.sizeBytes))),
	);
	const listOfUploader = core.many<{uploader: UserId; after: string; limit: number}, MediaRow>((p) =>
		build
			.select()
			.from(media)
			.where(and(equals(media.uploader, p.uploader), above(media.mediaId, p.after)))
			.orderBy(media.mediaId)
			.limit(p.limit.placeholder),
	);
	return {
		countOfUploaders: createUploaderCount(core),
		setQuarantined: (batch, origin, mediaId, isQuarantined) => setQuarantined(batch, {origin, mediaId, isQuarantined}),
		setLastUsed: (batch, origin, mediaId, day) => setLastUsed(batch, {origin, mediaId, lastUsedDay: day}),
		...createCounted(core, countBytes),
		sweepReserved: sweepOlder(core, media, media.createdTs, isNull(media.sizeBytes)),
		find: (origin, mediaId) => find({origin, mediaId}),
		countPending: async (uploader, createdTs) => (await countPending({uploader, createdTs}))?.count ?? 0,
		async countOfContent(sha256) {
			const counts = await Promise.all([count({sha256}), countThumbnails({sha256})]);
			return counts.reduce((sum, found) => sum + (found?.count ?? 0), 0);
		},
		listOfUploader: (uploader, {after, limit}) => listOfUploader({uploader, after: after ?? '', limit: pageOf(limit)}),
		...ofThumbnails,
		...ofUsage,
		...createReferences(core),
	};
}

/** Makes the read that counts the media of each person. */
function createUploaderCount(core: Core): MediaRepository['countOfUploaders'] {
	type Span = {fromTs: number; untilTs: number};
	const countOfUploaders = core.many<Span, {uploader: UserId | null; count: number; bytes: number}>((p) =>
		build
			.select({
				uploader: media.uploader,
				count: sql<number>`count(*)`,
				bytes: sql<number>`cast(sum(${media.sizeBytes}) as bigint)`,
			})
			.from(media)
			.where(
				and(
					isNotNull(media.uploader),
					isNotNull(media.sizeBytes),
					sql`${media.createdTs} >= ${bind(media.createdTs, p.fromTs)}`,
					atMost(media.createdTs, p.untilTs),
				),
			)
			.groupBy(media.uploader)
			.orderBy(media.uploader),
	);
	return async ({fromTs = 0, untilTs = Number.MAX_SAFE_INTEGER}) => {
		const rows = await countOfUploaders({fromTs, untilTs});
		return rows.flatMap(({uploader, ...figures}) => (uploader === null ? [] : [{uploader, ...figures}]));
	};
}

/** The writes by which what is kept of somebody grows and shrinks. */
function createCounted(
	core: Core,
	countBytes: ReturnType<typeof createMediaUsage>['countBytes'],
): Pick<MediaRepository, 'add' | 'fill' | 'remove' | 'removeOfUploader'> {
	const {catalog} = core;
	const key = ['origin', 'mediaId'] as const;
	const add = core.put(catalog.insert(media));
	type Content = Key & {contentType: string; fileName: string | null; sizeBytes: number; sha256: string};
	const fill = core.put(
		catalog.write<Content>(
			(p) => sql`update ${media} set content_type = ${bind(media.contentType, p.contentType)},
				file_name = ${bind(media.fileName, p.fileName)}, size_bytes = ${bind(media.sizeBytes, p.sizeBytes)},
				sha256 = ${bind(media.sha256, p.sha256)}
				where ${equals(media.origin, p.origin)} and ${equals(media.mediaId, p.mediaId)} and size_bytes is null`,
		),
		{expect: {changes: 1, condition: 'media'}},
	);
	const remove = core.put(
		// A row that is counted is taken off the count once, whoever else removes it.
		catalog.write<Key & {sizeBytes: number}>(
			(p) => sql`delete from ${media} where ${equals(media.origin, p.origin)} and ${equals(media.mediaId, p.mediaId)}
				and coalesce(size_bytes, -1) = ${bind(media.sizeBytes, p.sizeBytes)}`,
		),
		{expect: {changes: 1, condition: 'media'}},
	);
	const removeReferences = core.put(catalog.delete(mediaReferences, key));
	const removeReferencesOf = core.put(
		catalog.write<{uploader: UserId}>(
			(p) => sql`delete from ${mediaReferences} where (origin, media_id) in
				(select origin, media_id from ${media} where ${equals(media.uploader, p.uploader)})`,
		),
	);
	const removeAllOf = core.put(catalog.delete(media, ['uploader']));
	const removeUsage = core.put(catalog.delete(mediaUsage, ['kind', 'holder']));
	return {
		add(batch, row) {
			add(batch, row);
			if (row.sizeBytes !== null) countBytes(batch, row, row.sizeBytes);
		},
		fill(batch, content) {
			fill(batch, content);
			countBytes(batch, content, content.sizeBytes);
		},
		remove(batch, row) {
			const {origin, mediaId, sizeBytes} = row;
			remove(batch, {origin, mediaId, sizeBytes: sizeBytes ?? -1});
			removeReferences(batch, {origin, mediaId});
			if (sizeBytes !== null) countBytes(batch, row, -sizeBytes);
		},
		removeOfUploader(batch, uploader) {
			removeReferencesOf(batch, {uploader});
			removeAllOf(batch, {uploader});
			removeUsage(batch, {kind: 'uploader', holder: uploader});
		},
	};
}

/** Thumbnails, and how many of them name a content. */
function createThumbnails(core: Core) {
	const {catalog} = core;
	const countThumbnails = core.one<{sha256: string}, {count: number}>((p) =>
		build.select({count: sql<number>`count(*)`}).from(thumbnails).where(equals(thumbnails.thumbnailSha256, p.sha256)),
	);
	const addThumbnail = core.put(catalog.insert(thumbnails, {orIgnore: true}));
	const removeThumbnail = core.put(catalog.delete(thumbnails, ['sha256', 'variant']));
	const removeThumbnails = core.put(catalog.delete(thumbnails, ['sha256']));
	const findThumbnail = core.one<{sha256: string; variant: string}, ThumbnailRow>((p) =>
		build
			.select()
			.from(thumbnails)
			.where(and(equals(thumbnails.sha256, p.sha256), equals(thumbnails.variant, p.variant))),
	);
	const listThumbnails = core.many<{sha256: string}, ThumbnailRow>((p) =>
		build.select().from(thumbnails).where(equals(thumbnails.sha256, p.sha256)).orderBy(thumbnails.variant),
	);
	type Method = 'addThumbnail' | 'findThumbnail' | 'listThumbnails' | 'removeThumbnail' | 'removeThumbnails';
	const repository: Pick<MediaRepository, Method> = {
		addThumbnail,
		findThumbnail: (sha256, variant) => findThumbnail({sha256, variant}),
		listThumbnails: (sha256) => listThumbnails({sha256}),
		removeThumbnail: (batch, sha256, variant) => removeThumbnail(batch, {sha256, variant}),
		removeThumbnails: (batch, sha256) => removeThumbnails(batch, {sha256}),
	};
	return {...repository, countThumbnails};
}

/** Which events show a medium. */
function createReferences(core: Core): Pick<MediaRepository, 'addReference' | 'listReferences'> {
	const addReference = core.put(core.catalog.insert(mediaReferences, {orIgnore: true}));
	const listReferences = core.many<Key & {limit: number}, {eventId: EventId}>((p) =>
		build
			.select({eventId: mediaReferences.eventId})
			.from(mediaReferences)
			.where(and(equals(mediaReferences.origin, p.origin), equals(mediaReferences.mediaId, p.mediaId)))
			.limit(p.limit.placeholder),
	);
	return {
		addReference: (batch, origin, mediaId, eventId) => addReference(batch, {origin, mediaId, eventId}),
		listReferences: async (origin, mediaId) =>
			(await listReferences({origin, mediaId, limit: pageOf(1000)})).map(({eventId}) => eventId),
	};
}
