/** The client side of the load: kept connections, no more work for each request than sending it and reading the answer. */
import {Pool} from 'undici';

/** One answer, read to its end. */
export interface Reply {
	readonly status: number;
	readonly text: string;
}

/** A bounded set of kept connections to one server. */
export class LoadClient implements AsyncDisposable {
	readonly #pool: Pool;

	constructor(url: string, connections: number) {
		this.#pool = new Pool(url, {
			connections,
			pipelining: 1,
			keepAliveTimeout: 60_000,
			headersTimeout: 120_000,
			bodyTimeout: 120_000,
		});
	}

	/** Sends one request; any status is an answer. */
	async send(method: 'GET' | 'POST' | 'PUT', path: string, token?: string, body?: object): Promise<Reply> {
		const headers: Record<string, string> = {};
		if (token !== undefined) headers['authorization'] = `Bearer ${token}`;
		if (body !== undefined) headers['content-type'] = 'application/json';
		const reply = await this.#pool.request({
			method,
			path,
			headers,
			body: body === undefined ? null : JSON.stringify(body),
		});
		return {status: reply.statusCode, text: await reply.body.text()};
	}

	/** Sends one request that must be answered with 200, and reads the answer's JSON. */
	async call<T>(method: 'GET' | 'POST' | 'PUT', path: string, token?: string, body?: object): Promise<T> {
		const {status, text} = await this.send(method, path, token, body);
		if (status !== 200) throw new Error(`${method} ${path}: expected 200, got ${status} ${text.slice(0, 200)}`);
		const answer: T = JSON.parse(text);
		return answer;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#pool.destroy();
	}
}
