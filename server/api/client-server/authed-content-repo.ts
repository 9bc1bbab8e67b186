import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {thumbnailFields, thumbnailRequest} from '../thumbnail-query.ts';
import {previewQuery, refusePreview} from './content-repo.ts';
import {mediaResponse, waitFields, waitOptions} from './media-response.ts';

/**
 * Gives a file of any server.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaid
 */
export const getContentAuthed = route({
	id: 'getContentAuthed',
	method: 'GET',
	path: '/_matrix/client/v1/media/download/:serverName/:mediaId',
	auth: 'guest',
	rateLimit: 'download',
	query: v.object(waitFields),
	async handle({parameters: {serverName, mediaId}, query, headers, signal}, {media}) {
		return mediaResponse(await media.open(serverName, mediaId, waitOptions(query, signal)), headers);
	},
});

/**
 * Gives a file under a name of the caller's choosing.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediadownloadservernamemediaidfilename
 */
export const getContentOverrideNameAuthed = route({
	id: 'getContentOverrideNameAuthed',
	method: 'GET',
	path: '/_matrix/client/v1/media/download/:serverName/:mediaId/:fileName',
	auth: 'guest',
	rateLimit: 'download',
	query: v.object(waitFields),
	async handle({parameters: {serverName, mediaId, fileName}, query, headers, signal}, {media}) {
		const name = media.checkFileName(fileName);
		return mediaResponse(await media.open(serverName, mediaId, waitOptions(query, signal)), headers, name);
	},
});

/**
 * Gives a picture to be shown in small. It may be larger than asked for: it is kept in a few sizes.
 * @see https://spec.matrix.org/v1.19/client-server-api/#thumbnails
 */
export const getContentThumbnailAuthed = route({
	id: 'getContentThumbnailAuthed',
	method: 'GET',
	path: '/_matrix/client/v1/media/thumbnail/:serverName/:mediaId',
	auth: 'guest',
	rateLimit: 'download',
	query: v.object({
		...waitFields,
		...thumbnailFields,
	}),
	async handle({parameters: {serverName, mediaId}, query, headers, signal}, {media}) {
		const options = {...waitOptions(query, signal), ...thumbnailRequest(query)};
		return mediaResponse(await media.openThumbnail(serverName, mediaId, options), headers);
	},
});

/** What the repository takes. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediaconfig */
export const getConfigAuthed = route({
	id: 'getConfigAuthed',
	method: 'GET',
	path: '/_matrix/client/v1/media/config',
	auth: 'user',
	handle: (_request, {media}) => ({'m.upload.size': media.uploadBytesMax}),
});

/** Gives nothing: previews are off. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediapreview_url */
export const getUrlPreviewAuthed = route({
	id: 'getUrlPreviewAuthed',
	method: 'GET',
	path: '/_matrix/client/v1/media/preview_url',
	auth: 'user',
	query: previewQuery,
	handle: refusePreview,
});
