/** A newsroom in which links for sources are made and opened. */
import type {ExecutionContext} from 'ava';
import {type App, call, path, register, type Session, startApp, Visitor} from '../../harness/index.ts';

export const LINKS = '/_broadsheet/client/v1/source_links';
export const V3 = '/_matrix/client/v3';

/** A server where alice may make links, and bob and carol are colleagues. */
export interface SourceWorld {
	readonly app: App;
	readonly alice: Session;
	readonly bob: Session;
	readonly carol: Session;
}

/** Starts one. */
export async function startSourceWorld(
	t: ExecutionContext,
	settings: object = {},
	config: object = {},
): Promise<SourceWorld> {
	const app = await startApp(t, {
		config: {
			source_links: {enabled: true, who: ['alice'], days_max: 30, silence_days: 7, ...settings},
			privacy: 'server',
			...config,
		},
	});
	const [alice, bob, carol] = [await register(app, 'alice'), await register(app, 'bob'), await register(app, 'carol')];
	return {app, alice, bob, carol};
}

/** Makes a link as a client does; the path of its page. */
export async function makeLink(app: App, {access_token: token}: Session, wish: object = {}): Promise<string> {
	const {url} = await call<{url: string}>(app, 'POST', LINKS, {token, body: {name: 'the ministry', ...wish}});
	return new URL(url).pathname;
}

/** Presses the button of a link's page. */
export const pressButton = (app: App, page: string) => fetch(app.url + page, {method: 'POST', redirect: 'manual'});

/** What the pages have shown a source. */
export interface Shown {
	readonly userId: string;
	readonly password: string;
}

/** Opens a link in a browser, which is signed in from then on. */
export async function openInBrowser(app: App, page: string): Promise<Visitor> {
	const browser = new Visitor(app);
	await browser.open(page);
	const {status, to} = await browser.submit(page);
	if (status !== 303 || to !== '/source') throw new Error(`expected an account, got ${status} ${to}`);
	return browser;
}

/** Reads the account off a page, in the order in which it is shown. */
export const readCodes = (text: string): string[] =>
	[...text.matchAll(/<code dir="ltr">([^<]+)<\/code>/gu)].map(([, shown = '']) => shown);

/** Opens a link, and has a password made. */
export async function openPage(app: App, page: string): Promise<Shown> {
	const browser = await openInBrowser(app, page);
	await browser.open('/source');
	const {status, text} = await browser.submit('/source');
	const [userId, , password] = readCodes(text);
	if (userId === undefined || password === undefined) throw new Error(`expected a password, got ${status} ${text}`);
	return {userId, password};
}

/** Signs a source in with what the page has shown. */
export const signIn = (app: App, {userId, password}: Shown) =>
	call<Session>(app, 'POST', `${V3}/login`, {
		body: {type: 'm.login.password', identifier: {type: 'm.id.user', user: userId}, password},
	});

/** A source who has signed in, and their room. */
export interface SignedSource {
	readonly session: Session;
	readonly shown: Shown;
	readonly roomId: string;
}

/** Makes a link, opens it and signs in. */
export async function takeSource(app: App, owner: Session, wish: object = {}): Promise<SignedSource> {
	const shown = await openPage(app, await makeLink(app, owner, wish));
	const session = await signIn(app, shown);
	const {joined_rooms: rooms} = await call<{joined_rooms: string[]}>(app, 'GET', `${V3}/joined_rooms`, {
		token: session.access_token,
	});
	return {session, shown, roomId: rooms[0] ?? ''};
}

/** Reads the whole state of a room by type and key. */
export async function readState(app: App, {access_token: token}: Session, roomId: string) {
	type StateEvent = {type: string; state_key: string; content: Record<string, unknown>};
	const events = await call<StateEvent[]>(app, 'GET', `${V3}/rooms/${path(roomId)}/state`, {token});
	return new Map(events.map(({type, state_key: key, content}) => [`${type} ${key}`, content]));
}
