import {passwordForm, passwordPath, type TextKey} from '../../../web/index.ts';
import {AccountsError} from '../../accounts/index.ts';
import {v} from '../../validation/index.ts';
import {newAccountProblems} from './new-account.ts';
import {type PageAnswer, pageRoute, userOf} from './page-route.ts';

/** Shows the form for a new password. */
export const getPassword = pageRoute({
	id: 'getPasswordPage',
	method: 'GET',
	path: passwordPath,
	access: 'changing',
	handle: ({view}) => ({page: passwordForm(view, {})}),
});

/** Changes a password, and by that signs other browsers out and, unless told otherwise, clients too. */
export const postPassword = pageRoute({
	id: 'postPasswordPage',
	method: 'POST',
	path: passwordPath,
	access: 'changing',
	work: 'sign-in',
	fields: v.object({
		password: v.optional(v.string()),
		repeated: v.optional(v.string()),
		end_others: v.optional(v.string()),
	}),
	async handle({view, session, fields}, {accounts}): Promise<PageAnswer> {
		const userId = userOf(session);
		const again = (problem: TextKey): PageAnswer => ({page: passwordForm(view, {problem}), status: 400});
		const {password = '', repeated, end_others: endsOthers} = fields;
		if (password !== repeated) return again('register.differ');
		try {
			await accounts.changePassword(userId, password, {
				endsOtherSessions: endsOthers !== undefined,
				keepsWebSession: session.tokenHash,
			});
		} catch (error) {
			const problem = error instanceof AccountsError ? newAccountProblems[error.code] : undefined;
			if (problem === undefined) throw error;
			return again(problem);
		}
		return {page: passwordForm(view, {isDone: true})};
	},
});
