import type {Readable} from 'node:stream';
import {type BodyLimits, BodyTooLargeError, DEFAULT_RATE, limitBody, readBody} from './body.ts';
import {createConnector, type Network} from './connect.ts';
import {OutboundError} from './errors.ts';

/** Bounds of {@link fetchPublic}. */
export interface FetchLimits {
	readonly sizeBytesMax: number;
	readonly redirectsMax: number;
	/** From the first byte of DNS to the last byte of the body, redirects included. */
	readonly totalTimeoutMs: number;
}

/** An answer of {@link fetchPublic}, after its redirects. */
export interface FetchedAnswer {
	readonly status: number;
	/** Lower-case names; a header that came several times is joined by commas. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Buffer;
}

/** An answer of {@link streamPublic}. Whoever gets one reads its body to the end or calls `close`. */
export interface StreamedAnswer extends Pick<FetchedAnswer, 'status' | 'headers'> {
	/** Throws OutboundError where the server is too slow or sends too much. */
	readonly body: AsyncIterable<Buffer>;
	/** Ends the answer where it is, and its connection with it. Does nothing once the body was read. */
	close(): void;
}

// Errors of undici are told by their codes: it is a megabyte of code, loaded when the first request leaves.
const TIMEOUT_CODES = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'UND_ERR_CONNECT_TIMEOUT']);
const MALFORMED_CODES = new Set([
	'UND_ERR_HEADERS_OVERFLOW',
	'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
	'UND_ERR_RES_EXCEEDED_MAX_SIZE',
]);
/** What the HTTP parser complains of. */
const PARSER_CODE_START = 'HPE_';

const REDIRECT_STATUSES = new Set([301, 302, 303, 307, 308]);

/**
 * Gets an https URL without any credentials, following redirects. Every hop is a new connection through the checked
 * connector, so no redirect leads to a private address.
 */
export async function fetchPublic(network: Network, url: URL, limits: FetchLimits): Promise<FetchedAnswer> {
	const signal = AbortSignal.timeout(limits.totalTimeoutMs);
	return follow(url, limits.redirectsMax, (target) => fetchOnce(network, {method: 'GET', url: target}, limits, signal));
}

/** Bounds of {@link streamPublic}. */
export interface StreamLimits extends Pick<FetchLimits, 'sizeBytesMax' | 'redirectsMax'> {
	/** From the first byte of DNS to the last byte of the answer's head, redirects included; what follows has a least pace. */
	readonly headTimeoutMs: number;
}

/** As {@link fetchPublic}, for what is too large to be held: the body comes as it is sent. */
export async function streamPublic(network: Network, url: URL, limits: StreamLimits): Promise<StreamedAnswer> {
	const deadline = new AbortController();
	const timer = setTimeout(() => deadline.abort(), limits.headTimeoutMs);
	try {
		return await follow(url, limits.redirectsMax, (target) => streamOnce(network, target, limits, deadline.signal));
	} finally {
		clearTimeout(timer);
	}
}

/** Asks at a URL, and on where its answers send, as long as that is https without credentials. */
async function follow<T extends Pick<FetchedAnswer, 'status' | 'headers'>>(
	url: URL,
	redirectsMax: number,
	ask: (target: URL) => Promise<T>,
): Promise<T> {
	const visited = new Set<string>();
	let target = url;
	for (;;) {
		if (target.protocol !== 'https:' || target.username !== '' || target.password !== '') {
			throw new OutboundError('not_allowed', 'Expected an https URL without credentials');
		}
		visited.add(target.href);
		const answer = await ask(target);
		const location = answer.headers['location'];
		if (!REDIRECT_STATUSES.has(answer.status) || location === undefined) return answer;
		if (visited.size > redirectsMax) {
			throw new OutboundError('bad_response', `Expected at most ${redirectsMax} redirects, got more`);
		}
		if (!URL.canParse(location, target.href)) throw new OutboundError('bad_response', 'Expected a URL in Location');
		target = new URL(location, target.href);
		target.hash = '';
		if (visited.has(target.href)) throw new OutboundError('bad_response', 'Expected no loop of redirects');
	}
}

/** Posts JSON text to an https URL, through the checked connector; a redirect is an answer like another. */
export function postPublic(
	network: Network,
	url: URL,
	text: string,
	limits: Omit<FetchLimits, 'redirectsMax'>,
	signal: AbortSignal,
): Promise<FetchedAnswer> {
	return askPublic(network, {method: 'POST', url, text, headers: {'content-type': 'application/json'}}, limits, signal);
}

