/** Requests as somebody sees them who looks at every byte of the answers and at the clock. */
import {Agent as HttpAgent, type IncomingMessage, request as httpRequest} from 'node:http';
import {Agent as HttpsAgent, request as httpsRequest} from 'node:https';

/** One request. */
export interface WireRequest {
	readonly method: string;
	readonly uri: string;
	readonly headers?: Readonly<Record<string, string>>;
	readonly text?: string | undefined;
	/** The address of this machine to ask from; default: any. */
	readonly from?: string | undefined;
}

/** An answer in all that can be seen of it. */
export interface Reply {
	readonly status: number;
	/** Names and values in the order in which they came, without the date. */
	readonly headers: readonly (readonly [string, string])[];
	readonly text: string;
	/** From the first byte of the request to the last of the answer. */
	readonly durationMs: number;
}

/** Longer than any answer should take: what hangs is a finding, not a reason to wait. */
const TIMEOUT_MS = 60_000;

/** Connections to one server. */
export class Wire {
	readonly #url: URL;
	readonly #agent: HttpAgent;
	readonly #send: typeof httpRequest;

	/**
	 * @param url with http or https, without a path
	 * @param options `ca`: the authority (PEM) that is trusted; `connections`: how many at most, kept open unless `isFresh`
	 */
	constructor(
		url: string,
		options: {readonly ca?: string | undefined; readonly connections: number; readonly isFresh?: boolean},
	) {
		this.#url = new URL(url);
		const isTls = this.#url.protocol === 'https:';
		const common = {keepAlive: options.isFresh !== true, maxSockets: options.connections};
		this.#agent = isTls
			? new HttpsAgent({...common, ...(options.ca !== undefined && {ca: options.ca})})
			: new HttpAgent(common);
		this.#send = isTls ? httpsRequest : httpRequest;
	}

	/** Sends a request and reads the answer to its end. */
	send({method, uri, headers = {}, text, from}: WireRequest): Promise<Reply> {
		return new Promise((resolve, reject) => {
			const begun = performance.now();
			const {hostname, port} = this.#url;
			const request = this.#send(
				{
					agent: this.#agent,
					hostname,
					port,
					method,
					path: uri,
					timeout: TIMEOUT_MS,
					...(from !== undefined && {localAddress: from}),
					headers: {
						...headers,
						...(text !== undefined && {'content-type': 'application/json', 'content-length': Buffer.byteLength(text)}),
					},
				},
				(response) => {
					read(response).then(
						(body) => {
							const durationMs = performance.now() - begun;
							resolve({status: response.statusCode ?? 0, headers: pairs(response.rawHeaders), text: body, durationMs});
						},
						(cause: unknown) => reject(cause instanceof Error ? cause : new Error(String(cause))),
					);
				},
			);
			request.on('error', reject);
			request.on('timeout', () => request.destroy(new Error(`expected an answer to ${method} ${uri} within a minute`)));
			request.end(text);
		});
	}

	/** Closes the connections that are kept open. */
	close(): void {
		this.#agent.destroy();
	}
}

async function read(response: IncomingMessage): Promise<string> {
	const chunks: Buffer[] = [];
	for await (const chunk of response) chunks.push(chunk as Buffer);
	return Buffer.concat(chunks).toString('utf8');
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
	const headers: (readonly [string, string])[] = [];
	for (let at = 0; at + 1 < raw.length; at += 2) {
		const name = raw[at]!.toLowerCase();
		if (name !== 'date') headers.push([name, raw[at + 1]!]);
	}
	return headers;
}
