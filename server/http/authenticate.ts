import type {IncomingMessage} from 'node:http';
import type {DeviceId, JsonValue, ServerName, UserId} from '../../crypto/index.ts';
import {MatrixError} from './errors.ts';

/**
 * Who may call a route:
 * `none` anybody, tokens are not looked at; `optional` anybody, and a token is checked when there is one;
 * `user` people with an account; `guest` people and guests; `admin` administrators of this server;
 * `server` other servers, by the X-Matrix signature.
 */
export type AuthKind = 'none' | 'optional' | 'user' | 'guest' | 'admin' | 'server';

/** A person (or an application service in their name) who called with an access token. */
export interface UserCaller {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly isGuest: boolean;
	readonly isAdmin: boolean;
	/** May read and leave, and little else; the domains say what. */
	readonly isSuspended: boolean;
	/** The session waits for approval: it sees nothing. */
	readonly isQuarantined: boolean;
	/** The application service that acts for the user, by its registration's id. */
	readonly appserviceId?: string;
}

/** Another server, its signature checked. */
export interface ServerCaller {
	readonly origin: ServerName;
}

/** What a route's handler is told of its caller. */
export type CallerOf<Auth extends AuthKind> = Auth extends 'none'
	? undefined
	: Auth extends 'optional'
		? UserCaller | undefined
		: Auth extends 'server'
			? ServerCaller
			: UserCaller;

/** An access token and what the request says of how it is used. */
export interface TokenRequest {
	readonly token: string;
	/** `?user_id=` of an application service. */
	readonly assertedUserId?: string;
	/** `?device_id=` of an application service. */
	readonly assertedDeviceId?: string;
	/** Locked accounts may call the two logout endpoints. */
	readonly allowsLocked: boolean;
	/** Where the request comes from, worked out when asked for. */
	readonly address: () => string;
	/** The operation that is asked for. */
	readonly operation: string;
	/** Path and query as they came. */
	readonly uri: string;
}

/** The head of a request of another server: all that is known before its body is read. */
export interface ServerRequestHead {
	readonly method: string;
	/** Path and query exactly as they came; the signature covers them. */
	readonly uri: string;
	/** Every Authorization header, in order; a server may sign with several keys, one header each. */
	readonly authorization: readonly string[];
}

/** A server's request whose header was well formed and meant for us; its signature waits for the body. */
export interface PendingServer {
	/** Who it claims to be. */
	readonly origin: ServerName;
	/**
	 * Checks the signature over the request.
	 * @param content the JSON body; absent when there was none
	 * @param sent the body as it came, for what was not read whole
	 * @throws an error answered with 401 when it does not hold
	 */
	verify(content: JsonValue | undefined, sent?: SentBody): Promise<ServerCaller>;
}

/** A body as it came. */
export interface SentBody {
	readonly bytes: Uint8Array;
	/** Whether the reader left out or replaced parts that no event may hold. */
	readonly hasDefects: boolean;
}

/** How callers are recognised; main hands this in. */
export interface Authenticators {
	/** Whose token this is; `undefined` for none that we know. Domain errors (locked, expired) are mapped as others. */
	user(request: TokenRequest): Promise<UserCaller | undefined> | UserCaller | undefined;
	/**
	 * Reads the header alone, so that a stranger's body is never read.
	 * @throws an error answered with 401 when it is missing, malformed, or names another destination
	 */
	server(request: ServerRequestHead): PendingServer;
}

/** Every value of the Authorization header; Node's own `headers` keeps the first and hides the others. */
export function listAuthorization(request: IncomingMessage): string[] {
	const {rawHeaders} = request;
	const values: string[] = [];
	for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
		const name = rawHeaders[index]!;
		if (name.length === 13 && name.toLowerCase() === 'authorization') {
			values.push(rawHeaders[index + 1]!);
		}
	}
	return values;
}

/**
 * The access token of a client's request, from the header or, as v1.19 still asks, from the query.
 * Two headers, or a header and a query that differ, are refused: a proxy may have judged by the one we did not take.
 * @see https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens
 */
export function findAccessToken(request: IncomingMessage, search: URLSearchParams | undefined): string | undefined {
	const headers = request.headers.authorization === undefined ? [] : listAuthorization(request);
	if (headers.length > 1) {
		throw new MatrixError('M_INVALID_PARAM', 'More than one Authorization header');
	}
	const queryTokens = search?.getAll('access_token') ?? [];
	let token: string | undefined;
	if (headers.length === 1) {
		const match = /^bearer +([^\s]+)$/iu.exec(headers[0]!.trim());
		if (match === null) {
			throw new MatrixError('M_MISSING_TOKEN', 'The Authorization header holds no bearer token');
		}
		token = match[1]!;
	}
	for (const queryToken of queryTokens) {
		if (token !== undefined && token !== queryToken) {
			throw new MatrixError('M_INVALID_PARAM', 'More than one access token');
		}
		token = queryToken;
	}
	return token === '' ? undefined : token;
}

/** Finds the user behind a token and holds the route's rule against them. */
export async function authenticateUser(
	request: IncomingMessage,
	search: URLSearchParams | undefined,
	route: {
		readonly id: string;
		readonly auth: AuthKind;
		readonly allowsLocked: boolean;
		readonly allowsQuarantined: boolean;
	},
	{
		authenticators,
		address,
		uri,
	}: {readonly authenticators: Authenticators; readonly address: () => string; readonly uri: string},
): Promise<UserCaller | undefined> {
	const token = findAccessToken(request, search);
	if (token === undefined) {
		if (route.auth === 'optional') {
			return undefined;
		}
		// Which paths beside the specification's there are would tell anybody which program this is (row 48).
		if (route.auth === 'admin' && !uri.startsWith('/_matrix/'))
			throw new MatrixError('M_UNRECOGNIZED', 'Unrecognized request');
		throw new MatrixError('M_MISSING_TOKEN', 'An access token is needed');
	}
	const assertedUserId = search?.get('user_id') ?? undefined;
	const assertedDeviceId = search?.get('device_id') ?? search?.get('org.matrix.msc3202.device_id') ?? undefined;
	const caller = await authenticators.user({
		token,
		allowsLocked: route.allowsLocked,
		address,
		operation: route.id,
		uri,
		...(assertedUserId === undefined ? {} : {assertedUserId}),
		...(assertedDeviceId === undefined ? {} : {assertedDeviceId}),
	});
	if (caller === undefined) {
		throw new MatrixError('M_UNKNOWN_TOKEN', 'The access token is not known', {fields: {soft_logout: false}});
	}
	if (caller.isQuarantined && !route.allowsQuarantined) {
		throw new MatrixError(
			'M_FORBIDDEN',
			'This session sees nothing yet: approve it in another session of yours, or with a recovery code; ask the administrator of this server where you have neither',
		);
	}
	if (route.auth === 'admin' && !caller.isAdmin) {
		throw new MatrixError('M_FORBIDDEN', 'Only administrators may do this');
	}
	if (route.auth === 'user' && caller.isGuest) {
		throw new MatrixError('M_GUEST_ACCESS_FORBIDDEN', 'Guests may not do this');
	}
	return caller;
}
