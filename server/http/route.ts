import type {IncomingHttpHeaders} from 'node:http';
import type {Readable} from 'node:stream';
import type {JsonDefect} from '../../crypto/index.ts';
import type {ObjectSchema, Schema} from '../validation/index.ts';
import type {AuthKind, CallerOf} from './authenticate.ts';
import type {MatrixError} from './errors.ts';
import {type Work, workOf} from './load.ts';
import type {ParametersOf} from './parameters.ts';
import type {RateLimitClass} from './rate-limit.ts';
import type {HttpResponse} from './response.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** JSON bodies are at most this long where a route does not say otherwise: an event of 65,536 bytes and some room. */
export const bodyBytesMaxDefault = 96 * 1024;

/** What a handler is given of the request. */
export interface RouteRequest<Path extends string, Auth extends AuthKind, Body, Query> {
	/** Decoded. Those named as identifiers (`roomId`, `userId`, …) have their form checked. */
	readonly parameters: ParametersOf<Path>;
	readonly query: Query;
	readonly body: Body;
	readonly caller: CallerOf<Auth>;
	/** What is wrong with parts of a server's body, where the route allows that. */
	readonly defects: readonly JsonDefect[];
	/** Aborted with a `RequestAborted` when the client goes away or the server stops: long polls answer then. */
	readonly signal: AbortSignal;
	/** The client's address, behind the listed proxies; never to be logged or stored. */
	readonly address: string;
	/** What of the address limits are counted by: all of an IPv4 address, and of an IPv6 address what one household has. */
	readonly network: string;
	readonly headers: IncomingHttpHeaders;
	/** Path and query as they came. */
	readonly uri: string;
	/**
	 * Takes one out of another limit than the route's own, such as the tries for a claimed user name.
	 * @throws MatrixError M_LIMIT_EXCEEDED
	 */
	readonly spend: (limitClass: RateLimitClass, key: string) => void;
	/** Takes one out of another limit, if there is one, and says whether there was. */
	readonly take: (limitClass: RateLimitClass, key: string) => boolean;
	/**
	 * The body as it comes, for routes that declare `upload`. It fails with M_TOO_LARGE beyond the size, and when it
	 * comes slower than 1 KiB/s over 30 s.
	 */
	readonly openBody: (sizeBytesMax: number) => Readable;
	/** The text that a client's JSON body was read from; not on routes that remember bodies. */
	readonly bodyText: () => string;
}

/** Shows an error that is to be answered in another form than JSON. */
export type ErrorView<Services> = (
	error: MatrixError,
	request: Pick<AnyRequest, 'headers' | 'uri'>,
	services: Services,
) => HttpResponse;

/** All that is true of an endpoint. */
export interface RouteDeclaration<Services, Path extends string, Auth extends AuthKind, Body, Query> {
	/** The specification's operationId. */
	readonly id: string;
	readonly method: Method;
	/** Parameters as `:name`; a parameter is one whole segment and never empty. */
	readonly path: Path;
	/** Other paths of the same endpoint (unstable names, trailing slashes); parameters they lack are empty strings. */
	readonly alsoAt?: readonly string[];
	readonly auth: Auth;
	/** Default: `general`. */
	readonly rateLimit?: RateLimitClass;
	/** What kind of work it is when there is too much; `none`: it is never refused. Default: as the limit's class says. */
	readonly work?: Work | 'none';
	/** The form of the body; absent: none is read. */
	readonly body?: Schema<Body>;
	/** Default `json`. `form` is what a page's form sends; its fields are read as those of a query are. */
	readonly bodyFormat?: 'json' | 'form';
	/** A larger body is refused before it is read, or as soon as it is too large. Default: {@link bodyBytesMaxDefault}. */
	readonly bodyBytesMax?: number;
	/**
	 * How numbers of a client's body are read; default `plain`. `lossless` for what becomes an event: fractions and long
	 * integers come as LosslessNumber, to be refused there. Bodies of servers are always lossless.
	 */
	readonly numbers?: 'plain' | 'lossless';
	/** Clients send the same body again and again, and no handler changes it: what was read of it before is given again. */
	readonly remembersBodies?: boolean;
	/**
	 * The handler takes what it needs of the body before it first waits, and returns a promise that holds nothing of it: a
	 * large body is let go of before the disk is waited for, so that collecting garbage does not carry it along.
	 */
	readonly releasesBody?: boolean;
	/** For servers: a body with defects in parts of it is handed on, with `defects`, and not refused as a whole. */
	readonly allowsDefects?: boolean;
	/** The handler reads the body itself, with `openBody`. */
	readonly upload?: boolean;
	/** Repeated keys of the query count once (the first), except in arrays. */
	readonly query?: ObjectSchema<Query>;
	/** Locked accounts may call this. */
	readonly allowsLocked?: boolean;
	/** Sessions that wait for approval may call this; the handler shows them nothing of their person's. */
	readonly allowsQuarantined?: boolean;
	/** How its errors are shown, where people see them in a browser; absent: as the specification's JSON. */
	readonly showError?: ErrorView<Services>;
	/** Returns the JSON object to answer with, or a response made with `json`, `rawJson`, `content`, `redirect`. */
	handle(
		request: RouteRequest<Path, Auth, Body, Query>,
		services: Services,
	): Promise<object | HttpResponse> | object | HttpResponse;
}