/** A request to whoever it may be. */
export interface PublicRequest {
	readonly method: 'GET' | 'POST';
	readonly url: URL;
	readonly text?: string;
	/** Besides those of every request. */
	readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Sends a request to an https URL, through the checked connector; a redirect is an answer like another.
 * @throws OutboundError
 */
export function askPublic(
	network: Network,
	request: PublicRequest,
	limits: Omit<FetchLimits, 'redirectsMax'>,
	signal: AbortSignal,
): Promise<FetchedAnswer> {
	const both = AbortSignal.any([signal, AbortSignal.timeout(limits.totalTimeoutMs)]);
	return fetchOnce(network, request, limits, both);
}

async function fetchOnce(
	network: Network,
	{method, url, text, headers: own}: PublicRequest,
	limits: Omit<FetchLimits, 'redirectsMax'>,
	signal: AbortSignal,
): Promise<FetchedAnswer> {
	const {Client} = await import('undici');
	const client = new Client(url.origin, {connect: createConnector(network)});
	try {
		const {statusCode, headers, body} = await client.request({
			method,
			path: url.pathname + url.search,
			headers: {
				accept: 'application/json',
				'accept-encoding': 'identity',
				'user-agent': 'Broadsheet',
				...own,
			},
			...(text !== undefined && {body: text}),
			headersTimeout: limits.totalTimeoutMs,
			bodyTimeout: limits.totalTimeoutMs,
			signal,
		});
		const flat = flattenHeaders(headers);
		const isRedirect = REDIRECT_STATUSES.has(statusCode);
		if (!isRedirect) checkEncoding(flat);
		const content = isRedirect ? Buffer.alloc(0) : await readBody(body, {...DEFAULT_RATE, ...limits});
		return {status: statusCode, headers: flat, body: content};
	} catch (error) {
		throw toOutboundError(error, signal);
	} finally {
		// Nothing of it is used again; a body not read to its end goes with the connection.
		await client.destroy();
	}
}

async function streamOnce(
	network: Network,
	url: URL,
	limits: StreamLimits,
	deadline: AbortSignal,
): Promise<StreamedAnswer> {
	const {Client} = await import('undici');
	const client = new Client(url.origin, {connect: createConnector(network)});
	// That it was cut off is an error to nobody once it is not wanted any more.
	const end = (): void => void client.destroy().catch(() => undefined);
	try {
		const {statusCode, headers, body} = await client.request({
			method: 'GET',
			path: url.pathname + url.search,
			headers: {accept: '*/*', 'accept-encoding': 'identity', 'user-agent': 'Broadsheet'},
			headersTimeout: limits.headTimeoutMs,
			bodyTimeout: DEFAULT_RATE.windowMs,
			signal: deadline,
		});
		const flat = flattenHeaders(headers);
		const close = (): void => {
			body.on('error', () => undefined).destroy();
			end();
		};
		if (REDIRECT_STATUSES.has(statusCode)) {
			close();
			return {status: statusCode, headers: flat, body: nothing(), close};
		}
		try {
			checkEncoding(flat);
			if (Number(flat['content-length'] ?? 0) > limits.sizeBytesMax) throw new BodyTooLargeError(limits);
		} catch (error) {
			close();
			throw error;
		}
		return {status: statusCode, headers: flat, body: readOn(body, {...DEFAULT_RATE, ...limits}, end), close};
	} catch (error) {
		end();
		throw toOutboundError(error, deadline);
	}
}

// oxlint-disable-next-line require-yield -- an answer that sends elsewhere says nothing itself
async function* nothing(): AsyncGenerator<Buffer, void, void> {}

async function* readOn(body: Readable, limits: BodyLimits, end: () => void): AsyncGenerator<Buffer, void, void> {
	try {
		yield* limitBody(body, limits);
	} catch (error) {
		throw toOutboundError(error);
	} finally {
		end();
	}
}

/** We ask for no compression and undo none: a small bomb stays small. */
export function checkEncoding(headers: Readonly<Record<string, string>>): void {
	const encoding = headers['content-encoding'];
	if (encoding !== undefined && encoding.toLowerCase() !== 'identity') {
		throw new OutboundError('bad_response', 'Expected an answer without content encoding');
	}
}

/** Joins repeated headers, as RFC 9110 section 5.3 allows. */
export function flattenHeaders(
	headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
	const flat = Object.create(null) as Record<string, string>;
	for (const [name, value] of Object.entries(headers)) {
		if (value !== undefined) flat[name] = Array.isArray(value) ? value.join(', ') : value;
	}
	return flat;
}

/** Gives the stable code of an error of undici; empty where there is none. */
export function codeOf(error: unknown): string {
	const code = error instanceof Error && 'code' in error ? error.code : undefined;
	return typeof code === 'string' ? code : '';
}

/** Gives our own error for whatever undici, TLS or a signal threw. */
export function toOutboundError(error: unknown, deadline?: AbortSignal, callerSignal?: AbortSignal): OutboundError {
	if (error instanceof OutboundError) return error;
	if (callerSignal?.aborted === true)
		return new OutboundError('aborted', 'The request was ended by us', {cause: error});
	if (deadline?.aborted === true)
		return new OutboundError('timeout', 'Expected the whole answer in time', {cause: error});
	const code = codeOf(error);
	if (TIMEOUT_CODES.has(code)) return new OutboundError('timeout', 'Expected an answer in time', {cause: error});
	if (MALFORMED_CODES.has(code) || code.startsWith(PARSER_CODE_START))
		return new OutboundError('bad_response', 'Expected an HTTP answer', {cause: error});
	return new OutboundError('unreachable', 'The connection ended before the answer', {cause: error});
}
