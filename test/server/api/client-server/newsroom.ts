/** A server with three people, and what tests about rooms do again and again. */
import type {ExecutionContext} from 'ava';
import {
	type Answer,
	type App,
	type AppOptions,
	type CallOptions,
	type ClientTarget,
	call,
	register,
	request,
	type Session,
	startApp,
} from '../../../harness/index.ts';

/** An event as a client is shown it. */
export interface ClientEvent {
	readonly event_id: string;
	readonly room_id: string;
	readonly type: string;
	readonly sender: string;
	readonly state_key?: string;
	readonly redacts?: string;
	readonly content: Readonly<Record<string, unknown>>;
	readonly unsigned?: Readonly<Record<string, unknown>>;
}

/** All room versions. */
export const VERSIONS = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'] as const;

const V3 = '/_matrix/client/v3';

/** A person with a client. */
export class Person {
	readonly app: ClientTarget;
	readonly session: Session;

	constructor(app: ClientTarget, session: Session) {
		this.app = app;
		this.session = session;
	}

	get id(): string {
		return this.session.user_id;
	}

	/** Sends a request; the path is that below `/_matrix/client/v3`. */
	ask<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
		return request<T>(this.app, method, V3 + path, this.#options(body));
	}

	/** Sends a request that must succeed. */
	do<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
		return call<T>(this.app, method, V3 + path, this.#options(body));
	}

	async create(wish: Readonly<Record<string, unknown>> = {}): Promise<string> {
		return (await this.do<{room_id: string}>('POST', '/createRoom', wish)).room_id;
	}

	async join(roomIdOrAlias: string): Promise<void> {
		await this.do('POST', `/join/${encodeURIComponent(roomIdOrAlias)}`, {});
	}

	async say(roomId: string, body: string, txnId: string = body): Promise<string> {
		const path = `${room(roomId)}/send/m.room.message/${encodeURIComponent(txnId)}`;
		return (await this.do<{event_id: string}>('PUT', path, {msgtype: 'm.text', body})).event_id;
	}

	/** Gives the content of an entry of the state. */
	state(roomId: string, type: string, stateKey = ''): Promise<Record<string, unknown>> {
		return this.do('GET', `${room(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`);
	}

	async setState(roomId: string, type: string, content: object, stateKey = ''): Promise<string> {
		const path = `${room(roomId)}/state/${type}/${encodeURIComponent(stateKey)}`;
		return (await this.do<{event_id: string}>('PUT', path, content)).event_id;
	}

	#options(body: unknown): CallOptions {
		return {token: this.session.access_token, ...(body !== undefined && {body})};
	}
}

/** The path of a room. */
export const room = (roomId: string): string => `/rooms/${encodeURIComponent(roomId)}`;

/** A room that is not there, in the form that a version gives its ids. */
export const noRoom = (like: string): string =>
	like.includes(':') ? '!nosuchroom:news.example' : `!${'A'.repeat(43)}`;

/** Starts a server with three people who are strangers to each other. */
export async function newsroom(
	t: ExecutionContext,
	options: AppOptions = {},
): Promise<{app: App; alice: Person; bob: Person; carol: Person}> {
	const app = await startApp(t, options);
	const [alice, bob, carol] = await Promise.all(
		['alice', 'bob', 'carol'].map(async (name) => new Person(app, await register(app, name))),
	);
	return {app, alice: alice!, bob: bob!, carol: carol!};
}

/** What an error says, for comparisons. */
export const errorOf = ({status, body}: Answer<Record<string, unknown>>) => ({
	status,
	errcode: body['errcode'],
	error: body['error'],
});
