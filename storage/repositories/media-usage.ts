import {and, desc, isNotNull, isNull, sql} from 'drizzle-orm';
import type {ServerName} from '../../crypto/index.ts';
import type {Batch} from '../batch.ts';
import {atMost, below, build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {MediaRepository, MediaRow, MediaUsage} from '../interfaces/media.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';

const {media, mediaUsage} = tables;

/** How much is kept of whom. */
export function createMediaUsage(core: Core) {
	const {catalog} = core;
	const count = core.put(
		catalog.insertOrUpdate(mediaUsage, ['kind', 'holder'], {
			bytes: sql`${mediaUsage}.bytes + excluded.bytes`,
		}),
	);
	const checkUsage = core.put(
		catalog.write<MediaUsage>(
			(p) => sql`update ${mediaUsage} set bytes = bytes where ${equals(mediaUsage.kind, p.kind)}
				and ${equals(mediaUsage.holder, p.holder)} and ${atMost(mediaUsage.bytes, p.bytes)}`,
		),
		{expect: {changes: 1, condition: 'media_usage'}},
	);
	const countUsage = core.one<Omit<MediaUsage, 'bytes'>, {bytes: number}>((p) =>
		build
			.select({bytes: mediaUsage.bytes})
			.from(mediaUsage)
			.where(and(equals(mediaUsage.kind, p.kind), equals(mediaUsage.holder, p.holder))),
	);
	const findLargest = core.one<Pick<MediaUsage, 'kind'>, MediaUsage>((p) =>
		build.select().from(mediaUsage).where(equals(mediaUsage.kind, p.kind)).orderBy(desc(mediaUsage.bytes)).limit(1),
	);
	const isRemote = and(isNull(media.uploader), isNotNull(media.sizeBytes), sql`is_quarantined = 0`);
	const listOfAll = core.many<{createdTs: number; limit: number}, MediaRow>((p) =>
		build
			.select()
			.from(media)
			.where(and(isRemote, below(media.createdTs, p.createdTs)))
			.orderBy(media.lastUsedDay, media.createdTs)
			.limit(p.limit.placeholder),
	);
	const listOfOrigin = core.many<{origin: ServerName; createdTs: number; limit: number}, MediaRow>((p) =>
		build
			.select()
			.from(media)
			.where(and(equals(media.origin, p.origin), isRemote, below(media.createdTs, p.createdTs)))
			.orderBy(media.lastUsedDay, media.createdTs)
			.limit(p.limit.placeholder),
	);
	type Repository = Pick<MediaRepository, 'checkUsage' | 'countUsage' | 'findLargestOrigin' | 'listLeastUsed'>;
	const repository: Repository = {
		checkUsage: (batch, usage) => checkUsage(batch, usage),
		countUsage: async (kind, holder) => (await countUsage({kind, holder}))?.bytes ?? 0,
		findLargestOrigin: () => findLargest({kind: 'origin'}),
		listLeastUsed({origin, beforeTs, limit}) {
			const page = {createdTs: beforeTs, limit: pageOf(limit)};
			return origin === undefined ? listOfAll(page) : listOfOrigin({...page, origin});
		},
	};
	return {
		...repository,
		countBytes: (batch: Batch, {origin, uploader}: Pick<MediaRow, 'origin' | 'uploader'>, bytes: number): void => {
			if (uploader !== null) {
				count(batch, {kind: 'uploader', holder: uploader, bytes});
				return;
			}
			// In this order everywhere: two commits at once wait for each other at the first row.
			count(batch, {kind: 'cache', holder: '', bytes});
			count(batch, {kind: 'origin', holder: origin, bytes});
		},
	};
}
