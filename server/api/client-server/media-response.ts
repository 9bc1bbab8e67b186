import type {IncomingHttpHeaders} from 'node:http';
import {content, HttpResponse, MatrixError} from '../../http/index.ts';
import {type OpenedMedium, writeDisposition} from '../../media/index.ts';
import {findRange, namesTag} from './byte-ranges.ts';
import {v} from '../../validation/index.ts';

/** How long a client waits by default for content that was announced. */
const waitMsDefault = 20_000;

/** Other people's files do nothing in a browser, wherever they are opened. */
const sandbox =
	"sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; object-src 'self';";

/** The query of every endpoint that gives media. */
export const waitFields = {timeout_ms: v.optional(v.integer({min: 0}))};

/** Reads {@link waitFields}. */
export function waitOptions(
	query: {readonly timeout_ms?: number | undefined},
	signal: AbortSignal,
): {timeoutMs: number; signal: AbortSignal} {
	return {timeoutMs: query.timeout_ms ?? waitMsDefault, signal};
}

/**
 * Answers with a medium, or with a part of it that was asked for. It never changes under its name, but who looks at it
 * from the same cache later may have to sign in anew.
 * @param asked headers of the request
 * @param fileName replaces the name that it was uploaded under
 * @throws MatrixError where there is no such part
 */
export async function mediaResponse(
	medium: OpenedMedium,
	asked: IncomingHttpHeaders,
	fileName: string | null = medium.fileName,
): Promise<HttpResponse> {
	const {contentType, sizeBytes} = medium;
	// The hash of the content is as strong as a tag can be.
	const tag = `"${medium.sha256}"`;
	const standing = {etag: tag, 'cache-control': 'private, max-age=86400, immutable'};
	if (namesTag(asked['if-none-match'], tag)) {
		await medium.close();
		return new HttpResponse(304, standing, undefined);
	}
	const range = findRange(asked, tag, sizeBytes);
	if (range === 'none') {
		await medium.close();
		throw new MatrixError('M_INVALID_PARAM', `Expected a range within ${sizeBytes} bytes`, {
			status: 416,
			headers: {'content-range': `bytes */${sizeBytes}`},
		});
	}
	const headers = {
		...standing,
		'accept-ranges': 'bytes',
		'content-disposition': writeDisposition({contentType, fileName}),
		'content-security-policy': sandbox,
		'cross-origin-resource-policy': 'cross-origin',
		'x-content-type-options': 'nosniff',
	};
	if (range === undefined) {
		return content(contentType, medium.read(), {headers: {...headers, 'content-length': String(sizeBytes)}});
	}
	return content(contentType, medium.read(range), {
		status: 206,
		headers: {
			...headers,
			'content-length': String(range.end - range.start + 1),
			'content-range': `bytes ${range.start}-${range.end}/${sizeBytes}`,
		},
	});
}
