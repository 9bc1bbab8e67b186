/** Somebody before a browser without scripts: keeps cookies, reads pages, fills in forms. */
import type {ClientTarget} from './client.ts';
import {checkHeaders} from './conformance.ts';

/** A page, or where it sends its reader. */
export interface Visit {
	readonly status: number;
	readonly text: string;
	readonly headers: Headers;
	/** Where the answer sends the browser; empty where it sends it nowhere. */
	readonly to: string;
}

const entities: Readonly<Record<string, string>> = {
	'&amp;': '&',
	'&lt;': '<',
	'&gt;': '>',
	'&quot;': '"',
	'&#39;': "'",
};

/** Gives the text that stands in an attribute. */
function unescape(text: string): string {
	return text.replace(/&(?:amp|lt|gt|quot|#39);/g, (entity) => entities[entity] ?? entity);
}

/** A browser of a test. Redirects are not followed. */
export class Visitor {
	readonly #server: ClientTarget;
	/** By their names; a test may look, and meddle. */
	readonly cookies = new Map<string, string>();
	/** Sent with every request. */
	readonly headers: Record<string, string>;
	#page = '';

	constructor(server: ClientTarget, headers: Record<string, string> = {}) {
		this.#server = server;
		this.headers = headers;
	}

	/** Opens a page. */
	open(path: string): Promise<Visit> {
		return this.#request(path, {});
	}

	/**
	 * Sends a form with the secrets of the page that was opened last.
	 * @param path where the form is sent
	 */
	submit(path: string, fields: Readonly<Record<string, string>> = {}): Promise<Visit> {
		return this.send(path, {...this.hidden(), ...fields});
	}

	/** Sends a form as it is given. */
	send(path: string, fields: Readonly<Record<string, string>>): Promise<Visit> {
		return this.#request(path, {method: 'POST', body: new URLSearchParams(fields)});
	}

	/** The secret of the page's forms. */
	hidden(): Record<string, string> {
		const csrf = /<input type="hidden" name="csrf" value="([^"]*)"/.exec(this.#page)?.[1];
		return csrf === undefined ? {} : {csrf: unescape(csrf)};
	}

	async #request(path: string, init: RequestInit): Promise<Visit> {
		const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
		const reply = await fetch(this.#server.url + path, {
			...init,
			redirect: 'manual',
			headers: {...this.headers, ...(cookie !== '' && {cookie})},
		});
		for (const set of reply.headers.getSetCookie()) {
			const [pair = ''] = set.split(';', 1);
			const [name = '', value = ''] = pair.split('=', 2);
			this.cookies.set(name, value);
		}
		checkHeaders(init.method ?? 'GET', path, reply.status, reply.headers);
		const text = await reply.text();
		if (text !== '') this.#page = text;
		return {status: reply.status, text, headers: reply.headers, to: reply.headers.get('location') ?? ''};
	}
}

/** Signs somebody made by `register` in on the sign-in page, and gives their browser. */
export async function signInOnPage(server: ClientTarget, username: string, password: string): Promise<Visitor> {
	const visitor = new Visitor(server);
	await visitor.open('/account/sign-in');
	const {status, to} = await visitor.submit('/account/sign-in', {username, password});
	if (status !== 303) throw new Error(`expected to be signed in, got ${status} ${to}`);
	return visitor;
}