/** A route in the table, its types proven by `route` and forgotten. */
export interface Route<Services> {
	readonly id: string;
	readonly method: Method;
	readonly path: string;
	readonly alsoAt: readonly string[];
	readonly auth: AuthKind;
	readonly rateLimit: RateLimitClass;
	readonly work: Work | 'none';
	readonly body: Schema<unknown> | undefined;
	readonly bodyFormat: 'json' | 'form';
	readonly bodyBytesMax: number;
	readonly numbers: 'plain' | 'lossless';
	readonly remembersBodies: boolean;
	readonly releasesBody: boolean;
	readonly allowsDefects: boolean;
	readonly upload: boolean;
	readonly query: ObjectSchema<unknown> | undefined;
	readonly allowsLocked: boolean;
	readonly allowsQuarantined: boolean;
	readonly showError: ErrorView<Services> | undefined;
	handle(request: AnyRequest, services: Services): Promise<object> | object;
}

/** A request whose route's types are forgotten. */
export interface AnyRequest {
	readonly parameters: Readonly<Record<string, string>>;
	readonly query: unknown;
	readonly body: unknown;
	readonly caller: unknown;
	readonly defects: readonly JsonDefect[];
	readonly signal: AbortSignal;
	readonly address: string;
	/** What of the address limits are counted by: all of an IPv4 address, and of an IPv6 address what one household has. */
	readonly network: string;
	readonly headers: IncomingHttpHeaders;
	readonly uri: string;
	readonly spend: (limitClass: RateLimitClass, key: string) => void;
	/** Takes one out of another limit, if there is one, and says whether there was. */
	readonly take: (limitClass: RateLimitClass, key: string) => boolean;
	readonly openBody: (sizeBytesMax: number) => Readable;
	readonly bodyText: () => string;
}

/** What a listener may serve. `/health` is served everywhere. */
export const servedGroups = ['client', 'federation', 'well-known', 'admin', 'metrics'] as const;
export type ServedGroup = (typeof servedGroups)[number];

/** The routes of one API and which listeners serve them. */
export interface RouteTable<Services> {
	readonly serves: ServedGroup | 'everywhere';
	readonly routes: readonly Route<Services>[];
}

/** Declares one endpoint. The types of what its handler is given follow from the declaration. */
export type RouteMaker<Services> = <Path extends string, Auth extends AuthKind, Body = undefined, Query = undefined>(
	declaration: RouteDeclaration<Services, Path, Auth, Body, Query>,
) => Route<Services>;

/** Gives the function that declares routes whose handlers are given `Services`. */
export function routeMaker<Services>(): RouteMaker<Services> {
	return (declaration) => ({
		id: declaration.id,
		method: declaration.method,
		path: declaration.path,
		alsoAt: declaration.alsoAt ?? [],
		auth: declaration.auth,
		rateLimit: declaration.rateLimit ?? 'general',
		work: declaration.work ?? workOf(declaration.rateLimit ?? 'general', declaration.auth === 'server'),
		body: declaration.body,
		bodyBytesMax: declaration.bodyBytesMax ?? bodyBytesMaxDefault,
		bodyFormat: declaration.bodyFormat ?? 'json',
		numbers: declaration.numbers ?? 'plain',
		remembersBodies: declaration.remembersBodies ?? false,
		releasesBody: declaration.releasesBody ?? false,
		allowsDefects: declaration.allowsDefects ?? false,
		upload: declaration.upload ?? false,
		query: declaration.query,
		allowsLocked: declaration.allowsLocked ?? false,
		allowsQuarantined: declaration.allowsQuarantined ?? false,
		showError: declaration.showError,
		handle: (request, services) => declaration.handle(request as never, services),
	});
}
