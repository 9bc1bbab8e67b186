import type {IncomingMessage, ServerResponse} from 'node:http';
import {Readable} from 'node:stream';
import {pipeline} from 'node:stream/promises';
import {type HttpResponse, jsonHeaders} from './response.ts';

/** An unread body up to this size is read and dropped, so that the connection stays usable. */
const unreadBytesMax = 64 * 1024;
/** After an answer that did not wait for a larger body, a client has this long to read it before the connection ends. */
const lingerMs = 1_000;
/** So much of such a body is dropped at a time, and so often: a flood of them then costs next to nothing. */
const dropBytes = 64 * 1024;
const dropEveryMs = 50;

/** Headers that every response starts from, and that a response's own replace. */
export class StandingHeaders {
	readonly #headers: Readonly<Record<string, string>>;
	/** Those of a plain JSON answer, which nearly every answer is: joining them takes longer than finding its route. */
	readonly #ofJson: readonly string[];

	/** @param headers lower-case names */
	constructor(headers: Readonly<Record<string, string>>) {
		this.#headers = headers;
		this.#ofJson = Object.entries({...headers, ...jsonHeaders}).flat();
	}

	/** Gives the names and values of a response's headers, in turn. */
	listWith(headers: Readonly<Record<string, string>>): string[] {
		return headers === jsonHeaders ? [...this.#ofJson] : Object.entries({...this.#headers, ...headers}).flat();
	}
}

/** Sends a response. */
export function respond(
	request: IncomingMessage,
	response: ServerResponse,
	{status, headers, body, cookies}: HttpResponse,
	standing: StandingHeaders,
): Promise<void> | void {
	if (response.headersSent || response.destroyed) {
		// The answer broke off in the middle (a stream failed) or nobody is there: end the connection, say nothing.
		response.destroy();
		if (body instanceof Readable) {
			body.destroy();
		}
		return;
	}
	const head = standing.listWith(headers);
	for (const cookie of cookies) head.push('set-cookie', cookie);
	if (body instanceof Readable) {
		response.writeHead(status, head);
		return sendStream(request, response, body);
	}
	if (status !== 204 && status !== 304) {
		head.push('content-length', String(body === undefined ? 0 : Buffer.byteLength(body)));
	}
	if (request.complete || !leavesMuchUnread(request)) {
		response.writeHead(status, head).end(body);
		return;
	}
	if (!head.includes('connection')) head.push('connection', 'close');
	sendBeforeBody(request, response.writeHead(status, head), body);
}

async function sendStream(request: IncomingMessage, response: ServerResponse, body: Readable): Promise<void> {
	if (request.method === 'HEAD') {
		body.destroy();
		response.end();
		return;
	}
	try {
		await pipeline(body, response);
	} catch (error) {
		// The client went away in the middle: nothing is wrong here.
		if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) {
			throw error;
		}
	}
}

function leavesMuchUnread(request: IncomingMessage): boolean {
	const length = request.headers['content-length'];
	return request.headers['transfer-encoding'] !== undefined || Number(length ?? 0) > unreadBytesMax;
}

/**
 * Answers while the client may still be sending. Closing at once would reset the connection and take the answer with
 * it, so what comes is dropped for a moment, slowly, and then the connection ends.
 */
function sendBeforeBody(request: IncomingMessage, response: ServerResponse, body: string | Buffer | undefined): void {
	response.flushHeaders();
	if (body !== undefined && request.method !== 'HEAD') {
		response.write(body);
	}
	const stopDropping = dropSlowly(request);
	const forget = (): void => {
		clearTimeout(timer);
		stopDropping();
	};
	const finish = (): void => {
		forget();
		response.end();
		request.socket.destroySoon();
	};
	const timer = setTimeout(finish, lingerMs);
	request.once('end', finish).once('close', forget);
}

/** Reads what comes and drops it, at a pace; gives what ends that. */
function dropSlowly(request: IncomingMessage): () => void {
	let leftBytes = dropBytes;
	request.on('data', (chunk: Buffer) => {
		leftBytes -= chunk.length;
		if (leftBytes <= 0) request.pause();
	});
	const pace = setInterval(() => {
		leftBytes = dropBytes;
		request.resume();
	}, dropEveryMs);
	return () => clearInterval(pace);
}
