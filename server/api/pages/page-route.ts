import type {IncomingHttpHeaders} from 'node:http';
import type {Readable} from 'node:stream';
import {secretsEqual, type UserId} from '../../../crypto/index.ts';
import {
	chooseLanguage,
	type Page,
	problemPage,
	secondStepPath,
	signInPath,
	type TextKey,
	type View,
} from '../../../web/index.ts';
import type {Config} from '../../config/index.ts';
import {
	content,
	type HttpResponse,
	MatrixError,
	type RateLimitClass,
	redirect,
	type Route,
	type RouteDeclaration,
} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {isPageOfSources} from '../../source-links/index.ts';
import {type ObjectSchema, v} from '../../validation/index.ts';
import type {WebSession} from '../../web-sessions/index.ts';
import {route} from '../route.ts';
import {readCookies, sessionCookie} from './cookies.ts';
import {formBytesMax, pageResponse} from './page-response.ts';

/** What a page's handler is given. */
export interface PageRequest<Parameters, Query, Fields> {
	readonly parameters: Parameters;
	readonly query: Query;
	/** What the form sent. */
	readonly fields: Fields;
	/** The browser's session; of a page whose address is the proof, one in which nobody is known. */
	readonly session: WebSession;
	/** What pages are made with. */
	readonly view: View;
	readonly headers: IncomingHttpHeaders;
	readonly address: string;
	readonly network: string;
	/** Path and query as they came. */
	readonly uri: string;
	readonly spend: (limitClass: RateLimitClass, key: string) => void;
	readonly take: (limitClass: RateLimitClass, key: string) => boolean;
}

/** What a page's handler answers with: a page, or another address to go to. */
export type PageAnswer = {
	/** The session, where it is another one now; the browser is given its token. */
	readonly session?: WebSession;
	readonly cookies?: readonly string[];
} & (
	| {
			readonly page: Page;
			readonly status?: number;
			/** Origins or schemes that the answer to the page's form may lead to. */
			readonly formTargets?: readonly string[];
	  }
	/** A path of our own, or wherever the page's `formTargets` let it lead. */
	| {readonly to: string}
	/** A file to be kept under a name; the stream is destroyed when the browser goes. */
	| {readonly file: {readonly name: string; readonly type: string; readonly body: Readable}}
);

/** Who may see a page. Others are sent to sign in, and come back. */
export type PageAccess =
	| 'anyone'
	| 'signed-in'
	/** Who has shown in the last ten minutes that it is they: for what lets somebody in. */
	| 'recently-proven'
	/**
	 * These, for what an account hangs on: who was asked in the last ten minutes, here or by the service that vouches for them,
	 * unless new sessions wait and nothing but a password was shown.
	 */
	| 'changing'
	/** These, and who must set up a second factor and has shown all else. */
	| 'setting-up'
	/** Who has its address, which is a secret. No cookie is asked for, nor given by looking at it. */
	| 'address';

interface PageDeclaration<Path extends string, Query, Fields> {
	readonly id: string;
	readonly method: 'GET' | 'POST';
	readonly path: Path;
	readonly access: PageAccess;
	readonly rateLimit?: RateLimitClass;
	readonly work?: RouteDeclaration<Services, Path, 'none', unknown, Query>['work'];
	readonly query?: ObjectSchema<Query>;
	/** The fields of a form, `csrf` aside. */
	readonly fields?: ObjectSchema<Fields>;
	handle(
		request: PageRequest<
			Parameters<RouteDeclaration<Services, Path, 'none', Fields, Query>['handle']>[0]['parameters'],
			Query,
			Fields
		>,
		services: Services,
	): Promise<PageAnswer> | PageAnswer;
}

/**
 * Declares a page, or where a form of a page is sent. The browser's session is found, a form is refused that is not the
 * browser's own, whoever may not see the page is sent to sign in, and errors are pages too.
 */
export function pageRoute<Path extends string, Query = object, Fields = object>(
	page: PageDeclaration<Path, Query, Fields>,
): Route<Services> {
	const isForm = page.method === 'POST';
	return route({
		id: page.id,
		method: page.method,
		path: page.path,
		auth: 'none',
		...(page.rateLimit !== undefined && {rateLimit: page.rateLimit}),
		...(page.work !== undefined && {work: page.work}),
		query: page.query ?? (v.object({}) as ObjectSchema<Query>),
		...(isForm && {bodyFormat: 'form' as const, bodyBytesMax: formBytesMax, body: withCsrf(page.fields)}),
		showError: showProblem,
		async handle(request, services) {
			const {config, webSessions} = services;
			const {headers, uri} = request;
			const {session: token} = readCookies(config, headers);
			const isSecretAddress = page.access === 'address';
			const session = await webSessions.find(isSecretAddress ? undefined : token);
			const view = {
				...viewOf(config, headers, uri),
				...(!isSecretAddress && {csrf: session.csrf, userId: shownUser(session)}),
			};
			if (isForm) checkOwn(config, headers);
			const fields = request.body as Fields & {readonly csrf?: string | undefined};
			if (isForm && !isSecretAddress && !secretsEqual(fields.csrf ?? '', session.csrf)) throw notOurs();
			if (isClosedToSource(page, session, services)) {
				return respondWith(config, session, {page: problemPage(view, 'sourceLinks.notForSources'), status: 403});
			}
			const answer = isAllowed(page.access, session)
				? await page.handle({...pick(request), fields, session, view}, services)
				: {
						to: `${session.isRecent && session.wantsVouching ? secondStepPath : signInPath}?return_to=${encodeURIComponent(isForm ? '/account' : uri)}`,
					};
			return respondWith(config, isSecretAddress ? undefined : session, answer);
		},
	});
}

