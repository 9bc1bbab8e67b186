/** What tests say to a server from outside: plain requests, registration, waiting for a condition. */
import {createHmac} from 'node:crypto';
import {setTimeout as sleep} from 'node:timers/promises';
import {checkConformance, checkHeaders} from './conformance.ts';
import {REGISTRATION_SHARED_SECRET} from './server-process.ts';

/** Anything with a client-server API. */
export interface ClientTarget {
	/** Without a trailing slash: `http://127.0.0.1:8008`. */
	readonly url: string;
	/** Another program's server, whose answers are not for us to judge. */
	readonly isForeign?: boolean;
}

/** A request's other half. */
export interface CallOptions {
	readonly token?: string;
	/** Sent as JSON. */
	readonly body?: unknown;
	/** The very bytes of the body, in place of `body`. */
	readonly text?: string | Buffer<ArrayBuffer>;
	readonly signal?: AbortSignal;
}

/** An answer, read to its end. */
export interface Answer<T> {
	readonly status: number;
	/** The body's JSON, of the shape that the caller expects; an empty object where it is none. */
	readonly body: T;
	readonly text: string;
	readonly headers: Headers;
}

/** A signed-in device. */
export interface Session {
	readonly user_id: string;
	readonly access_token: string;
	readonly device_id: string;
}

/**
 * Sends one request and gives the answer, whatever its status.
 * @throws where the answer is not what the specification's schemas allow
 */
export async function request<T = Record<string, unknown>>(
	server: ClientTarget,
	method: string,
	path: string,
	options: CallOptions = {},
): Promise<Answer<T>> {
	const headers: Record<string, string> = {};
	if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
	const sent = options.text ?? (options.body === undefined ? undefined : JSON.stringify(options.body));
	if (sent !== undefined) headers['content-type'] = 'application/json';
	const reply = await fetch(server.url + path, {
		method,
		headers,
		...(sent !== undefined && {body: sent}),
		...(options.signal !== undefined && {signal: options.signal}),
	});
	const text = await reply.text();
	const isJson = reply.headers.get('content-type')?.startsWith('application/json') === true;
	const body: T = JSON.parse(isJson ? text : '{}');
	if (server.isForeign !== true) {
		if (isJson) checkConformance(method, path, reply.status, body);
		// Of an answer that led elsewhere only the end is seen.
		else if (!reply.redirected) checkHeaders(method, path, reply.status, reply.headers);
	}
	return {status: reply.status, body, text, headers: reply.headers};
}

/**
 * Sends one request that must succeed, and gives the answer's body. `T` is the caller's word for what it expects.
 * @throws with the answer where the status is not 200.
 */
export async function call<T = Record<string, unknown>>(
	server: ClientTarget,
	method: string,
	path: string,
	options: CallOptions = {},
): Promise<T> {
	const answer = await request<T>(server, method, path, options);
	if (answer.status !== 200) {
		throw new Error(`${method} ${path}: expected 200, got ${answer.status} ${answer.text.slice(0, 300)}`);
	}
	return answer.body;
}

/** The password that {@link register} gives to `username`. */
export const passwordOf = (username: string): string => `pw-${username}-Zq7!`;

/** Registers an account where registration is open, by the dummy stage alone; the first device's session. */
export async function register(server: ClientTarget, username: string): Promise<Session> {
	const path = '/_matrix/client/v3/register';
	const body = {username, password: passwordOf(username)};
	const first = await request<Session & {session?: string}>(server, 'POST', path, {
		body: {...body, auth: {type: 'm.login.dummy'}},
	});
	if (first.status === 200) return first.body;
	const {session} = first.body;
	if (session === undefined) {
		throw new Error(`register: expected a session, got ${first.status} ${first.text.slice(0, 300)}`);
	}
	return call<Session>(server, 'POST', path, {body: {...body, auth: {type: 'm.login.dummy', session}}});
}

/** Makes an account as an administrator's tools do, on a server of our own whose registration may be closed. */
export async function registerBySecret(server: ClientTarget, username: string): Promise<Session> {
	const path = '/_synapse/admin/v1/register';
	const password = passwordOf(username);
	const {nonce} = await call<{nonce: string}>(server, 'GET', path);
	const text = [nonce, username, password, 'notadmin'].join('\0');
	const mac = createHmac('sha1', REGISTRATION_SHARED_SECRET).update(text).digest('hex');
	return call<Session>(server, 'POST', path, {body: {nonce, username, password, admin: false, mac}});
}

/** Logs an account made by {@link register} in once more: a new device. */
export function login(server: ClientTarget, username: string, deviceId?: string): Promise<Session> {
	const body = {
		type: 'm.login.password',
		identifier: {type: 'm.id.user', user: username},
		password: passwordOf(username),
		...(deviceId !== undefined && {device_id: deviceId}),
	};
	return call<Session>(server, 'POST', '/_matrix/client/v3/login', {body});
}

/** Asks `probe` again and again until it gives something true, and gives that. @throws after `timeoutMs`. */
export async function until<T>(
	probe: () => T | false | null | undefined | Promise<T | false | null | undefined>,
	what: string,
	timeoutMs = 10_000,
): Promise<T> {
	const end = performance.now() + timeoutMs;
	for (;;) {
		const value = await probe();
		if (value) return value;
		if (performance.now() > end) throw new Error(`expected within ${timeoutMs} ms: ${what}`);
		await sleep(20);
	}
}
