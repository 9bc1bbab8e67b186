import {
	breathe,
	canonicalJson,
	type JsonObject,
	JsonSyntaxError,
	type JsonValue,
	readJson,
	readJsonInParts,
	readStrictJson,
	type ServerName,
	type Signer,
} from '../../crypto/index.ts';
import {type Transport, TransportError, type TransportErrorCode, type TransportRequest} from '../engine/index.ts';
import {OutboundError, type OutboundErrorCode, type RemoteAnswer, RemoteError} from './errors.ts';
import type {HttpsTransport, StreamedResponse} from './transport.ts';
import {asObject} from './key-document.ts';
import {buildAuthorization} from './x-matrix.ts';

/** What an answer may cost. */
export interface RequestLimits {
	/** The whole request, from finding the server to the answer's last byte. Default: 30 s. */
	readonly timeoutMs?: number | undefined;
	/** Default: 1 MiB. */
	readonly responseBytesMax?: number | undefined;
}

/** A request to another server. */
export interface FederationRequest {
	readonly destination: ServerName;
	readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
	/** Made with {@link path}. */
	readonly path: string;
	/** A list gives its name several times; `undefined` is left out. */
	readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>> | undefined;
	/** A JSON object, or canonical JSON text that was frozen before. PUT and POST always carry one, `{}` if need be. */
	readonly body?: JsonObject | string | undefined;
	/** Whether the request says who we are; `false` only for keys and the like, which anybody may ask. Default: true. */
	readonly sign?: boolean | undefined;
	readonly limits?: RequestLimits | undefined;
	readonly signal?: AbortSignal | undefined;
}

/** A 2xx answer. */
export interface FederationAnswer {
	readonly status: number;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: JsonValue;
}

/** Asks things of other servers. All methods throw OutboundError, RemoteError among them, and nothing else. */
export interface FederationClient {
	/** Sends a request and gives its 2xx answer, read without loss; defective elements of lists are null. */
	request(request: FederationRequest): Promise<FederationAnswer>;
	/** Sends a request and gives its 2xx answer as it comes: media. */
	stream(request: FederationRequest): Promise<StreamedResponse>;
}

export interface FederationClientOptions {
	readonly serverName: ServerName;
	readonly signer: Signer;
	/** Only the https transport can stream. */
	readonly transport: Transport & Partial<Pick<HttpsTransport, 'stream'>>;
	/** Whether `federation.mode` lets us talk with a server. */
	readonly isAllowed: (server: ServerName) => boolean;
	/** Told of a server that answered a request with success. */
	readonly onAnswered?: (server: ServerName) => void;
}

const TIMEOUT_MS = 30_000;
const RESPONSE_BYTES_MAX = 1 << 20;
/** Requests to one server at a time, waiting ones included; more would only wait longer. */
const REQUESTS_MAX = 256;
const RETRY_AFTER_MAX_MS = 86_400_000;
/** What a server says in words; more is no sentence. */
const TEXT_LENGTH_MAX = 1_000;

const ERROR_CODES: Readonly<Record<TransportErrorCode, OutboundErrorCode>> = {
	unreachable: 'unreachable',
	timeout: 'timeout',
	connection_lost: 'unreachable',
	too_large: 'bad_response',
	aborted: 'aborted',
};

/** Gives a path whose values are percent-encoded: path`/_matrix/federation/v1/event/${eventId}`. */
export function path(parts: TemplateStringsArray, ...values: readonly string[]): string {
	return String.raw({raw: parts}, ...values.map(encodeURIComponent));
}

/** Makes the client through which everything that we ask of other servers goes. */
export function createFederationClient(options: FederationClientOptions): FederationClient {
	const {transport} = options;
	const counts = new Map<ServerName, number>();
	const take = (server: ServerName): (() => void) => {
		if (server === options.serverName) throw new OutboundError('not_allowed', 'Expected another server, got ourselves');
		if (!options.isAllowed(server)) throw new OutboundError('not_allowed', 'Expected a server that we federate with');
		const count = counts.get(server) ?? 0;
		if (count >= REQUESTS_MAX)
			throw new OutboundError('overloaded', `Expected fewer than ${count} requests to one server`);
		counts.set(server, count + 1);
		return () => {
			const left = (counts.get(server) ?? 1) - 1;
			if (left === 0) counts.delete(server);
			else counts.set(server, left);
		};
	};
	return {
		async request(request) {
			const release = take(request.destination);
			try {
				const {status, headers, body} = await transport.request(encodeRequest(request, options));
				if (status < 200 || status > 299) throw new RemoteError(readRemoteAnswer(status, headers, body));
				options.onAnswered?.(request.destination);
				return {status, headers, body: await readBody(body)};
			} catch (error) {
				throw toOutboundError(error);
			} finally {
				release();
			}
		},
		async stream(request) {
			if (transport.stream === undefined) throw new OutboundError('unreachable', 'This transport cannot stream');
			const release = take(request.destination);
			try {
				const answer = await transport.stream(encodeRequest(request, options));
				if (answer.status >= 200 && answer.status <= 299) return {...answer, body: readOn(answer.body)};
				throw new RemoteError(readRemoteAnswer(answer.status, answer.headers, await readStart(answer)));
			} catch (error) {
				throw toOutboundError(error);
			} finally {
				release();
			}
		},
	};
}

