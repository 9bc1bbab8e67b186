import {AccountsError, wrongPassword} from '../../accounts/index.ts';
import type {Config} from '../../config/index.ts';
import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {accountPath, registerPath, signInForm, signInPath, type TextKey} from '../../../web/index.ts';
import {ownPath, type WebSession} from '../../web-sessions/index.ts';
import {spendSignIn} from '../client-server/index.ts';
import {type PageAnswer, pageRoute} from './page-route.ts';

/** Where people are asked for the proof that is missing after their password. */
const secondStepPath = '/account/sign-in/second-step';

/** The address of a page from which people go on to a path of ours, without what leads nowhere. */
export function addressWith(path: string, returnTo: string | undefined): string {
	const next = ownPath(returnTo);
	return next === undefined ? path : `${path}?return_to=${encodeURIComponent(next)}`;
}

/** Where people make an account on their way to a path of ours. */
function registerHref({registration}: Config, returnTo: string | undefined): string | undefined {
	return registration === 'closed' ? undefined : addressWith(registerPath, returnTo);
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
	handle({session, view: given, query: {return_to: returnTo}}, {config}) {
		const view = {...given, here: addressWith(signInPath, returnTo)};
		if (session.isRecent) return goOn(session, returnTo);
		const username = session.isSignedIn ? (session.userId ?? '') : '';
		const isRepeated = session.isSignedIn;
		const href = isRepeated ? undefined : registerHref(config, returnTo);
		return {page: signInForm(view, {username, isRepeated, registerHref: href, problem: undefined})};
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
		const {accounts, webSessions, config} = services;
		const {username = '', password = ''} = fields;
		const userId = accounts.claimedUserId(username);
		const again = (problem: TextKey, status: number): PageAnswer => ({
			page: signInForm(view, {
				username,
				isRepeated: session.isSignedIn,
				registerHref: session.isSignedIn ? undefined : registerHref(config, request.query.return_to),
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
