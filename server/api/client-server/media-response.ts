import {content, type HttpResponse} from '../../http/index.ts';
import {type OpenedMedium, writeDisposition} from '../../media/index.ts';
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
 * Answers with a medium. It never changes under its name, but who looks at it from the same cache later may have to sign
 * in anew.
 * @param fileName replaces the name that it was uploaded under
 */
export function mediaResponse(medium: OpenedMedium, fileName: string | null = medium.fileName): HttpResponse {
	return content(medium.contentType, medium.body, {
		headers: {
			'content-length': String(medium.sizeBytes),
			'content-disposition': writeDisposition({contentType: medium.contentType, fileName}),
			'content-security-policy': sandbox,
			'cross-origin-resource-policy': 'cross-origin',
			'x-content-type-options': 'nosniff',
			'cache-control': 'private, max-age=86400, immutable',
		},
	});
}