function withCsrf<Fields>(fields: ObjectSchema<Fields> | undefined): ObjectSchema<Fields> {
	const own = fields ?? (v.object({}) as ObjectSchema<Fields>);
	// What is not in the shape is not read from a form, and what is read is not asked for by the schema itself.
	return {...own, shape: {...own.shape, csrf: v.optional(v.string())}};
}

function isAllowed(access: PageAccess, session: WebSession): boolean {
	const {isSignedIn, isRecent, isFresh, mustSetUp, wantsVouching} = session;
	const allowed: Readonly<Record<PageAccess, boolean>> = {
		anyone: true,
		address: true,
		'signed-in': isSignedIn,
		'recently-proven': isRecent,
		changing: isFresh && !wantsVouching,
		'setting-up': (isFresh && !wantsVouching) || mustSetUp,
	};
	return allowed[access];
}

/** Whether a page changes the account of a source in a way that such accounts are not changed. */
function isClosedToSource(
	{id, access}: {readonly id: string; readonly access: PageAccess},
	{userId}: WebSession,
	{sourceLinks}: Pick<Services, 'sourceLinks'>,
): boolean {
	if (access !== 'changing' && access !== 'setting-up') return false;
	return userId !== undefined && sourceLinks.isSource(userId) && !isPageOfSources(id);
}

const shownUser = ({isSignedIn, userId}: WebSession): string | undefined => (isSignedIn ? userId : undefined);

/** What of a request a page's handler is given as it is. */
function pick<Parameters, Query>(request: {
	readonly parameters: Parameters;
	readonly query: Query;
	readonly headers: IncomingHttpHeaders;
	readonly address: string;
	readonly network: string;
	readonly uri: string;
	readonly spend: (limitClass: RateLimitClass, key: string) => void;
	readonly take: (limitClass: RateLimitClass, key: string) => boolean;
}) {
	const {parameters, query, headers, address, network, uri, spend, take} = request;
	return {parameters, query, headers, address, network, uri, spend, take};
}

/**
 * Refuses a form that another site has sent, as far as the browser says where it comes from. Pages that send no referrer
 * have `null` for an origin, so the form's own secret is what counts.
 * @throws MatrixError M_FORBIDDEN
 */
function checkOwn({publicUrl}: Config, headers: IncomingHttpHeaders): void {
	const site = headers['sec-fetch-site'];
	if (site !== undefined && site !== 'same-origin' && site !== 'none') throw notOurs();
	const {origin} = headers;
	if (origin === undefined || origin === 'null') return;
	const host = URL.canParse(origin) ? new URL(origin).host : '';
	if (host !== headers.host && host !== new URL(publicUrl).host) throw notOurs();
}

function notOurs(): MatrixError {
	return new MatrixError('M_FORBIDDEN', 'Expected a form of a page that this browser was given');
}

/** What a page is made with before it is known who sees it. */
function viewOf(config: Config, headers: IncomingHttpHeaders, uri: string): View {
	const {language} = readCookies(config, headers);
	return {
		language: chooseLanguage(language, headers['accept-language']),
		serverName: config.serverName,
		here: uri,
	};
}

/**
 * Whose account a page is about that only they may see.
 * @throws where the page lets others in: a bug
 */
export function userOf({userId}: WebSession): UserId {
	if (userId === undefined) throw new Error('a page of an account was shown to nobody');
	return userId;
}

function respondWith(config: Config, before: WebSession | undefined, answer: PageAnswer): HttpResponse {
	const {newToken} = answer.session ?? before ?? {};
	const own = newToken === undefined ? [] : [sessionCookie(config, newToken)];
	const cookies = [...own, ...(answer.cookies ?? [])];
	// 303: whatever the form did is done, and the next page is asked for by GET.
	if ('file' in answer) {
		const {name, type, body} = answer.file;
		const headers = {'content-disposition': `attachment; filename="${name}"`, 'cache-control': 'no-store'};
		return content(type, body, {cookies, headers});
	}
	if ('to' in answer) return redirect(answer.to, {status: 303, cookies});
	return pageResponse(answer.page, {status: answer.status, cookies, formTargets: answer.formTargets});
}

const problems: Readonly<Record<number, TextKey>> = {
	403: 'problem.form',
	429: 'problem.limit',
	500: 'problem.unknown',
	503: 'problem.unavailable',
};

/** Shows an error as a page, in few words: what went wrong inside is nobody's business. */
function showProblem(
	error: MatrixError,
	{headers, uri}: {readonly headers: IncomingHttpHeaders; readonly uri: string},
	{config}: Services,
): HttpResponse {
	const page = problemPage(viewOf(config, headers, uri), problems[error.status] ?? 'problem.request');
	return pageResponse(page, {status: error.status, headers: error.headers});
}
