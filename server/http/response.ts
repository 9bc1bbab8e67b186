import type {Readable} from 'node:stream';

/** The headers of plain JSON. */
export const jsonHeaders: Readonly<Record<string, string>> = {'content-type': 'application/json'};

interface ResponseOptions {
	/** Default 200. */
	readonly status?: number;
	/** Lower-case names; they replace the server's own headers of the same name. */
	readonly headers?: Readonly<Record<string, string>>;
	/** Values of `Set-Cookie`, each a header of its own. */
	readonly cookies?: readonly string[];
}

/** A response that is more than a JSON object with status 200. Handlers make one with the functions below. */
export class HttpResponse {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string | Buffer | Readable | undefined;
	/** Values of `Set-Cookie`. */
	readonly cookies: readonly string[];
	constructor(
		status: number,
		headers: Readonly<Record<string, string>>,
		body: string | Buffer | Readable | undefined,
		cookies: readonly string[] = [],
	) {
		this.status = status;
		this.headers = headers;
		this.body = body;
		this.cookies = cookies;
	}
}

/** A JSON response whose status or headers are not the usual ones. */
export function json(value: object, options: ResponseOptions = {}): HttpResponse {
	return rawJson(JSON.stringify(value), options);
}

/** JSON that is text already, sent as it is: what was rendered once need not be rendered for each reader. */
export function rawJson(text: string, {status = 200, headers}: ResponseOptions = {}): HttpResponse {
	return new HttpResponse(status, headers === undefined ? jsonHeaders : {...jsonHeaders, ...headers}, text);
}

/** A redirect; 302 unless said otherwise. */
export function redirect(location: string, {status = 302, headers = {}, cookies}: ResponseOptions = {}): HttpResponse {
	return new HttpResponse(status, {location, ...headers}, undefined, cookies);
}

/** A body with a content type of its own: bytes, text, or a stream. The stream is destroyed when the client goes. */
export function content(
	contentType: string,
	body: string | Buffer | Readable,
	{status = 200, headers = {}, cookies}: ResponseOptions = {},
): HttpResponse {
	return new HttpResponse(status, {'content-type': contentType, ...headers}, body, cookies);
}
