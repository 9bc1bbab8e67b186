/** A client that signs people in by OAuth, and a person who says yes. */
import {createHash, randomBytes} from 'node:crypto';
import type {UserId} from '../../../../crypto/index.ts';
import {type App, call, type Visitor} from '../../../harness/index.ts';

/** What a client says of itself, unless a test says otherwise. */
export const METADATA = {
	client_name: 'A client',
	client_uri: 'https://app.example/',
	redirect_uris: ['https://app.example/callback', 'https://other.app.example/callback'],
	response_types: ['code'],
	grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
	token_endpoint_auth_method: 'none',
	application_type: 'web',
};

/** The redirect address of the client. */
export const REDIRECT_URI = METADATA.redirect_uris[0]!;

/** An answer of the token endpoint. */
export interface TokenAnswer {
	readonly status: number;
	readonly body: {
		readonly access_token: string;
		readonly refresh_token: string;
		readonly token_type: string;
		readonly expires_in: number;
		readonly scope: string;
		readonly error: string;
	};
}

/** Registers a client; its id. */
export async function registerClient(app: App, metadata: object = METADATA): Promise<string> {
	const reply = await fetch(`${app.url}/oauth2/clients/register`, {
		method: 'POST',
		headers: {'content-type': 'application/json'},
		body: JSON.stringify(metadata),
	});
	const body = (await reply.json()) as {client_id: string};
	if (reply.status !== 201) throw new Error(`expected 201, got ${reply.status} ${JSON.stringify(body)}`);
	return body.client_id;
}

/** Sends a form. */
export async function postForm(
	app: App,
	path: string,
	fields: Readonly<Record<string, string>>,
): Promise<{status: number; body: Record<string, unknown>; headers: Headers}> {
	const reply = await fetch(app.url + path, {method: 'POST', body: new URLSearchParams(fields)});
	return {status: reply.status, body: (await reply.json()) as Record<string, unknown>, headers: reply.headers};
}

/** Sends a form to the token endpoint. */
export async function postToken(app: App, fields: Readonly<Record<string, string>>): Promise<TokenAnswer> {
	const {status, body} = await postForm(app, '/oauth2/token', fields);
	return {status, body: body as unknown as TokenAnswer['body']};
}

/** A request for authorisation, with what only its client knows. */
export interface Asked {
	readonly search: URLSearchParams;
	readonly verifier: string;
	readonly clientId: string;
}

/** Begins a request as clients do. */
export function ask(clientId: string, more: Readonly<Record<string, string>> = {}): Asked {
	const verifier = randomBytes(32).toString('base64url');
	const search = new URLSearchParams({
		response_type: 'code',
		response_mode: 'query',
		client_id: clientId,
		redirect_uri: REDIRECT_URI,
		scope: 'urn:matrix:client:api:* urn:matrix:client:device:AAABBBCCCDDD',
		state: 'a state',
		code_challenge: createHash('sha256').update(verifier).digest('base64url'),
		code_challenge_method: 'S256',
		...more,
	});
	return {search, verifier, clientId};
}

/** Has somebody consent, past the pages; where the browser is sent. */
export async function consent(app: App, userId: string, {search}: Asked, isApproved = true): Promise<URL> {
	const answer = await app.application.services.oauth.decide(search, {userId: userId as UserId, isApproved});
	const {location} = answer.headers;
	if (location === undefined) throw new Error(`expected a redirect, got ${answer.status} ${answer.body}`);
	return new URL(location);
}

/** Where a client sends its person's browser. */
export const pathOf = ({search}: Asked): string => `/oauth2/authorize?${search.toString()}`;

/** Has the person of a browser that is signed in say yes on the page; the code that the client gets. */
export async function consentOnPage(visitor: Visitor, asked: Asked): Promise<string> {
	await visitor.open(pathOf(asked));
	const {status, to} = await visitor.submit(pathOf(asked), {decision: 'allow'});
	const code = status === 303 ? new URL(to).searchParams.get('code') : null;
	if (code === null) throw new Error(`expected a code, got ${status} ${to}`);
	return code;
}

/** Exchanges a code as clients do. */
export function exchange(app: App, asked: Asked, code: string, more: Readonly<Record<string, string>> = {}) {
	return postToken(app, {
		grant_type: 'authorization_code',
		client_id: asked.clientId,
		code,
		redirect_uri: asked.search.get('redirect_uri') ?? '',
		code_verifier: asked.verifier,
		...more,
	});
}

/** Signs somebody in, from the registration of the client to its tokens. */
export async function signIn(app: App, userId: string): Promise<TokenAnswer['body'] & {clientId: string}> {
	const clientId = await registerClient(app);
	const asked = ask(clientId);
	const {searchParams} = await consent(app, userId, asked);
	const {status, body} = await exchange(app, asked, searchParams.get('code') ?? '');
	if (status !== 200) throw new Error(`expected tokens, got ${status} ${JSON.stringify(body)}`);
	return {...body, clientId};
}

/** Exchanges a refresh token. */
export function refresh(app: App, refreshToken: string, clientId: string): Promise<TokenAnswer> {
	return postToken(app, {grant_type: 'refresh_token', refresh_token: refreshToken, client_id: clientId});
}

/** Whose token this is. */
export function whoami(app: App, token: string): Promise<{user_id: string; device_id: string}> {
	return call(app, 'GET', '/_matrix/client/v3/account/whoami', {token});
}
