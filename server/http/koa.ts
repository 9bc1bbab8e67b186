import {randomBytes} from 'node:crypto';
import type {IncomingMessage, ServerResponse} from 'node:http';
import Koa from 'koa';
import {preflightHeaders} from './cors.ts';
import {type ErrorMapper, MatrixError} from './errors.ts';
import {Exchange, type ExchangeContext} from './exchange.ts';
import {respond, StandingHeaders} from './respond.ts';
import {HttpResponse, jsonHeaders} from './response.ts';
import type {ErrorView, RouteTable, ServedGroup} from './route.ts';
import {type Match, Router} from './router.ts';
import {RequestAborted} from './signals.ts';
import {Turnstile} from './turnstile.ts';

/** Whoever is signed in does not wait for a crowd that wants to be. So many are answered in a millisecond or two. */
const signIns = new Turnstile(8);

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
	const standing = new StandingHeaders(headers);
	const stopping = new StandingHeaders({...headers, connection: 'close'});
	const standingNow = (): StandingHeaders => (options.context.isStopping ? stopping : standing);
	const application = new Koa();
	// Koa must not answer for a context that `respond` below has answered.
	application.use(async (context) => {
		context.respond = false;
		await answer(options, router, standingNow, context.req, context.res);
	});
	application.silent = true;
	const callback = application.callback();
	return (request, response) => void callback(request, response);
}

async function answer<Services>(
	options: ApplicationOptions<Services>,
	router: Router<Services>,
	standingNow: () => StandingHeaders,
	request: IncomingMessage,
	response: ServerResponse,
): Promise<void> {
	const startedMs = performance.now();
	const {context} = options;
	const exchange = new Exchange(request, response, originForm(request.url ?? '/'), context);
	context.underway.add(exchange);
	let showError: ErrorView<Services> | undefined;
	try {
		const found = request.method === 'OPTIONS' ? undefined : findRoute(router, exchange, request);
		showError = found?.route.showError;
		// A stream that breaks off is answered like a handler that throws: by ending the connection.
		await respond(request, response, await handle(options.services, exchange, found), standingNow());
	} catch (error) {
		await respond(request, response, toResponse(options, exchange, error, showError), standingNow());
	} finally {
		context.underway.delete(exchange);
		exchange.leave();
		options.observe(exchange.operation, request.method ?? '', response.statusCode, performance.now() - startedMs);
	}
}

function findRoute<Services>(router: Router<Services>, exchange: Exchange, request: IncomingMessage): Match<Services> {
	const queryStart = exchange.uri.indexOf('?');
	const path = queryStart === -1 ? exchange.uri : exchange.uri.slice(0, queryStart);
	const match = router.find(request.method ?? '', path);
	exchange.operation = match.route.id;
	return match;
}

/** @param found absent: the browser asks whether it may ask */
async function handle<Services>(
	services: Services,
	exchange: Exchange,
	found: Match<Services> | undefined,
): Promise<HttpResponse> {
	if (found === undefined) {
		exchange.operation = 'preflight';
		return preflight;
	}
	const {route, readParameters} = found;
	if (route.work === 'sign-in') await signIns.pass();
	exchange.checkLoad(route);
	await exchange.prepare(route);
	exchange.enter(route);
	exchange.parameters = readParameters();
	const pending = route.handle(exchange, services);
	if (route.releasesBody) exchange.releaseBody();
	const result = await pending;
	return result instanceof HttpResponse ? result : new HttpResponse(200, jsonHeaders, JSON.stringify(result));
}

const preflight = new HttpResponse(204, preflightHeaders, undefined);

/** A request target in absolute form (`http://host/path`, as to proxies) without its scheme and host. */
function originForm(target: string): string {
	if (target.startsWith('/')) {
		return target;
	}
	const match = /^https?:\/\/[^/?#]*(\/[^#]*)?$/iu.exec(target);
	return match === null ? target : (match[1] ?? '/');
}

function toResponse<Services>(
	{log, mapError, services}: ApplicationOptions<Services>,
	exchange: Exchange,
	error: unknown,
	showError: ErrorView<Services> | undefined,
): HttpResponse {
	const errorResponse = (shown: MatrixError): HttpResponse =>
		showError === undefined ? jsonError(shown) : showError(shown, exchange, services);
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

function jsonError(error: MatrixError): HttpResponse {
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
