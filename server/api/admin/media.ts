import type {Administration, MediaOrder} from '../../administration/index.ts';
import {type Infer, v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {cut, nextOffset, pageQuery, readPage} from './offset-page.ts';

type Medium = Awaited<ReturnType<Administration['media']['get']>>;

const DAY_MS = 86_400_000;

/** A file as Synapse lists it. By whom it was hidden stands in the audit log. */
const toListed = (row: Medium) => ({
	created_ts: row.createdTs,
	last_access_ts: row.lastUsedDay * DAY_MS,
	media_id: row.mediaId,
	media_length: row.sizeBytes,
	media_type: row.contentType,
	quarantined_by: row.isQuarantined ? 'an administrator' : null,
	safe_from_quarantine: false,
	upload_name: row.fileName,
});

const orders = {
	media_id: 'mediaId',
	upload_name: 'fileName',
	created_ts: 'createdTs',
	last_access_ts: 'lastUsedDay',
	media_length: 'sizeBytes',
	media_type: 'contentType',
	quarantined_by: 'isQuarantined',
	safe_from_quarantine: 'mediaId',
} as const satisfies Readonly<Record<string, MediaOrder>>;

const orderNames = Object.keys(orders) as (keyof typeof orders)[];

const mediaQuery = v.object({...pageQuery, order_by: v.optional(v.literal(...orderNames))});

/** The newest first, unless anything is said. */
function readMediaPage(query: Infer<typeof mediaQuery>) {
	const isPlain = query.order_by === undefined && query.dir === undefined;
	return {
		...readPage(query),
		order: orders[query.order_by ?? 'created_ts'],
		isDescending: isPlain || query.dir === 'b',
	};
}

const userMediaPath = '/_synapse/admin/v1/users/:userId/media';

/** Lists what somebody uploaded. */
export const listUserMedia = route({
	id: 'adminListUserMedia',
	method: 'GET',
	path: userMediaPath,
	auth: 'admin',
	query: mediaQuery,
	async handle({parameters: {userId}, query}, {administration}) {
		await administration.people.get(userId);
		const page = readMediaPage(query);
		const {media, total} = await administration.media.listOfUser(userId, page);
		const next = nextOffset(page, media.length, total);
		return {media: media.map(toListed), total, ...(next !== undefined && {next_token: next})};
	},
});

/** Removes some of what somebody uploaded: the newest hundred, unless said otherwise. */
export const deleteUserMedia = route({
	id: 'adminDeleteUserMedia',
	method: 'DELETE',
	path: userMediaPath,
	auth: 'admin',
	query: mediaQuery,
	async handle({caller, parameters: {userId}, query}, {administration}) {
		await administration.people.get(userId);
		const {media} = await administration.media.listOfUser(userId, readMediaPage(query));
		const removed = await administration.media.remove(caller.userId, media);
		return {deleted_media: removed, total: removed.length};
	},
});

/** Tells what is known of a file. */
export const getMedium = route({
	id: 'adminGetMedium',
	method: 'GET',
	path: '/_synapse/admin/v1/media/:serverName/:mediaId',
	auth: 'admin',
	async handle({parameters: {serverName, mediaId}}, {administration}) {
		const row = await administration.media.get(serverName, mediaId);
		return {media_info: {...toListed(row), media_origin: row.origin, user_id: row.uploader, sha256: row.sha256}};
	},
});

/** Removes a file. */
export const deleteMedium = route({
	id: 'adminDeleteMedium',
	method: 'DELETE',
	path: '/_synapse/admin/v1/media/:serverName/:mediaId',
	auth: 'admin',
	async handle({caller, parameters: {serverName, mediaId}}, {administration: {media}}) {
		const removed = await media.remove(caller.userId, [await media.get(serverName, mediaId)]);
		return {deleted_media: removed, total: removed.length};
	},
});

/** Shows a file to nobody. */
export const quarantineMedium = route({
	id: 'adminQuarantineMedium',
	method: 'POST',
	path: '/_synapse/admin/v1/media/quarantine/:serverName/:mediaId',
	auth: 'admin',
	async handle({caller, parameters: {serverName, mediaId}}, {administration}) {
		await administration.media.setQuarantined(caller.userId, serverName, mediaId, true);
		return {};
	},
});

/** Shows a file again. */
export const releaseMedium = route({
	id: 'adminReleaseMedium',
	method: 'POST',
	path: '/_synapse/admin/v1/media/unquarantine/:serverName/:mediaId',
	auth: 'admin',
	async handle({caller, parameters: {serverName, mediaId}}, {administration}) {
		await administration.media.setQuarantined(caller.userId, serverName, mediaId, false);
		return {};
	},
});

/** Shows nobody what somebody uploaded. */
export const quarantineUserMedia = route({
	id: 'adminQuarantineUserMedia',
	method: 'POST',
	path: '/_synapse/admin/v1/user/:userId/media/quarantine',
	auth: 'admin',
	handle: async ({caller, parameters}, {administration}) => ({
		num_quarantined: await administration.media.quarantineOfUser(caller.userId, parameters.userId),
	}),
});

/** Removes other servers' files that nobody has used since a day. */
export const purgeMediaCache = route({
	id: 'adminPurgeMediaCache',
	method: 'POST',
	path: '/_synapse/admin/v1/purge_media_cache',
	auth: 'admin',
	query: v.object({before_ts: v.integer({min: 0})}),
	handle: async ({caller, query}, {administration}) => ({
		deleted: await administration.media.purgeRemote(caller.userId, query.before_ts),
	}),
});

const shareOrders = {
	user_id: 'userId',
	displayname: 'displayName',
	media_length: 'bytes',
	media_count: 'count',
} as const;

/** Lists who keeps how much here. */
export const listMediaShares = route({
	id: 'adminListMediaShares',
	method: 'GET',
	path: '/_synapse/admin/v1/statistics/users/media',
	auth: 'admin',
	query: v.object({
		...pageQuery,
		order_by: v.optional(v.literal('user_id', 'displayname', 'media_length', 'media_count')),
		from_ts: v.optional(v.integer({min: 0})),
		until_ts: v.optional(v.integer({min: 0})),
		search_term: v.optional(v.string({min: 1})),
	}),
	async handle({query}, {administration}) {
		const page = readPage(query);
		const all = await administration.media.listShares({fromTs: query.from_ts, untilTs: query.until_ts});
		const text = query.search_term?.toLowerCase() ?? '';
		const found = all.filter(({userId, displayName}) =>
			[userId.split(':')[0] ?? '', displayName ?? ''].some((name) => name.toLowerCase().includes(text)),
		);
		const key = shareOrders[query.order_by ?? 'user_id'];
		const sign = query.dir === 'b' ? -1 : 1;
		const sorted = found.toSorted((a, b) => {
			const [left, right] = [a[key] ?? '', b[key] ?? ''];
			return left === right ? 0 : sign * (left < right ? -1 : 1);
		});
		const shown = cut(sorted, page);
		const next = nextOffset(page, shown.length, found.length);
		return {
			users: shown.map(({userId, displayName, count, bytes}) => ({
				user_id: userId,
				displayname: displayName,
				media_count: count,
				media_length: bytes,
			})),
			total: found.length,
			...(next !== undefined && {next_token: next}),
		};
	},
});
