import {
	CanonicalJsonError,
	canonicalJson,
	decodeBase64,
	encodeBase64,
	isServerName,
	type JsonValue,
	type ServerName,
	type Signer,
	verify,
} from '../../crypto/index.ts';

/** What a request's signature covers. */
export interface RequestToSign {
	readonly method: string;
	/** Path and query as they go over the wire. */
	readonly uri: string;
	readonly origin: ServerName;
	readonly destination: ServerName;
	/** The body as canonical JSON text; absent for requests without a body. */
	readonly canonicalBody?: string | undefined;
}

/** The parameters of an `X-Matrix` header. */
export interface XMatrix {
	readonly origin: string;
	readonly destination: string | undefined;
	readonly key: string;
	readonly sig: string;
}

/** A request as it came. */
export interface InboundRequest {
	readonly method: string;
	/** The request target as it came, percent-encoding and query untouched. */
	readonly uri: string;
	/** All `Authorization` headers, in order. */
	readonly authorization: readonly string[];
	/** The body by the strict reader; absent for requests without a body. */
	readonly content?: JsonValue | undefined;
	/** The body's bytes, for a body that was not read whole or has no canonical form: its signer signed it as it stands. */
	readonly sent?: SentBody | undefined;
}

/** A body as it came. */
export interface SentBody {
	readonly bytes: Uint8Array;
	/** Whether the reader found defects, so that `content` is not all that the bytes say. */
	readonly hasDefects: boolean;
}

/** Why a request is not authenticated; all mean 401, but `not_allowed`, which means 403. */
export type RequestFault =
	| 'missing'
	| 'malformed'
	| 'own_origin'
	| 'wrong_destination'
	| 'not_allowed'
	| 'unknown_key'
	| 'bad_signature';

/** Who sent a request, or why nobody can tell. */
export type RequestVerdict =
	| {readonly isAuthentic: true; readonly origin: ServerName}
	| {readonly isAuthentic: false; readonly fault: RequestFault};

/** What {@link verifyRequest} needs to know. */
export interface RequestVerifierOptions {
	readonly serverName: ServerName;
	/** Gives a key with which a server may sign requests now. */
	readonly findRequestKey: (server: ServerName, keyId: string) => Promise<Uint8Array | undefined>;
	/** Whether `federation.mode` lets us talk with this server. */
	readonly isAllowed: (server: ServerName) => boolean;
}

