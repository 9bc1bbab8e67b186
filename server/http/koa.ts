import {randomBytes} from 'node:crypto';
import type {IncomingMessage, ServerResponse} from 'node:http';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import Koa from 'koa';
import {preflightHeaders} from './cors.ts';
import {type ErrorMapper, MatrixError} from './errors.ts';
import {Exchange, type ExchangeContext} from './exchange.ts';
import {HttpResponse} from './response.ts';
import type {RouteTable, ServedGroup} from './route.ts';
import {Router} from './router.ts';
import {RequestAborted} from './signals.ts';

/** Where the edge writes what went wrong; never contents, tokens or addresses. */
export interface EdgeLog {
	error(fields: object, message: string): void;
	debug(fields: object, message: string): void;
}

/** Is told of every answered request. */
export type RequestObserver = (operation: string, method: string, status: number, durationMs: number) => void;

/** What an application is made of. */
export interface ApplicationOptions<Services> {
	readonly tables: readonly RouteTable<Services>[];
	readonly services: Services;
	readonly context: ExchangeContext;
	readonly mapError: ErrorMapper;
	readonly log: EdgeLog;
	readonly observe: RequestObserver;
}

/** An unread body up to this size is read and dropped, so that the connection stays usable. */
const unreadBytesMax = 64 * 1024;
/** After an answer that did not wait for a larger body, a client has this long to read it before the connection ends. */
const lingerMs = 1_000;

/**
 * Answers the requests of one listener: the routes of the groups it serves, and a JSON error for all else.
 * @param headers what every answer starts from
 */
export function makeListener<Services>(
	options: ApplicationOptions<Services>,
	serves: readonly ServedGroup[],
	headers: Readonly<Record<string, string>>,
): (request: IncomingMessage, response: ServerResponse) => void {
	const tables = options.tables.filter((table) => table.serves === 'everywhere' || serves.includes(table.serves));
	const router = new Router(tables.flatMap((table) => table.routes));
	const application = new Koa();
	// Koa must not answer for a context that `respond` below has answered.
	application.use(async (context) => {
		context.respond = false;
		await answer(options, router, headers, context.req, context.res);
	});
	application.silent = true;
	const callback = application.callback();
	return (request, response) => void callback(request, response);
}

async function answer<Services>(
	options: ApplicationOptions<Services>,
	router: Router<Services>,
	standing: Readonly<Record<string, string>>,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	const startedMs = performance.now();
	const {context} = options;
	const exchange = new Exchange(request, response, originForm(request.url ?? '/'), context);
	context.underway.add(exchange);
	for (const name in standing) {
		response.setHeader(name, standing[name]!);
	}
	try {
		const result = await handle(options, router, exchange, request);
		await respond(request, response, result, context.isStopping);
	} catch (error) {
		await respond(request, response, toResponse(options, exchange, error), context.isStopping);
	} finally {
		context.underway.delete(exchange);
		options.observe(exchange.operation, request.method ?? '', response.statusCode, performance.now() - startedMs);
	}
}

async function handle<Services>(
	{services}: ApplicationOptions<Services>,
	router: Router<Services>,
	exchange: Exchange,
	request: IncomingMessage,
): Promise<HttpResponse> {
	if (request.method === 'OPTIONS') {
		exchange.operation = 'preflight';
		return preflight;
	}
	const queryStart = exchange.uri.indexOf('?');
	const path = queryStart === -1 ? exchange.uri : exchange.uri.slice(0, queryStart);
	const {route, parameters} = router.find(request.method ?? '', path);
	exchange.operation = route.id;
	exchange.parameters = parameters;
	await exchange.prepare(route);
	const result = await route.handle(exchange, services);
	return result instanceof HttpResponse ? result : new HttpResponse(200, jsonHeaders, JSON.stringify(result));
}

const preflight = new HttpResponse(204, preflightHeaders, undefined);
const jsonHeaders = {'content-type': 'application/json'};

