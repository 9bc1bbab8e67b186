import {newOpaqueId} from '../../../crypto/index.ts';
import {content, type HttpResponse} from '../../http/index.ts';
import {type OpenedMedium, writeDisposition, writeMultipart} from '../../media/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {thumbnailFields, thumbnailRequest} from '../thumbnail-query.ts';

const waitMsDefault = 20_000;
const waitFields = {timeout_ms: v.optional(v.integer({min: 0}))};

/** Answers with an empty JSON object and the medium. */
function multipartResponse(medium: OpenedMedium): HttpResponse {
	const headers = {'content-type': medium.contentType, 'content-disposition': writeDisposition(medium)};
	const {contentType, body, sizeBytes} = writeMultipart(newOpaqueId(), headers, {
		body: medium.read(),
		sizeBytes: medium.sizeBytes,
	});
	return content(contentType, body, {headers: {'content-length': String(sizeBytes)}});
}

/**
 * Gives a file of this server to another one.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediadownloadmediaid
 */
export const getContent = route({
	id: 'getContent',
	method: 'GET',
	path: '/_matrix/federation/v1/media/download/:mediaId',
	auth: 'server',
	query: v.object(waitFields),
	async handle({parameters: {mediaId}, query, signal}, {config, media}) {
		const timeoutMs = query.timeout_ms ?? waitMsDefault;
		return multipartResponse(await media.open(config.serverName, mediaId, {timeoutMs, signal}));
	},
});

/**
 * Gives a picture of this server to be shown in small.
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1mediathumbnailmediaid
 */
export const getContentThumbnail = route({
	id: 'getContentThumbnail',
	method: 'GET',
	path: '/_matrix/federation/v1/media/thumbnail/:mediaId',
	auth: 'server',
	query: v.object({
		...waitFields,
		...thumbnailFields,
	}),
	async handle({parameters: {mediaId}, query, signal}, {config, media}) {
		const wait = {timeoutMs: query.timeout_ms ?? waitMsDefault, signal, ...thumbnailRequest(query)};
		return multipartResponse(await media.openThumbnail(config.serverName, mediaId, wait));
	},
});
