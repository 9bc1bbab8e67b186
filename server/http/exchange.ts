import type {IncomingHttpHeaders, IncomingMessage, ServerResponse} from 'node:http';
import type {Readable} from 'node:stream';
import type {JsonDefect, JsonValue} from '../../crypto/index.ts';
import {type Schema, SchemaError} from '../validation/index.ts';
import {addressOf, hostOf, networkOf, type TrustedProxies} from './address.ts';
import {type Authenticators, authenticateUser, listAuthorization, type UserCaller} from './authenticate.ts';
import {type BodyPace, hasBody, openBody, readBody} from './body.ts';
import {MatrixError} from './errors.ts';
import type {LoadGate, Work} from './load.ts';
import {readClientBody, readClientText, readServerBody} from './json.ts';
import {readForm, readQuery} from './query.ts';
import type {RememberedBodies} from './remembered-bodies.ts';
import type {RateLimitClass, RateLimiter} from './rate-limit.ts';
import type {AnyRequest, Route} from './route.ts';
import {type AbortReason, RequestAborted} from './signals.ts';

/** What all exchanges of a server share. */
export interface ExchangeContext {
	readonly authenticators: Authenticators;
	readonly limiter: RateLimiter;
	readonly load: LoadGate;
	readonly isTrusted: TrustedProxies;
	readonly pace: BodyPace;
	readonly bodies: RememberedBodies;
	/** Requests under way; they are told when the server stops. */
	readonly underway: Set<Exchange>;
	isStopping: boolean;
}

const textOfNothing = new Uint8Array(0);

/**
 * One request on its way to a handler. What handlers seldom ask for (the signal, the address) is made when asked for.
 */
export class Exchange implements AnyRequest {
	readonly uri: string;
	parameters: Readonly<Record<string, string>> = {};
	query: unknown = undefined;
	body: unknown = undefined;
	caller: unknown = undefined;
	defects: readonly JsonDefect[] = [];
	/** The operation, once it is known. */
	operation = 'unrecognized';
	#bodyText = '';
	#work: Work | undefined;
	readonly #request: IncomingMessage;
	readonly #response: ServerResponse;
	readonly #context: ExchangeContext;
	#search: URLSearchParams | undefined;
	#address: string | undefined;
	#controller: AbortController | undefined;

	constructor(request: IncomingMessage, response: ServerResponse, uri: string, context: ExchangeContext) {
		this.#request = request;
		this.#response = response;
		this.#context = context;
		this.uri = uri;
	}

	get headers(): IncomingHttpHeaders {
		return this.#request.headers;
	}

	get address(): string {
		this.#address ??= addressOf(this.#request, this.#context.isTrusted);
		return this.#address;
	}

	get network(): string {
		return networkOf(this.address);
	}

