import type {Readable} from 'node:stream';
import type {Dispatcher, Pool} from 'undici';
import type {ServerName} from '../../crypto/index.ts';
import {type Transport, TransportError, type TransportErrorCode, type TransportRequest} from '../engine/index.ts';
import {abortable} from './abortable.ts';
import {type BodyLimits, BodyTooLargeError, DEFAULT_RATE, limitBody} from './body.ts';
import {createConnector, type Network} from './connect.ts';
import type {Discovery, Route} from './discovery.ts';
import type {OutboundErrorCode} from './errors.ts';
import {checkEncoding, codeOf, flattenHeaders, toOutboundError} from './fetch-public.ts';

/** An answer whose body is read as it comes. Whoever gets one reads it to its end or calls `close`. */
export interface StreamedResponse {
	readonly status: number;
	/** Names in lower case. */
	readonly headers: Readonly<Record<string, string>>;
	/** Throws TransportError where the peer is too slow or sends too much. */
	readonly body: AsyncIterable<Buffer>;
	/** Ends the answer where it is, and its connection with it. Does nothing once the body was read. */
	close(): void;
}

/** Requests to other servers over TLS. */
export interface HttpsTransport extends Transport, AsyncDisposable {
	/** As `request`, but `timeoutMs` ends with the answer's headers; the body is only held to its size and a minimum rate. */
	stream(request: TransportRequest): Promise<StreamedResponse>;
	/** Ends what is under way and closes all connections. */
	close(): Promise<void>;
}

export interface HttpsTransportOptions {
	readonly network: Network;
	readonly discovery: Discovery;
	/** Slowest body that is put up with. Default: 1 KiB/s over 10 s. */
	readonly rate?: Pick<BodyLimits, 'windowMs' | 'windowBytesMin'>;
	/** Connections that nobody used for so long are closed. Default: a minute. */
	readonly idleTimeoutMs?: number;
}

/** Connections to one server at a time: transactions, joins and queries of ours run side by side on so many. */
const CONNECTIONS_MAX = 8;
/** A connection is made anew after so long, so that moved servers and withdrawn certificates are noticed. */
const CONNECTION_LIFETIME_MS = 600_000;
const IDLE_TIMEOUT_MS = 60_000;
/** Servers to which connections are kept; the one used longest ago gives way. */
const POOLS_MAX = 2000;

const ERROR_CODES: Readonly<Record<OutboundErrorCode, TransportErrorCode>> = {
	not_allowed: 'unreachable',
	unreachable: 'unreachable',
	timeout: 'timeout',
	bad_response: 'connection_lost',
	remote_error: 'connection_lost',
	overloaded: 'unreachable',
	aborted: 'aborted',
};

type Undici = Pick<typeof import('undici'), 'Pool'>;

interface PoolEntry {
	readonly pool: Pool;
	usedAt: number;
	active: number;
}

/** Makes the transport that reaches real servers: it finds them, connects through the checked connector, keeps limits. */
export function createHttpsTransport(options: HttpsTransportOptions): HttpsTransport {
	return new PooledTransport(options);
}

class PooledTransport implements HttpsTransport {
	readonly #options: HttpsTransportOptions;
	readonly #idleTimeoutMs: number;
	/** In the order of last use. */
	readonly #pools = new Map<string, PoolEntry>();
	readonly #sweep: NodeJS.Timeout;

	constructor(options: HttpsTransportOptions) {
		this.#options = options;
		this.#idleTimeoutMs = options.idleTimeoutMs ?? IDLE_TIMEOUT_MS;
		this.#sweep = setInterval(() => this.#closeIdle(), this.#idleTimeoutMs).unref();
	}

	async request(request: TransportRequest): ReturnType<Transport['request']> {
		const deadline = AbortSignal.timeout(request.timeoutMs);
		const {status, headers, body} = await this.#start(request, deadline, deadline);
		const chunks: Buffer[] = [];
		for await (const chunk of body) chunks.push(chunk);
		return {status, headers, body: Buffer.concat(chunks)};
	}

	stream(request: TransportRequest): Promise<StreamedResponse> {
		return this.#start(request, AbortSignal.timeout(request.timeoutMs), undefined);
	}

