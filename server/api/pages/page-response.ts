import {content, type HttpResponse} from '../../http/index.ts';
import {pageHeaders} from '../../pages/index.ts';

/** A form of ours, its fields percent-encoded, is far below this. */
export const formBytesMax = 16 * 1024;

/** Answers with a page. */
export function pageResponse(text: string, status = 200): HttpResponse {
	return content('text/html; charset=utf-8', text, {status, headers: pageHeaders});
}