	get signal(): AbortSignal {
		if (this.#controller === undefined) {
			this.#controller = new AbortController();
			if (this.#context.isStopping) {
				this.abort('server-stopping');
			} else if (this.#response.destroyed) {
				this.abort('client-gone');
			} else {
				// A response that was given closes too; there is nobody left to be told.
				this.#response.once('close', () => {
					if (!this.#response.writableFinished) this.abort('client-gone');
				});
			}
		}
		return this.#controller.signal;
	}

	/** Tells the handler, if it listens, that the work is not worth going on with. */
	abort(reason: AbortReason): void {
		this.#controller?.abort(new RequestAborted(reason));
	}

	/** Refuses the request while there is too much of its kind. @throws MatrixError */
	checkLoad({work}: Pick<Route<never>, 'work'>): void {
		if (work !== 'none') this.#context.load.check(work);
	}

	/** Takes the request on, unless there is too much of its kind by now. @throws MatrixError */
	enter({work}: Pick<Route<never>, 'work'>): void {
		if (work === 'none') return;
		this.#context.load.enter(work);
		this.#work = work;
	}

	/** Lets go of what was read of the body: the handler has it. */
	releaseBody(): void {
		this.body = undefined;
		this.#bodyText = '';
	}

	/** Makes place for another request. */
	leave(): void {
		if (this.#work !== undefined) this.#context.load.leave(this.#work);
	}

	// Handlers take these out of the request one by one, so they are functions and not methods.
	readonly spend = (limitClass: RateLimitClass, key: string): void => {
		this.#context.limiter.spend(limitClass, key);
	};

	readonly take = (limitClass: RateLimitClass, key: string): boolean => this.#context.limiter.take(limitClass, key);

	readonly bodyText = (): string => this.#bodyText;

	readonly openBody = (sizeBytesMax: number): Readable =>
		openBody(this.#request, this.#response, sizeBytesMax, this.#context.pace);

	/**
	 * Does all that the route declares before its handler may run: who calls, how often, and what they sent. The body
	 * of a caller who may not call is never read.
	 */
	async prepare(route: Route<never>): Promise<void> {
		const queryStart = this.uri.indexOf('?');
		if (queryStart !== -1 && queryStart + 1 < this.uri.length) {
			this.#search = new URLSearchParams(this.uri.slice(queryStart + 1));
		}
		if (route.auth === 'server') {
			await this.#prepareServer(route);
		} else {
			const key = await this.#prepareUser(route);
			this.spend(route.rateLimit, key);
			if (route.body !== undefined) {
				this.body = await this.#readClientBody(route, route.body);
			}
		}
		if (route.query !== undefined) {
			this.query = readQuery(route.query, this.#search);
		}
	}

	async #prepareUser(route: Route<never>): Promise<string> {
		if (route.auth === 'none') {
			return this.network;
		}
		let caller: UserCaller | undefined;
		try {
			caller = await authenticateUser(this.#request, this.#search, route, {
				authenticators: this.#context.authenticators,
				address: () => this.address,
				uri: this.uri,
			});
		} catch (error) {
			if (error instanceof MatrixError && error.errcode === 'M_UNKNOWN_TOKEN') {
				this.spend('unknown-token', this.network);
			}
			throw error;
		}
		this.caller = caller;
		return caller?.userId ?? this.network;
	}

	async #prepareServer(route: Route<never>): Promise<void> {
		this.spend('federation-unsigned', this.network);
		const pending = this.#context.authenticators.server({
			method: this.#request.method ?? '',
			uri: this.uri,
			authorization: listAuthorization(this.#request),
		});
		const bytes = hasBody(this.#request) ? await this.#readBytes(route) : undefined;
		const content = bytes && (await readServerBody(bytes));
		const caller = await pending.verify(content?.value, bytes && {bytes, hasDefects: content!.defects.length > 0});
		this.caller = caller;
		this.spend(route.rateLimit === 'general' ? 'federation' : route.rateLimit, hostOf(caller.origin));
		if (route.body !== undefined) {
			this.defects = content?.defects ?? [];
			if (this.defects.length > 0 && !route.allowsDefects) {
				throw new MatrixError('M_BAD_JSON', 'The body has repeated keys, lone surrogates or too many levels');
			}
			this.body = checkBody(route, content === undefined ? {} : content.value);
		}
	}

	async #readClientBody(route: Route<never>, schema: Schema<unknown>): Promise<unknown> {
		const bytes = await this.#readBytes(route);
		if (route.bodyFormat === 'form') return readForm(schema, bytes);
		const read = (): unknown => {
			this.#bodyText = readClientText(bytes);
			return checkBody(route, readClientBody(this.#bodyText, route.numbers));
		};
		return route.remembersBodies ? this.#context.bodies.get(route.id, bytes, read) : read();
	}

	/** An absent body of a POST is the empty object, as many clients mean it. */
	async #readBytes(route: Route<never>): Promise<Uint8Array> {
		const bytes = hasBody(this.#request)
			? await readBody(this.#request, this.#response, route.bodyBytesMax, this.#context.pace)
			: textOfNothing;
		return bytes.length === 0 && route.method !== 'PUT' ? emptyObject : bytes;
	}
}

const emptyObject = Buffer.from('{}');

function checkBody(route: Route<never>, value: JsonValue): unknown {
	try {
		return route.body!.check(value, '');
	} catch (error) {
		if (error instanceof SchemaError) {
			throw new MatrixError('M_BAD_JSON', error.message);
		}
		throw error;
	}
}
