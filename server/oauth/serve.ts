import {IncomingMessage, ServerResponse} from 'node:http';
import {Duplex} from 'node:stream';

/** A request for the library: all that it is told. Addresses, tokens and cookies of the browser are not. */
export interface ProtocolRequest {
	readonly method: 'GET' | 'POST';
	/** Path and query. */
	readonly uri: string;
	readonly accept: 'text/html' | 'application/json';
	readonly cookie?: string;
	readonly contentType?: string;
	readonly body?: string;
}

/** An answer of the protocol. */
export interface ProtocolAnswer {
	readonly status: number;
	/** Lower-case names. */
	readonly headers: Readonly<Record<string, string>>;
	readonly body: string;
}

/** What of the library's headers is handed on; cookies never are, for it is given its sessions within one request. */
const HEADERS = ['cache-control', 'content-type', 'location', 'www-authenticate'] as const;

type Callback = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/** A connection that leads nowhere. */
class NoSocket extends Duplex {
	readonly encrypted: boolean;
	constructor(isEncrypted: boolean) {
		super();
		this.encrypted = isEncrypted;
	}
	override _read(): void {}
	override _write(_chunk: unknown, _encoding: BufferEncoding, done: () => void): void {
		done();
	}
}

/** Keeps what is answered. */
class KeptResponse extends ServerResponse {
	#body = '';
	get body(): string {
		return this.#body;
	}
	override end(chunk?: unknown): this {
		if (typeof chunk === 'string') this.#body = chunk;
		if (chunk instanceof Uint8Array) this.#body = Buffer.from(chunk).toString('utf8');
		this.emit('finish');
		return this;
	}
}

/**
 * Has the library answer a request without a connection: what came from outside has passed the server's own limits, and
 * what goes out gets the server's own headers.
 */
export async function serve(callback: Callback, publicUrl: URL, asked: ProtocolRequest): Promise<ProtocolAnswer> {
	// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a socket, the library looks only at `encrypted`
	const request = new IncomingMessage(new NoSocket(publicUrl.protocol === 'https:') as never);
	const body = asked.body ?? '';
	Object.assign(request, {method: asked.method, url: asked.uri, httpVersion: '1.1', httpVersionMajor: 1});
	Object.assign(request.headers, {
		host: publicUrl.host,
		accept: asked.accept,
		...(asked.cookie !== undefined && {cookie: asked.cookie}),
		...(asked.contentType !== undefined && {'content-type': asked.contentType}),
		'content-length': String(Buffer.byteLength(body)),
	});
	request.push(body);
	request.push(null);
	const response = new KeptResponse(request);
	const finished = new Promise((resolve) => void response.once('finish', resolve));
	await callback(request, response);
	await finished;
	const headers = HEADERS.map((name) => [name, response.getHeader(name)] as const);
	return {
		status: response.statusCode,
		headers: Object.fromEntries(
			headers.filter((entry): entry is [(typeof entry)[0], string] => entry[1] !== undefined),
		),
		body: response.body,
	};
}
