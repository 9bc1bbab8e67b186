import {
	accountPath,
	callbackPath,
	chooseNameForm,
	chooseNamePath,
	linkPath,
	linksPage,
	linksPath,
	problemPage,
	signInPath,
	signInWithPath,
	type TextKey,
	unlinkPath,
} from '../../../web/index.ts';
import {AccountsError} from '../../accounts/index.ts';
import {IdentityError, type IdentityErrorCode} from '../../identity-providers/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {ownPath} from '../../web-sessions/index.ts';
import {newAccountProblems} from './new-account.ts';
import {type PageAnswer, type PageRequest, pageRoute} from './page-route.ts';
import {goOn} from './sign-in.ts';

const query = v.object({return_to: v.optional(v.string({max: 4096}))});

const problems: Readonly<Record<IdentityErrorCode, TextKey>> = {
	'unknown-provider': 'upstream.refused',
	unavailable: 'upstream.unavailable',
	'no-flow': 'upstream.over',
	refused: 'upstream.refused',
	'not-asked-anew': 'upstream.notAskedAnew',
	'no-account': 'upstream.noAccount',
	'linked-elsewhere': 'upstream.linkedElsewhere',
	'last-way-in': 'account.lastWayIn',
	'bad-logout-token': 'upstream.refused',
};

/** Shows what a provider's refusal means, as a page. */
async function explain(view: Parameters<typeof problemPage>[0], act: () => Promise<PageAnswer>): Promise<PageAnswer> {
	try {
		return await act();
	} catch (error) {
		if (!(error instanceof IdentityError)) throw error;
		return {page: problemPage(view, problems[error.code]), status: error.code === 'unavailable' ? 503 : 403};
	}
}

/** Sends a browser to another service, whose word signs its person in. */
export const getSignInWith = pageRoute({
	id: 'getSignInWithPage',
	method: 'GET',
	path: signInWithPath(':providerId'),
	access: 'anyone',
	rateLimit: 'login',
	query,
	handle: ({parameters, session, view, query: {return_to: returnTo}}, {identityProviders}) =>
		explain(view, async () => ({
			to: await identityProviders.begin(parameters.providerId, {
				webSessionHash: session.tokenHash,
				returnTo: ownPath(returnTo),
				isRepeated: session.isSignedIn,
			}),
		})),
});

/** Takes in a browser that comes back from another service. */
export const getUpstreamCallback = pageRoute({
	id: 'getUpstreamCallbackPage',
	method: 'GET',
	path: callbackPath(':providerId'),
	access: 'anyone',
	rateLimit: 'login',
	handle: ({parameters, session, view, uri}, {identityProviders, webSessions}) =>
		explain(view, async () => {
			const {tokenHash: webSessionHash, isSignedIn} = session;
			const userId = isSignedIn ? session.userId : undefined;
			const arrival = await identityProviders.finish(parameters.providerId, {webSessionHash, uri, userId});
			if (arrival.kind === 'new') return {to: chooseNamePath};
			if (arrival.kind === 'linked') return {to: ownPath(arrival.returnTo) ?? linksPath};
			const {kind: _, userId: proven, ...proof} = arrival;
			return goOn(await webSessions.prove(session, proven, 'upstream', proof), proof.returnTo);
		}),
});

/** Asks somebody new for the name of their account, once another service has vouched for them. */
export const getChooseName = pageRoute({
	id: 'getChooseNamePage',
	method: 'GET',
	path: chooseNamePath,
	access: 'anyone',
	async handle({session, view}, {identityProviders}) {
		const found = await identityProviders.findSuggestion(session.tokenHash);
		if (found === undefined) return {to: signInPath};
		return {page: chooseNameForm(view, {username: found.suggestion, problem: undefined})};
	},
});

/** Makes the account of somebody new under the name they chose. */
export const postChooseName = pageRoute({
	id: 'postChooseNamePage',
	method: 'POST',
	path: chooseNamePath,
	access: 'anyone',
	rateLimit: 'registration',
	fields: v.object({username: v.optional(v.string())}),
	handle: ({session, view, fields, spend, network}, {identityProviders, webSessions}) =>
		explain(view, async () => {
			const {username = ''} = fields;
			// Each try may tell that a name is taken.
			spend('registration-check', network);
			try {
				const {userId, ...proof} = await identityProviders.register(session.tokenHash, username);
				return goOn(await webSessions.prove(session, userId, 'upstream', proof), proof.returnTo);
			} catch (error) {
				if (!(error instanceof AccountsError)) throw error;
				const problem = newAccountProblems[error.code] ?? 'register.badName';
				return {page: chooseNameForm(view, {username, problem}), status: 400};
			}
		}),
});

async function showLinks(
	{session, view}: Pick<PageRequest<unknown, unknown, unknown>, 'session' | 'view'>,
	{identityProviders, config}: Services,
	problem?: TextKey,
): Promise<PageAnswer> {
	const linked = session.userId === undefined ? [] : await identityProviders.listOf(session.userId);
	const providers = identityProviders.shown.map(({id, name}) => ({
		id,
		name,
		isLinked: linked.some(({providerId}) => providerId === id),
	}));
	// The forms lead to the services.
	const issuers = config.identityProviders.flatMap((it) => (it.kind === 'oidc' ? [new URL(it.issuer).origin] : []));
	return {
		page: linksPage({...view, here: linksPath}, {providers, problem}),
		status: problem === undefined ? 200 : 400,
		formTargets: [...new Set(issuers)],
	};
}

/** Shows somebody which services vouch for them. */
export const getLinks = pageRoute({
	id: 'getUpstreamLinksPage',
	method: 'GET',
	path: linksPath,
	access: 'signed-in',
	handle: (request, services) => showLinks(request, services),
});

/** Sends somebody who is signed in to another service, for it to vouch for this account from then on. */
export const postLink = pageRoute({
	id: 'postUpstreamLinkPage',
	method: 'POST',
	path: linkPath(':providerId'),
	access: 'changing',
	rateLimit: 'login',
	handle: ({parameters, session, view}, {identityProviders}) =>
		explain(view, async () => ({
			to: await identityProviders.begin(parameters.providerId, {
				webSessionHash: session.tokenHash,
				returnTo: linksPath,
				linksUserId: session.userId,
			}),
		})),
});

/** Takes the word of another service for this account no more. */
export const postUnlink = pageRoute({
	id: 'postUpstreamUnlinkPage',
	method: 'POST',
	path: unlinkPath(':providerId'),
	access: 'changing',
	rateLimit: 'login',
	async handle(request, services): Promise<PageAnswer> {
		const {parameters, session} = request;
		if (session.userId === undefined) return {to: accountPath};
		try {
			await services.identityProviders.unlink(session.userId, parameters.providerId, session.tokenHash);
		} catch (error) {
			if (!(error instanceof IdentityError)) throw error;
			return showLinks(request, services, problems[error.code]);
		}
		return {to: linksPath};
	},
});