function encodeRequest(request: FederationRequest, {serverName, signer}: FederationClientOptions): TransportRequest {
	const {destination, method, limits, signal} = request;
	const uri = request.path + formatQuery(request.query ?? {});
	const headers: Record<string, string> = {accept: 'application/json', 'user-agent': 'Broadsheet'};
	const hasBody = method === 'POST' || method === 'PUT' || request.body !== undefined;
	const given = request.body ?? {};
	const canonicalBody = !hasBody ? undefined : typeof given === 'string' ? given : canonicalJson(given);
	if (request.sign !== false) {
		headers['authorization'] = buildAuthorization(
			{method, uri, origin: serverName, destination, canonicalBody},
			signer,
		);
	}
	if (hasBody) headers['content-type'] = 'application/json';
	return {
		destination,
		method,
		path: uri,
		headers,
		...(canonicalBody !== undefined && {body: Buffer.from(canonicalBody)}),
		timeoutMs: limits?.timeoutMs ?? TIMEOUT_MS,
		responseBytesMax: limits?.responseBytesMax ?? RESPONSE_BYTES_MAX,
		...(signal !== undefined && {signal}),
	};
}

function formatQuery(query: NonNullable<FederationRequest['query']>): string {
	const pairs = Object.entries(query).flatMap(([name, value]) => {
		const values = Array.isArray(value) ? value : value === undefined ? [] : [String(value)];
		return values.map((item: string) => `${encodeURIComponent(name)}=${encodeURIComponent(item)}`);
	});
	return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}

/** Bytes of an answer that are read at once; longer ones are read in parts, so that others get their turn (C13). */
const READ_WHOLE_MAX = 262_144;

/** Reads a body. A defect within an element of a list, such as one event of many, costs that element, which becomes null. */
async function readBody(bytes: Uint8Array): Promise<JsonValue> {
	try {
		const {value, defects} = bytes.length > READ_WHOLE_MAX ? await readJsonInParts(bytes, breathe) : readJson(bytes);
		for (const {path: keys} of defects) blankElement(value, keys);
		return value;
	} catch (cause) {
		if (!(cause instanceof JsonSyntaxError)) throw cause;
		throw new OutboundError('bad_response', 'Expected JSON', {cause});
	}
}

function blankElement(root: JsonValue, keys: readonly (string | number)[]): void {
	let value: JsonValue | undefined = root;
	for (const key of keys) {
		if (Array.isArray(value) && typeof key === 'number') {
			value[key] = null;
			return;
		}
		value = typeof value === 'object' && value !== null ? (value as JsonObject)[key] : undefined;
	}
	throw new OutboundError('bad_response', 'Expected JSON without defects');
}

/** Reads the start of an error's body, which is all that is needed of it. */
async function readStart(answer: StreamedResponse): Promise<Uint8Array> {
	const chunks = [];
	let sizeBytes = 0;
	for await (const chunk of answer.body) {
		chunks.push(chunk);
		sizeBytes += chunk.length;
		if (sizeBytes > RESPONSE_BYTES_MAX) break;
	}
	return Buffer.concat(chunks);
}

/** Keeps of an error answer only what has a form that we know. */
function readRemoteAnswer(status: number, headers: Readonly<Record<string, string>>, bytes: Uint8Array): RemoteAnswer {
	let body: JsonValue = null;
	try {
		body = readStrictJson(bytes);
	} catch (error) {
		// A proxy's error page is no JSON, and no less an error.
		if (!(error instanceof JsonSyntaxError)) throw error;
	}
	const object = asObject(body) ?? {};
	const {errcode, error: text, retry_after_ms: retryAfterMs, room_version: roomVersion} = object;
	const seconds = /^\d{1,9}$/.exec(headers['retry-after'] ?? '')?.[0];
	const waitMs = seconds !== undefined ? Number(seconds) * 1000 : retryAfterMs;
	return {
		status,
		errcode: typeof errcode === 'string' && /^[A-Z0-9_.]{1,100}$/i.test(errcode) ? errcode : undefined,
		retryAfterMs: typeof waitMs === 'number' && waitMs >= 0 ? Math.min(waitMs, RETRY_AFTER_MAX_MS) : undefined,
		roomVersion: typeof roomVersion === 'string' && /^[a-z0-9.-]{1,32}$/.test(roomVersion) ? roomVersion : undefined,
		text: typeof text === 'string' ? text.slice(0, TEXT_LENGTH_MAX) : undefined,
	};
}

async function* readOn(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
	try {
		yield* body;
	} catch (error) {
		throw toOutboundError(error);
	}
}

function toOutboundError(error: unknown): Error {
	if (error instanceof TransportError) {
		// The https transport knows more than the seam's codes say.
		if (error.cause instanceof OutboundError) return error.cause;
		return new OutboundError(ERROR_CODES[error.code], error.message, {cause: error});
	}
	return error instanceof Error ? error : new Error('Expected an error', {cause: error});
}
