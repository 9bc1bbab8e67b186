import {setUpDone, setUpForm, setUpGone, type TextKey} from '../../../web/index.ts';
import {AccountsError} from '../../accounts/index.ts';
import {v} from '../../validation/index.ts';
import {newAccountProblems} from './new-account.ts';
import {type PageAnswer, pageRoute} from './page-route.ts';

const path = '/setup/:token';

/** Shows the form for the first administrator to who has the link that the server printed. */
export const getSetUp = pageRoute({
	id: 'getSetUp',
	method: 'GET',
	path,
	access: 'address',
	rateLimit: 'login',
	async handle({parameters, view}, {setUp}) {
		if ((await setUp.find(parameters.token)) === undefined) {
			return {page: setUpGone(view), status: 404};
		}
		return {page: setUpForm(view, {username: '', problem: undefined})};
	},
});

/** Makes the first administrator's account. The link is the proof: nobody else can have the form sent. */
export const postSetUp = pageRoute({
	id: 'postSetUp',
	method: 'POST',
	path,
	access: 'address',
	rateLimit: 'login',
	fields: v.object({
		username: v.optional(v.string()),
		password: v.optional(v.string()),
		repeated: v.optional(v.string()),
	}),
	async handle({parameters, fields, view}, {setUp, accounts, config}): Promise<PageAnswer> {
		const registrationTokenHash = await setUp.find(parameters.token);
		const gone: PageAnswer = {page: setUpGone(view), status: 404};
		if (registrationTokenHash === undefined) return gone;
		const {username = '', password = ''} = fields;
		const again = (problem: TextKey): PageAnswer => ({page: setUpForm(view, {username, problem}), status: 400});
		if (password !== fields.repeated) {
			return again('register.differ');
		}
		try {
			const userId = accounts.checkNewName(username);
			await accounts.register({userId, password, registrationTokenHash});
			return {page: setUpDone(view, {userId, publicUrl: config.publicUrl})};
		} catch (error) {
			if (!(error instanceof AccountsError)) {
				throw error;
			}
			if (error.code === 'registration-token-spent') return gone;
			return again(newAccountProblems[error.code] ?? 'problem.unknown');
		}
	},
});
