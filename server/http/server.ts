import {trustedProxies} from './address.ts';
import type {Authenticators} from './authenticate.ts';
import {type BodyPace, defaultPace} from './body.ts';
import type {ErrorMapper} from './errors.ts';
import type {ApplicationOptions, EdgeLog, RequestObserver} from './koa.ts';
import {type HttpServer, type ListenerOptions, startListeners} from './listeners.ts';
import {LoadGate} from './load.ts';
import {RateLimiter, type RateLimits} from './rate-limit.ts';
import {RememberedBodies} from './remembered-bodies.ts';
import type {RouteTable} from './route.ts';

/** All that a server needs from outside. */
export interface ServerOptions<Services> {
	readonly listeners: readonly ListenerOptions[];
	readonly tables: readonly RouteTable<Services>[];
	/** Given to every handler. */
	readonly services: Services;
	readonly authenticators: Authenticators;
	/** How the errors of domains are answered; the first mapper that knows an error answers it. */
	readonly errorMappers: readonly ErrorMapper[];
	readonly rateLimits: RateLimits;
	/** Milliseconds of a clock that does not jump, by which limits are counted; default: the process's. */
	readonly now?: () => number;
	/** Addresses and CIDR ranges whose X-Forwarded-For is believed. */
	readonly trustedProxies: readonly string[];
	/** Refuses what is too much; default: nothing is. */
	readonly load?: LoadGate;
	/** How slowly bodies may come. */
	readonly pace?: BodyPace;
	/** How often it is looked whether files of certificates have changed; default: each minute. */
	readonly certificatesCheckMs?: number | undefined;
	readonly log: EdgeLog;
	readonly observe?: RequestObserver;
}

/**
 * Turns route tables into a running server.
 * @throws Error saying which listener could not start, and why
 */
export function startHttpServer<Services>(options: ServerOptions<Services>): Promise<HttpServer> {
	const {errorMappers} = options;
	const applicationOptions: ApplicationOptions<Services> = {
		tables: options.tables,
		services: options.services,
		context: {
			authenticators: options.authenticators,
			limiter: new RateLimiter(options.rateLimits, options.now),
			load: options.load ?? new LoadGate(undefined),
			isTrusted: trustedProxies(options.trustedProxies),
			pace: options.pace ?? defaultPace,
			bodies: new RememberedBodies(),
			underway: new Set(),
			isStopping: false,
		},
		mapError: (error) => {
			for (const map of errorMappers) {
				const mapped = map(error);
				if (mapped !== undefined) {
					return mapped;
				}
			}
			return undefined;
		},
		log: options.log,
		observe: options.observe ?? (() => undefined),
	};
	return startListeners(options.listeners, applicationOptions, options.certificatesCheckMs);
}
