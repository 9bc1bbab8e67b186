export {hostOf, siteOf} from './address.ts';
export type {
	AuthKind,
	Authenticators,
	CallerOf,
	PendingServer,
	ServerCaller,
	ServerRequestHead,
	TokenRequest,
	UserCaller,
} from './authenticate.ts';
export {
	type DomainError,
	type Errcode,
	type ErrorMapper,
	limitExceeded,
	mapErrors,
	MatrixError,
} from './errors.ts';
export type {EdgeLog, RequestObserver} from './koa.ts';
export {budgets, LoadGate, type Work} from './load.ts';
export {ListenError} from './listen-error.ts';
export type {HttpServer, ListenerOptions} from './listeners.ts';
export {defaultRates, type Rate, type RateLimitClass, type RateLimits} from './rate-limit.ts';
export {content, HttpResponse, json, rawJson, redirect} from './response.ts';
export {
	type Method,
	type Route,
	routeMaker,
	type RouteDeclaration,
	type RouteTable,
	type ServedGroup,
	servedGroups,
} from './route.ts';
export {type ServerOptions, startHttpServer} from './server.ts';
export {type AbortReason, RequestAborted} from './signals.ts';
export type {TlsFiles} from './tls.ts';
