import {AccountsError, wrongPassword} from '../../accounts/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {
	accountPath,
	passkeyPath,
	registerPath,
	secondStepPath,
	signInForm,
	signInPath,
	signInWithPath,
	type TextKey,
} from '../../../web/index.ts';
import {ownPath, type WebSession} from '../../web-sessions/index.ts';
import {spendSignIn} from '../client-server/index.ts';
import {type PageAnswer, pageRoute} from './page-route.ts';

/** The address of a page from which people go on to a path of ours, without what leads nowhere. */
export function addressWith(path: string, returnTo: string | undefined): string {
	const next = ownPath(returnTo);
	return next === undefined ? path : `${path}?return_to=${encodeURIComponent(next)}`;
}

/** What the form offers beside a password, by who is before it. */
function waysIn({isSignedIn}: WebSession, services: Services, returnTo: string | undefined) {
	const {config, identityProviders, secondFactor} = services;
	return {
		isRepeated: isSignedIn,
		registerHref: isSignedIn || config.registration === 'closed' ? undefined : addressWith(registerPath, returnTo),
		providers: identityProviders.shown.map(({id, name}) => ({name, href: addressWith(signInWithPath(id), returnTo)})),
		passkeyHref: secondFactor.passkeys.arePossible ? addressWith(passkeyPath, returnTo) : undefined,
	};
}

const query = v.object({return_to: v.optional(v.string({max: 8192}))});

/** Gives where somebody goes who has given a proof: to where they came from, or to the next proof. */
export function goOn(session: WebSession, returnTo: string | undefined = session.returnTo): PageAnswer {
	return {session, to: session.isSignedIn ? (ownPath(returnTo) ?? accountPath) : secondStepPath};
}

/** Shows the form for a name and a password; who is signed in and need not show it anew goes on. */
export const getSignIn = pageRoute({
	id: 'getSignInPage',
	method: 'GET',
	path: signInPath,
	access: 'anyone',
	query,
	handle({session, view: given, query: {return_to: returnTo}}, services) {
		const view = {...given, here: addressWith(signInPath, returnTo)};
		if (session.isFresh) return goOn(session, returnTo);
		// Who has a second factor shows that once more, which a thief of the password cannot.
		if (session.isSignedIn && !session.renewing.includes('password'))
			return {to: addressWith(secondStepPath, returnTo)};
		const username = session.isSignedIn ? (session.userId ?? '') : '';
		return {page: signInForm(view, {username, ...waysIn(session, services, returnTo), problem: undefined})};
	},
});

const problems: Readonly<Record<string, TextKey>> = {
	deactivated: 'signIn.deactivated',
	locked: 'signIn.locked',
};

/** Signs in by name and password. A name that nobody has is answered as a wrong password is: same bytes, same cost. */
export const postSignIn = pageRoute({
	id: 'postSignInPage',
	method: 'POST',
	path: signInPath,
	access: 'anyone',
	// Tries are counted by what they claim, in the handler.
	work: 'sign-in',
	query,
	fields: v.object({username: v.optional(v.string()), password: v.optional(v.string())}),
	async handle(request, services) {
		const {session, fields} = request;
		const view = {...request.view, here: addressWith(signInPath, request.query.return_to)};
		const {accounts, webSessions} = services;
		const {username = '', password = ''} = fields;
		const userId = accounts.claimedUserId(username);
		const again = (problem: TextKey, status: number): PageAnswer => ({
			page: signInForm(view, {
				username,
				...waysIn(session, services, request.query.return_to),
				problem,
			}),
			status,
		});
		try {
			await spendSignIn(request, services, {name: userId ?? username, userId});
			const proof = await accounts.provePassword({userId, password});
			const returnTo = ownPath(request.query.return_to);
			const proven = await webSessions.prove(session, proof.userId, 'password', {returnTo});
			if (await proof.stillHolds()) return goOn(proven, returnTo);
			await webSessions.end(proven);
			throw wrongPassword();
		} catch (error) {
			if (error instanceof MatrixError && error.errcode === 'M_LIMIT_EXCEEDED') return again('problem.limit', 429);
			if (error instanceof AccountsError) return again(problems[error.code] ?? 'signIn.wrong', 403);
			throw error;
		}
	},
});