/** A request target in absolute form (`http://host/path`, as to proxies) without its scheme and host. */
function originForm(target: string): string {
	if (target.startsWith('/')) {
		return target;
	}
	const match = /^https?:\/\/[^/?#]*(\/[^#]*)?$/iu.exec(target);
	return match === null ? target : (match[1] ?? '/');
}

function toResponse<Services>(
	{log, mapError}: ApplicationOptions<Services>,
	exchange: Exchange,
	error: unknown,
): HttpResponse {
	if (error instanceof RequestAborted) {
		const stopping = new MatrixError('M_UNKNOWN', error.message, {status: 503, headers: {'retry-after': '5'}});
		return errorResponse(stopping);
	}
	const known = error instanceof MatrixError ? error : mapError(error);
	if (known !== undefined) {
		return known instanceof HttpResponse ? known : errorResponse(known);
	}
	const errorId = randomBytes(6).toString('hex');
	log.error({errorId, operation: exchange.operation, ...describe(error)}, 'A request failed unexpectedly');
	log.debug({errorId, text: error instanceof Error ? error.message : typeof error}, 'Text of the failure');
	return errorResponse(new MatrixError('M_UNKNOWN', `Internal server error (${errorId})`));
}

function errorResponse(error: MatrixError): HttpResponse {
	return new HttpResponse(error.status, {...jsonHeaders, ...error.headers}, JSON.stringify(error));
}

/** The kind and place of an error, without its text, which may quote what was sent. */
function describe(error: unknown): object {
	if (!(error instanceof Error)) {
		return {kind: typeof error};
	}
	const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /u.test(line));
	return {kind: error.name, ...('code' in error ? {code: error.code} : {}), stack: frames.slice(0, 12).join('\n')};
}

async function respond(
	request: IncomingMessage,
	response: ServerResponse,
	{status, headers, body}: HttpResponse,
	isStopping: boolean,
): Promise<void> {
	if (response.headersSent || response.destroyed) {
		// The answer broke off in the middle (a stream failed) or nobody is there: end the connection, say nothing.
		response.destroy();
		if (body instanceof Readable) {
			body.destroy();
		}
		return;
	}
	response.statusCode = status;
	for (const name in headers) {
		response.setHeader(name, headers[name]!);
	}
	if (isStopping) {
		response.setHeader('connection', 'close');
	}
	if (body instanceof Readable) {
		await sendStream(request, response, body);
		return;
	}
	const lengthBytes = body === undefined ? 0 : Buffer.byteLength(body);
	if (status !== 204 && status !== 304) {
		response.setHeader('content-length', lengthBytes);
	}
	if (request.complete || !leavesMuchUnread(request)) {
		response.end(body);
		return;
	}
	response.setHeader('connection', 'close');
	sendBeforeBody(request, response, body);
}

async function sendStream(request: IncomingMessage, response: ServerResponse, body: Readable): Promise<void> {
	if (request.method === 'HEAD') {
		body.destroy();
		response.end();
		return;
	}
	try {
		await pipeline(body, response);
	} catch (error) {
		// The client went away in the middle: nothing is wrong here.
		if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) {
			throw error;
		}
	}
}

function leavesMuchUnread(request: IncomingMessage): boolean {
	const length = request.headers['content-length'];
	return request.headers['transfer-encoding'] !== undefined || Number(length ?? 0) > unreadBytesMax;
}

/**
 * Answers while the client may still be sending. Closing at once would reset the connection and take the answer with
 * it, so what comes is dropped for a moment, and then the connection ends.
 */
function sendBeforeBody(request: IncomingMessage, response: ServerResponse, body: string | Buffer | undefined): void {
	response.flushHeaders();
	if (body !== undefined && request.method !== 'HEAD') {
		response.write(body);
	}
	const finish = (): void => {
		clearTimeout(timer);
		response.end();
		request.socket.destroySoon();
	};
	const timer = setTimeout(finish, lingerMs);
	request.once('end', finish).once('close', () => clearTimeout(timer));
	request.resume();
}
