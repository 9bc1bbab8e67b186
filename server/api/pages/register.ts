import {registerClosed, registerForm, registerPath, type TextKey} from '../../../web/index.ts';
import {AccountsError} from '../../accounts/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {FactsSpentError} from '../../visibility/index.ts';
import {ownPath} from '../../web-sessions/index.ts';
import {openAccount} from '../client-server/index.ts';
import {newAccountProblems} from './new-account.ts';
import {type PageAnswer, pageRoute} from './page-route.ts';
import {addressWith, goOn} from './sign-in.ts';

const query = v.object({return_to: v.optional(v.string({max: 8192})), token: v.optional(v.string({max: 64}))});

/** Shows the form by which people make an account. A link may bring the token along. */
export const getRegister = pageRoute({
	id: 'getRegisterPage',
	method: 'GET',
	path: registerPath,
	access: 'anyone',
	query,
	handle({view: given, query: {return_to: returnTo, token = ''}}, {config: {registration}}) {
		const view = {...given, here: addressWith(registerPath, returnTo)};
		if (registration === 'closed') return {page: registerClosed(view), status: 403};
		const needsToken = registration === 'token';
		return {page: registerForm(view, {username: '', token, needsToken, problem: undefined})};
	},
});

/**
 * Makes an account, and signs the browser in to it. Whoever has no good token is told of the token alone, whatever name
 * they ask for.
 */
export const postRegister = pageRoute({
	id: 'postRegisterPage',
	method: 'POST',
	path: registerPath,
	access: 'anyone',
	rateLimit: 'registration',
	query,
	fields: v.object({
		username: v.optional(v.string()),
		password: v.optional(v.string()),
		repeated: v.optional(v.string()),
		token: v.optional(v.string({max: 255})),
	}),
	async handle(request, services): Promise<PageAnswer> {
		const {
			fields,
			session,
			query: {return_to: returnTo},
		} = request;
		const {registration} = services.config;
		const view = {...request.view, here: addressWith(registerPath, returnTo)};
		if (registration === 'closed') return {page: registerClosed(view), status: 403};
		const {username = '', password = '', token = ''} = fields;
		const again = (problem: TextKey, status = 400): PageAnswer => ({
			page: registerForm(view, {username, token, needsToken: registration === 'token', problem}),
			status,
		});
		try {
			const tokenHash = registration === 'token' ? await checkToken(request, services, token) : undefined;
			if (password !== fields.repeated) return again('register.differ');
			const chosen = services.accounts.checkNewName(username);
			const {userId} = await openAccount(request, services, {chosen, password, tokenHash});
			const proven = await services.webSessions.prove(session, userId, 'password', {returnTo: ownPath(returnTo)});
			return goOn(proven, returnTo);
		} catch (error) {
			const isLimit = error instanceof MatrixError && error.errcode === 'M_LIMIT_EXCEEDED';
			if (isLimit || error instanceof FactsSpentError) return again('problem.limit', 429);
			if (!(error instanceof AccountsError)) throw error;
			return again(newAccountProblems[error.code] ?? 'problem.unknown');
		}
	},
});

/** Gives the hash of a registration token that is good. */
async function checkToken(
	request: {readonly network: string; readonly spend: (limitClass: 'registration-token', key: string) => void},
	{accounts}: Services,
	token: string,
): Promise<string> {
	request.spend('registration-token', request.network);
	const hash = await accounts.findRegistrationToken(token);
	if (hash === undefined) throw new AccountsError('registration-token-spent', 'This registration token is not valid');
	return hash;
}
