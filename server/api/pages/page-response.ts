import {content, type HttpResponse} from '../../http/index.ts';
import {type Page, pageHeaders} from '../../../web/index.ts';

/** A form of ours, its fields percent-encoded, is far below this. */
export const formBytesMax = 16 * 1024;

/** Answers with a page. */
export function pageResponse(
	page: Page,
	options: {
		readonly status?: number | undefined;
		readonly cookies?: readonly string[];
		readonly formTargets?: readonly string[] | undefined;
		readonly headers?: Readonly<Record<string, string>>;
	} = {},
): HttpResponse {
	const {status = 200, cookies = [], formTargets, headers} = options;
	return content('text/html; charset=utf-8', page.text, {
		status,
		cookies,
		headers: {...headers, ...pageHeaders(page, formTargets)},
	});
}
