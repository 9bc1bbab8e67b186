import {AccountsError} from '../../accounts/index.ts';
import {setUpDone, setUpForm, setUpGone} from '../../pages/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {formBytesMax, pageResponse} from './page-response.ts';

const path = '/setup/:token';

/** Shows the form for the first administrator to who has the link that the server printed. */
export const getSetUp = route({
	id: 'getSetUp',
	method: 'GET',
	path,
	auth: 'none',
	rateLimit: 'login',
	async handle({parameters}, {setUp, config}) {
		if ((await setUp.find(parameters.token)) === undefined) {
			return pageResponse(setUpGone(), 404);
		}
		return pageResponse(setUpForm({serverName: config.serverName, username: '', problem: undefined}));
	},
});

/** Makes the first administrator's account. The link is the proof: nobody else can have the form sent. */
export const postSetUp = route({
	id: 'postSetUp',
	method: 'POST',
	path,
	auth: 'none',
	rateLimit: 'login',
	bodyFormat: 'form',
	bodyBytesMax: formBytesMax,
	body: v.object({
		username: v.optional(v.string()),
		password: v.optional(v.string()),
		repeated: v.optional(v.string()),
	}),
	async handle({parameters, body}, {setUp, accounts, config}) {
		const registrationTokenHash = await setUp.find(parameters.token);
		if (registrationTokenHash === undefined) {
			return pageResponse(setUpGone(), 404);
		}
		const {username = '', password = ''} = body;
		const again = (problem: string) => pageResponse(setUpForm({serverName: config.serverName, username, problem}), 400);
		if (password !== body.repeated) {
			return again('The two passwords are not the same.');
		}
		try {
			const userId = accounts.checkNewName(username);
			await accounts.register({userId, password, registrationTokenHash});
			return pageResponse(setUpDone({userId, publicUrl: config.publicUrl}));
		} catch (error) {
			if (!(error instanceof AccountsError)) {
				throw error;
			}
			return error.code === 'registration-token-spent' ? pageResponse(setUpGone(), 404) : again(error.message);
		}
	},
});
