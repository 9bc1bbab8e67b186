import type {IncomingHttpHeaders} from 'node:http';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

const fileNameQuery = v.object({filename: v.optional(v.string())});

function describe(headers: IncomingHttpHeaders, {filename}: {readonly filename?: string | undefined}) {
	const length = headers['content-length'];
	return {
		contentType: headers['content-type'],
		fileName: filename,
		sizeBytes: length === undefined ? undefined : Number(length),
	};
}

/** Keeps a file. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav3upload */
export const uploadContent = route({
	id: 'uploadContent',
	method: 'POST',
	path: '/_matrix/media/v3/upload',
	auth: 'user',
	rateLimit: 'upload',
	upload: true,
	query: fileNameQuery,
	async handle({caller, headers, openBody, query}, {media}) {
		const description = describe(headers, query);
		const uri = await media.upload(caller.userId, description, () => openBody(media.uploadBytesMax));
		return {content_uri: uri};
	},
});

/**
 * Keeps the content of an id that was handed out before.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixmediav3uploadservernamemediaid
 */
export const uploadContentToMxc = route({
	id: 'uploadContentToMXC',
	method: 'PUT',
	path: '/_matrix/media/v3/upload/:serverName/:mediaId',
	auth: 'user',
	rateLimit: 'upload',
	upload: true,
	query: fileNameQuery,
	async handle({caller, headers, openBody, parameters, query}, {media}) {
		const description = describe(headers, query);
		await media.fill(caller.userId, parameters, description, () => openBody(media.uploadBytesMax));
		return {};
	},
});

/** Hands out an id whose content comes later. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixmediav1create */
export const createContent = route({
	id: 'createContent',
	method: 'POST',
	path: '/_matrix/media/v1/create',
	auth: 'user',
	rateLimit: 'upload',
	async handle({caller}, {media}) {
		const {uri, expiresTs} = await media.reserve(caller.userId);
		return {content_uri: uri, unused_expires_at: expiresTs};
	},
});

/** What the repository takes. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixmediav3config */
export const getConfig = route({
	id: 'getConfig',
	method: 'GET',
	path: '/_matrix/media/v3/config',
	auth: 'user',
	handle: (_request, {media}) => ({'m.upload.size': media.uploadBytesMax}),
});

/** The endpoints without authentication were closed before this server kept its first file. */
function refuse(): never {
	throw new MatrixError('M_NOT_FOUND', 'Media are given to people who have signed in: use /_matrix/client/v1/media');
}

/** Gives nothing. @see https://spec.matrix.org/v1.19/client-server-api/#content-repo-client-behaviour */
export const getContent = route({
	id: 'getContent',
	method: 'GET',
	path: '/_matrix/media/v3/download/:serverName/:mediaId',
	auth: 'none',
	rateLimit: 'download',
	handle: refuse,
});

/** Gives nothing. @see https://spec.matrix.org/v1.19/client-server-api/#content-repo-client-behaviour */
export const getContentOverrideName = route({
	id: 'getContentOverrideName',
	method: 'GET',
	path: '/_matrix/media/v3/download/:serverName/:mediaId/:fileName',
	auth: 'none',
	rateLimit: 'download',
	handle: refuse,
});

/** Gives nothing. @see https://spec.matrix.org/v1.19/client-server-api/#content-repo-client-behaviour */
export const getContentThumbnail = route({
	id: 'getContentThumbnail',
	method: 'GET',
	path: '/_matrix/media/v3/thumbnail/:serverName/:mediaId',
	auth: 'none',
	rateLimit: 'download',
	handle: refuse,
});

/** Previews are what a server of people who must not be found asks of the network in their name: there are none. */
export function refusePreview(): never {
	throw new MatrixError('M_UNRECOGNIZED', 'This server makes no previews of pages');
}

/** Form of the query, which is checked as if there were previews. */
export const previewQuery = v.object({url: v.string(), ts: v.optional(v.integer())});

/** Gives nothing: previews are off. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixmediav3preview_url */
export const getUrlPreview = route({
	id: 'getUrlPreview',
	method: 'GET',
	path: '/_matrix/media/v3/preview_url',
	auth: 'user',
	query: previewQuery,
	handle: refusePreview,
});
