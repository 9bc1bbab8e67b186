import type {MediaId, ServerName} from '../../crypto/index.ts';
import {
	BodyTooLargeError,
	type FederationClient,
	OutboundError,
	path,
	RemoteError,
	type StreamedAnswer,
	type StreamedResponse,
	type StreamLimits,
} from '../../federation/outbound/index.ts';
import {type ContentDescription, readContentType, readDispositionName} from './content-description.ts';
import {MediaError} from './errors.ts';
import {MultipartError, readMultipart} from './multipart.ts';

/** A medium of another server, as it comes. */
export interface RemoteMedium extends ContentDescription {
	/** Throws MediaError where it breaks off or is too large. To be read to its end, or closed. */
	readonly body: AsyncIterable<Uint8Array>;
	/** Ends the transfer where it is. Does nothing after its end. */
	close(): void;
}

/** How other servers are asked for their media. */
export interface RemoteMedia {
	/** @throws MediaError 'not-found', 'not-yet-uploaded', 'remote-too-large', 'unreachable' */
	fetch(server: ServerName, mediaId: MediaId, options: {readonly timeoutMs: number}): Promise<RemoteMedium>;
}

/** Names in lower case. */
type Headers = Readonly<Record<string, string>>;

/** What stands around the medium in the answer. */
const ENVELOPE_BYTES_MAX = 200_000;
/** The other server may wait for the upload, and then needs time to begin. */
const ANSWER_MS = 20_000;

/** A server that keeps its media elsewhere names the place, which may have moved once or twice since. */
const REDIRECTS_MAX = 2;
/** Addresses signed for a while, as stores of media give them, have a kilobyte or two. */
const LOCATION_CHARACTERS_MAX = 8192;

/** What other servers' media are fetched with. */
export interface RemoteMediaParts {
	readonly client: Pick<FederationClient, 'stream'>;
	/** Asks at any public https address, as nobody. */
	readonly openPublic: (url: URL, limits: StreamLimits) => Promise<StreamedAnswer>;
	readonly sizeBytesMax: number;
}

/**
 * Asks other servers for media, by the authenticated endpoint, and by the one before it where a server has no other.
 * Where a server answers with the address of another place, that place is asked without a word of who asks.
 * @see https://spec.matrix.org/v1.19/server-server-api/#content-repository
 */
export function createRemoteMedia(parts: RemoteMediaParts): RemoteMedia {
	const {client, sizeBytesMax} = parts;

	async function ask(
		destination: ServerName,
		uri: string,
		sign: boolean,
		timeoutMs: number,
	): Promise<StreamedResponse> {
		return client.stream({
			destination,
			method: 'GET',
			path: uri,
			query: sign ? {timeout_ms: timeoutMs} : {allow_remote: false, timeout_ms: timeoutMs},
			sign,
			limits: {timeoutMs: timeoutMs + ANSWER_MS, responseBytesMax: sizeBytesMax + ENVELOPE_BYTES_MAX},
		});
	}

	async function fetchAuthenticated(server: ServerName, mediaId: MediaId, timeoutMs: number): Promise<RemoteMedium> {
		const answer = await ask(server, path`/_matrix/federation/v1/media/download/${mediaId}`, true, timeoutMs);
		try {
			const part = await readMultipart(answer.headers['content-type'] ?? '', answer.body);
			const location = part.headers['location'];
			if (location === undefined) return describe(part.headers, part.body, {answer, sizeBytesMax});
			// Whatever else comes with it is of no use.
			answer.close();
			return await fetchElsewhere(location, part.headers, parts);
		} catch (error) {
			answer.close();
			throw error;
		}
	}

	async function fetchLegacy(server: ServerName, mediaId: MediaId, timeoutMs: number): Promise<RemoteMedium> {
		const uri = path`/_matrix/media/v3/download/${server}/${mediaId}`;
		const answer = await ask(server, uri, false, timeoutMs);
		return describe(answer.headers, answer.body, {answer, sizeBytesMax});
	}

	return {
		async fetch(server, mediaId, {timeoutMs}) {
			try {
				return await fetchAuthenticated(server, mediaId, timeoutMs);
			} catch (error) {
				if (!isUnrecognised(error)) throw toMediaError(error);
			}
			try {
				return await fetchLegacy(server, mediaId, timeoutMs);
			} catch (error) {
				throw toMediaError(error);
			}
		},
	};
}

/** The address is used at once and kept nowhere: it may be good for a few minutes only. */
async function fetchElsewhere(
	location: string,
	partHeaders: Headers,
	{openPublic, sizeBytesMax}: RemoteMediaParts,
): Promise<RemoteMedium> {
	if (location.length > LOCATION_CHARACTERS_MAX || !URL.canParse(location)) {
		throw new MediaError('unreachable', 'Expected the address of the medium');
	}
	const limits = {sizeBytesMax, redirectsMax: REDIRECTS_MAX, headTimeoutMs: ANSWER_MS};
	const answer = await openPublic(new URL(location), limits);
	if (answer.status !== 200) {
		answer.close();
		throw isGone(answer.status) ? notFound() : new MediaError('unreachable', 'The medium is not where it should be');
	}
	return describe({...partHeaders, ...answer.headers}, answer.body, {answer, sizeBytesMax});
}

function describe(
	headers: Headers,
	body: AsyncIterable<Uint8Array>,
	{answer, sizeBytesMax}: {readonly answer: Pick<StreamedResponse, 'close'>; readonly sizeBytesMax: number},
): RemoteMedium {
	return {
		contentType: readContentType(headers['content-type']),
		fileName: readDispositionName(headers['content-disposition']),
		body: limit(body, sizeBytesMax),
		close: () => answer.close(),
	};
}

async function* limit(body: AsyncIterable<Uint8Array>, sizeBytesMax: number): AsyncGenerator<Uint8Array, void, void> {
	let sizeBytes = 0;
	try {
		for await (const chunk of body) {
			sizeBytes += chunk.length;
			if (sizeBytes > sizeBytesMax) throw new MediaError('remote-too-large', 'The medium is too large to pass on');
			yield chunk;
		}
	} catch (error) {
		throw toMediaError(error);
	}
}

function isUnrecognised(error: unknown): boolean {
	return error instanceof RemoteError && error.status === 404 && error.errcode === 'M_UNRECOGNIZED';
}

/** Who is refused and who asks for what is not there is told the same. */
function isGone(status: number): boolean {
	return status === 404 || status === 403 || status === 410;
}

function notFound(options?: ErrorOptions): MediaError {
	return new MediaError('not-found', 'No such medium', options);
}

function toMediaError(cause: unknown): unknown {
	if (cause instanceof RemoteError) {
		if (cause.errcode === 'M_NOT_YET_UPLOADED') {
			return new MediaError('not-yet-uploaded', 'The medium has not been uploaded yet', {cause});
		}
		if (cause.errcode === 'M_TOO_LARGE') {
			return new MediaError('remote-too-large', 'The medium is too large to pass on', {cause});
		}
		if (isGone(cause.status)) return notFound({cause});
	}
	if (cause instanceof BodyTooLargeError) {
		return new MediaError('remote-too-large', 'The medium is too large to pass on', {cause});
	}
	if (cause instanceof OutboundError || cause instanceof MultipartError) {
		return new MediaError('unreachable', 'The server of this medium does not give it', {cause});
	}
	return cause;
}
