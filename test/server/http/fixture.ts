import {request as sendRequest} from 'node:http';
import {connect, type Socket} from 'node:net';
import type {ExecutionContext} from 'ava';
import type {DeviceId, ServerName, UserId} from '../../../crypto/index.ts';
import {
	type Authenticators,
	type ListenerOptions,
	MatrixError,
	type RateLimits,
	type Route,
	routeMaker,
	type RouteTable,
	type ServerOptions,
	startHttpServer,
} from '../../../server/http/index.ts';

/** What handlers of tests are given. */
export interface TestServices {
	/** Handlers and the log write here, tests look. */
	readonly seen: unknown[];
}

/** Declares a route for a test. */
export const route = routeMaker<TestServices>();

const userTokens: Readonly<Record<string, {isGuest: boolean; isAdmin: boolean}>> = {
	alice: {isGuest: false, isAdmin: false},
	guest: {isGuest: true, isAdmin: false},
	admin: {isGuest: false, isAdmin: true},
};

/** Tokens are names of users; a server signs with `X-Matrix origin`. */
export const authenticators: Authenticators = {
	user({token}) {
		const user = userTokens[token];
		return (
			user && {
				...user,
				isSuspended: false,
				isQuarantined: false,
				userId: `@${token}:test` as UserId,
				deviceId: 'DEVICE' as DeviceId,
			}
		);
	},
	server({authorization}) {
		const origin = /^X-Matrix (\S+)$/u.exec(authorization[0] ?? '')?.[1];
		if (origin === undefined) {
			throw new MatrixError('M_UNAUTHORIZED', 'No signature');
		}
		return {
			origin: origin as ServerName,
			verify: async (content) => {
				if (content === 'forged') {
					throw new MatrixError('M_UNAUTHORIZED', 'Wrong signature');
				}
				return {origin: origin as ServerName};
			},
		};
	},
};

/** A server that runs until its test ends. */
export interface TestServer {
	readonly url: string;
	readonly port: number;
	readonly seen: unknown[];
	stop(deadlineMs?: number): Promise<void>;
	/** Sends one request without normalising its path, and reads the answer. */
	send(method: string, path: string, options?: SendOptions): Promise<Answer>;
	/** Opens a connection for raw bytes. */
	open(): Promise<RawConnection>;
}

/** A request's other parts. */
interface SendOptions {
	readonly headers?: Readonly<Record<string, string | readonly string[]>>;
	readonly token?: string;
	readonly body?: unknown;
	readonly text?: string | Buffer;
}

/** What came back. */
export interface Answer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
	readonly text: string;
	readonly body: Record<string, unknown>;
}

/** A connection whose bytes the test writes itself. */
export interface RawConnection {
	readonly socket: Socket;
	/** Resolves with all that came once the text matches. */
	until(pattern: RegExp): Promise<string>;
	/** Resolves with all that came when the server has closed. */
	ended(): Promise<string>;
}

interface FixtureOptions {
	readonly rateLimits?: RateLimits;
	readonly listener?: Partial<ListenerOptions>;
	readonly options?: Partial<ServerOptions<TestServices>>;
	readonly tables?: readonly RouteTable<TestServices>[];
}

/** Starts a server with the routes on a free loopback port. */
export async function startTestServer(
	t: ExecutionContext,
	routes: readonly Route<TestServices>[],
	{rateLimits = 'off', listener = {}, options = {}, tables}: FixtureOptions = {},
): Promise<TestServer> {
	const seen: unknown[] = [];
	const server = await startHttpServer<TestServices>({
		listeners: [{address: '127.0.0.1', port: 0, serves: ['client', 'federation'], ...listener}],
		tables: tables ?? [{serves: 'client', routes}],
		services: {seen},
		authenticators,
		errorMappers: [],
		rateLimits,
		trustedProxies: [],
		log: {
			error: (fields, message) => seen.push({fields, message}),
			debug: () => undefined,
		},
		...options,
	});
	t.teardown(() => server.stop(0));
	const url = server.addresses[0]!;
	const port = Number(new URL(url).port);
	return {
		url,
		port,
		seen,
		stop: (deadlineMs) => server.stop(deadlineMs),
		send: (method, path, request = {}) => send(port, method, path, request),
		open: () => open(t, port),
	};
}

function send(port: number, method: string, path: string, options: SendOptions): Promise<Answer> {
	const payload = options.text ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
	const headers = {
		...options.headers,
		...(options.token && {authorization: `Bearer ${options.token}`}),
		...(payload !== undefined && {'content-length': Buffer.byteLength(payload)}),
	};
	return new Promise((resolve, reject) => {
		const request = sendRequest({host: '127.0.0.1', port, method, path, headers, agent: false}, (response) => {
			const chunks: Buffer[] = [];
			response.on('data', (chunk: Buffer) => chunks.push(chunk));
			response.on('error', reject);
			response.on('end', () => {
				const text = Buffer.concat(chunks).toString();
				const isJson = response.headers['content-type'] === 'application/json' && text !== '';
				const body = (isJson ? JSON.parse(text) : {}) as Record<string, unknown>;
				resolve({status: response.statusCode ?? 0, headers: response.headers, text, body});
			});
		});
		request.on('error', reject);
		request.end(payload);
	});
}

async function open(t: ExecutionContext, port: number): Promise<RawConnection> {
	const socket = connect(port, '127.0.0.1');
	t.teardown(() => socket.destroy());
	let text = '';
	const watchers = new Set<() => void>();
	const wake = (): void => {
		for (const watcher of watchers) {
			watcher();
		}
	};
	socket.on('data', (chunk) => {
		text += chunk.toString('latin1');
		wake();
	});
	socket.on('close', wake).on('error', wake);
	await new Promise<void>((resolve) => {
		socket.once('connect', () => resolve());
	});
	const when = (isTrue: () => boolean): Promise<string> =>
		new Promise((resolve) => {
			const watcher = (): void => {
				if (isTrue()) {
					watchers.delete(watcher);
					resolve(text);
				}
			};
			watchers.add(watcher);
			watcher();
		});
	return {
		socket,
		until: (pattern) => when(() => pattern.test(text) || socket.closed),
		ended: () => when(() => socket.closed),
	};
}