	async close(): Promise<void> {
		clearInterval(this.#sweep);
		const pools = [...this.#pools.values()];
		this.#pools.clear();
		await Promise.all(pools.map(({pool}) => pool.destroy()));
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** Sends a request and gives its answer's head; `bodyDeadline` is what ends its body. */
	async #start(
		request: TransportRequest,
		deadline: AbortSignal,
		bodyDeadline: AbortSignal | undefined,
	): Promise<StreamedResponse> {
		// The signal given to undici lives as long as the body does, so a deadline for the head alone is a signal apart.
		const ending = new AbortController();
		const signals = [deadline, ...(request.signal === undefined ? [] : [request.signal])];
		const abort = (): void => ending.abort();
		for (const signal of signals) signal.addEventListener('abort', abort, {once: true});
		let entry: PoolEntry | undefined;
		const release = (): void => {
			for (const signal of signals) signal.removeEventListener('abort', abort);
			if (entry !== undefined) this.#release(entry);
			entry = undefined;
		};
		try {
			request.signal?.throwIfAborted();
			const route = await abortable(this.#options.discovery.findRoute(request.destination), ending.signal);
			const undici = await import('undici');
			entry = this.#acquire(undici, request.destination, route);
			const answer = await sendTwice(entry.pool, {
				method: request.method,
				path: request.path,
				headers: {'accept-encoding': 'identity', ...request.headers, host: route.hostHeader},
				...(request.body !== undefined && {body: request.body}),
				headersTimeout: request.timeoutMs,
				bodyTimeout: this.#rate.windowMs,
				signal: ending.signal,
			});
			if (bodyDeadline === undefined) deadline.removeEventListener('abort', abort);
			const close = (): void => {
				abandon(answer.body);
				release();
			};
			const headers = flattenHeaders(answer.headers);
			const limits = {...this.#rate, sizeBytesMax: request.responseBytesMax};
			try {
				checkHeaders(headers, limits);
			} catch (error) {
				abandon(answer.body);
				throw error;
			}
			const fail = (error: unknown): TransportError => toTransportError(error, bodyDeadline, request.signal);
			return {status: answer.statusCode, headers, body: readOn(limitBody(answer.body, limits), fail, release), close};
		} catch (error) {
			release();
			throw toTransportError(error, deadline, request.signal);
		}
	}

	get #rate(): Pick<BodyLimits, 'windowMs' | 'windowBytesMin'> {
		return this.#options.rate ?? DEFAULT_RATE;
	}

	/** Gives the pool of a server's route. A server that moved gets another pool; the old one goes when it is idle. */
	#acquire(undici: Undici, destination: ServerName, route: Route): PoolEntry {
		const key = JSON.stringify([
			destination,
			route.hostHeader,
			route.certificateName,
			...route.targets.map(formatTarget),
		]);
		const entry = this.#pools.get(key) ?? {pool: this.#createPool(undici, route), usedAt: 0, active: 0};
		this.#pools.delete(key);
		this.#pools.set(key, entry);
		entry.usedAt = performance.now();
		entry.active++;
		if (this.#pools.size > POOLS_MAX) this.#closeOldest();
		return entry;
	}

	#release(entry: PoolEntry): void {
		entry.active--;
		entry.usedAt = performance.now();
	}

	#createPool(undici: Undici, route: Route): Pool {
		// The URL only names the pool; where it connects to, and as whom, the route says.
		return new undici.Pool('https://destination.invalid', {
			connect: createConnector(this.#options.network, route),
			connections: CONNECTIONS_MAX,
			pipelining: 1,
			keepAliveTimeout: Math.min(30_000, this.#idleTimeoutMs),
			keepAliveMaxTimeout: this.#idleTimeoutMs,
			clientTtl: CONNECTION_LIFETIME_MS,
		});
	}

	#closeIdle(): void {
		const before = performance.now() - this.#idleTimeoutMs;
		for (const [key, entry] of this.#pools) {
			if (entry.active === 0 && entry.usedAt < before) this.#close(key, entry);
		}
	}

	#closeOldest(): void {
		for (const [key, entry] of this.#pools) {
			if (entry.active > 0) continue;
			this.#close(key, entry);
			return;
		}
	}

	#close(key: string, {pool}: PoolEntry): void {
		this.#pools.delete(key);
		// It is closed for being idle; how it ends does not matter.
		pool.close().catch(() => undefined);
	}
}

function formatTarget({host, port}: Route['targets'][number]): string {
	return `${host} ${port}`;
}

/**
 * Sends a request, and once more where its connection ended before an answer: a peer may close an idle connection in the
 * very moment in which we use it again. Not for POST, which may have had its effect.
 */
async function sendTwice(pool: Pool, request: Dispatcher.RequestOptions): Promise<Dispatcher.ResponseData> {
	try {
		return await pool.request(request);
	} catch (error) {
		if (codeOf(error) !== 'UND_ERR_SOCKET' || request.method === 'POST') throw error;
		return pool.request(request);
	}
}

/** Ends a body that nobody reads on. That it was cut off is an error to nobody, which without a listener ends the process. */
function abandon(body: Readable): void {
	body.on('error', () => undefined).destroy();
}

function checkHeaders(headers: Readonly<Record<string, string>>, limits: BodyLimits): void {
	checkEncoding(headers);
	if (Number(headers['content-length'] ?? 0) > limits.sizeBytesMax) throw new BodyTooLargeError(limits);
}

async function* readOn(
	chunks: AsyncGenerator<Buffer, void, void>,
	fail: (error: unknown) => TransportError,
	release: () => void,
): AsyncGenerator<Buffer, void, void> {
	try {
		yield* chunks;
	} catch (error) {
		throw fail(error);
	} finally {
		release();
	}
}

function toTransportError(error: unknown, deadline?: AbortSignal, signal?: AbortSignal): TransportError {
	const outbound = toOutboundError(error, deadline, signal);
	// The connector throws errors of ours; what is none came after it, from an open connection.
	const isLost = outbound.code === 'unreachable' && outbound !== error;
	const code = outbound instanceof BodyTooLargeError ? 'too_large' : ERROR_CODES[outbound.code];
	return new TransportError(isLost ? 'connection_lost' : code, outbound.message, {cause: outbound});
}