/** A server signs with one key, two while it changes it. */
const HEADERS_MAX = 4;
const HEADER_LENGTH_MAX = 4096;
const SCHEME = /^x-matrix[ ]+/i;
/** RFC 9110 section 5.6.2, and the colon that older servers leave unquoted; base64's `/` and `=` likewise. */
const BARE_VALUE = /[!#$%&'*+\-.^_`|~0-9A-Za-z:/=]/;

/**
 * Gives the `Authorization` header that proves that a request is ours.
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export function buildAuthorization(request: RequestToSign, signer: Signer): string {
	const sig = encodeBase64(signer.sign(Buffer.from(writeSignedText(request))));
	const {origin, destination} = request;
	return `X-Matrix origin="${origin}",destination="${destination}",key="${signer.keyId}",sig="${sig}"`;
}

/** Gives canonical JSON around a body that is canonical JSON already, so that a large one is not read and written again. */
function writeSignedText({method, uri, origin, destination, canonicalBody}: PartialRequest): string {
	const parts = Object.entries({destination, method, origin, uri})
		.filter(([, value]) => value !== undefined)
		.map(([name, value]) => `"${name}":${canonicalJson(value)}`);
	// The names are in canonical order: content, destination, method, origin, uri.
	return `{${canonicalBody === undefined ? '' : `"content":${canonicalBody},`}${parts.join(',')}}`;
}

interface PartialRequest extends Omit<RequestToSign, 'origin' | 'destination'> {
	readonly origin: string;
	readonly destination: string | undefined;
}

/**
 * Reads an `X-Matrix` header; `undefined` for what is none. Tolerant, as the specification asks: any order, names in any
 * case, blanks around commas, unquoted values with colons, unknown parameters.
 */
export function parseAuthorization(header: string): XMatrix | undefined {
	const scheme = header.length <= HEADER_LENGTH_MAX ? SCHEME.exec(header) : null;
	const parameters = scheme === null ? undefined : parseParameters(header.slice(scheme[0].length));
	if (parameters === undefined) return undefined;
	const [origin, key, sig] = [parameters.get('origin'), parameters.get('key'), parameters.get('sig')];
	if (origin === undefined || key === undefined || sig === undefined) return undefined;
	return {origin, destination: parameters.get('destination'), key, sig};
}

/** Reads `name=value, name="value"…`; `undefined` where it is malformed or says a name twice. */
function parseParameters(text: string): Map<string, string> | undefined {
	const parameters = new Map<string, string>();
	let place = 0;
	const skip = (): void => {
		while (text[place] === ' ' || text[place] === '\t') place++;
	};
	while (place < text.length) {
		skip();
		// RFC 9110 section 5.6.1: empty elements of a list are passed over.
		if (text[place] === ',') {
			place++;
			continue;
		}
		if (place === text.length) break;
		const nameStart = place;
		while (/[!#$%&'*+\-.^_`|~0-9A-Za-z]/.test(text[place] ?? '')) place++;
		const name = text.slice(nameStart, place).toLowerCase();
		skip();
		if (name === '' || text[place++] !== '=') return undefined;
		skip();
		const value = readValue(text, place);
		if (value === undefined || parameters.has(name)) return undefined;
		parameters.set(name, value.value);
		place = value.end;
		skip();
		if (place < text.length && text[place] !== ',') return undefined;
	}
	return parameters;
}

function readValue(text: string, start: number): {readonly value: string; readonly end: number} | undefined {
	let place = start;
	if (text[place] !== '"') {
		while (place < text.length && BARE_VALUE.test(text.charAt(place))) place++;
		return place === start ? undefined : {value: text.slice(start, place), end: place};
	}
	let value = '';
	for (place++; place < text.length && text[place] !== '"'; place++) {
		if (text[place] === '\\') place++;
		value += text[place] ?? '';
	}
	return place < text.length ? {value, end: place + 1} : undefined;
}

/** What the head of a request says, as far as it can be believed without the body. */
export type HeadVerdict =
	| {readonly isPlausible: true; readonly origin: ServerName; readonly signatures: readonly XMatrix[]}
	| {readonly isPlausible: false; readonly fault: RequestFault};

/**
 * Tells whether a request is for us and from a server that we talk with, by its `Authorization` headers alone: a
 * stranger's body need not be read. The specification lets a request without `destination` pass, for servers older than
 * v1.3; we do not: it could be one that was signed for another server, sent on to us (threats B8).
 */
export function checkRequestHead(
	authorization: readonly string[],
	options: Pick<RequestVerifierOptions, 'serverName' | 'isAllowed'>,
): HeadVerdict {
	const headers = authorization.filter((header) => SCHEME.test(header));
	if (headers.length === 0) return {isPlausible: false, fault: 'missing'};
	if (headers.length > HEADERS_MAX) return {isPlausible: false, fault: 'malformed'};
	const signatures = headers.map(parseAuthorization).filter((signature) => signature !== undefined);
	const origin = signatures[0]?.origin;
	if (signatures.length < headers.length || !isServerName(origin)) return {isPlausible: false, fault: 'malformed'};
	if (signatures.some((signature) => signature.origin !== origin)) return {isPlausible: false, fault: 'malformed'};
	if (signatures.some(({destination}) => destination !== options.serverName)) {
		return {isPlausible: false, fault: 'wrong_destination'};
	}
	// What we ask ourselves never goes over the network, so whoever says to be us is not.
	if (origin === options.serverName) return {isPlausible: false, fault: 'own_origin'};
	if (!options.isAllowed(origin)) return {isPlausible: false, fault: 'not_allowed'};
	return {isPlausible: true, origin, signatures};
}

/**
 * Tells who sent a request. What is cheap is checked first, so that a stranger makes us fetch a key only with a request
 * that is for us.
 * @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication
 */
export async function verifyRequest(request: InboundRequest, options: RequestVerifierOptions): Promise<RequestVerdict> {
	const head = checkRequestHead(request.authorization, options);
	if (!head.isPlausible) return refuse(head.fault);
	const {origin, signatures} = head;
	const message = encodeRequest(request, origin, options.serverName);
	if (message === undefined) return refuse('malformed');
	let fault: RequestFault = 'unknown_key';
	for (const {key, sig} of signatures) {
		const signature = decodeBase64(sig, {padding: true});
		const publicKey = signature === undefined ? undefined : await options.findRequestKey(origin, key);
		if (signature === undefined || publicKey === undefined) continue;
		if (verify({message, signature, publicKey})) return {isAuthentic: true, origin};
		fault = 'bad_signature';
	}
	return refuse(fault);
}

function encodeRequest(
	{method, uri, content, sent}: InboundRequest,
	origin: ServerName,
	destination: ServerName,
): Uint8Array | undefined {
	const isRead = content !== undefined && sent?.hasDefects !== true;
	const canonicalBody =
		(isRead ? findCanonical(content) : undefined) ?? (content === undefined ? undefined : textOf(sent));
	if (content !== undefined && canonicalBody === undefined) return undefined;
	return Buffer.from(writeSignedText({method, uri, origin, destination, canonicalBody}));
}

function findCanonical(content: JsonValue): string | undefined {
	try {
		return canonicalJson(content);
	} catch (error) {
		if (error instanceof CanonicalJsonError) return undefined;
		throw error;
	}
}

/** Servers send what they sign. So one event of many that is beyond our reader costs the others nothing. */
function textOf(sent: SentBody | undefined): string | undefined {
	return sent && Buffer.from(sent.bytes.buffer, sent.bytes.byteOffset, sent.bytes.byteLength).toString('utf8').trim();
}

function refuse(fault: RequestFault): RequestVerdict {
	return {isAuthentic: false, fault};
}
