import {
	accountHome,
	type AccountLink,
	accountPath,
	dataPath,
	deactivatePath,
	findLanguage,
	languagePath,
	passkeysPath,
	passwordPath,
	recoveryCodesPath,
	sessionsPath,
	linksPath,
	signInPath,
	signOutPath,
	totpPath,
} from '../../../web/index.ts';
import {v} from '../../validation/index.ts';
import {ownPath} from '../../web-sessions/index.ts';
import {languageCookie} from './cookies.ts';
import {pageRoute} from './page-route.ts';

/** The pages that the account's own leads to, in the order in which they are shown. */
const links: readonly AccountLink[] = [
	{path: passwordPath, text: 'password.title'},
	{path: passkeysPath, text: 'passkeys.title'},
	{path: totpPath, text: 'totp.title'},
	{path: recoveryCodesPath, text: 'recovery.title'},
	{path: sessionsPath, text: 'sessions.title'},
	{path: dataPath, text: 'data.title'},
	{path: deactivatePath, text: 'deactivate.title'},
];

/** Only where there are other services. */
const upstreamLink: AccountLink = {path: linksPath, text: 'upstream.title'};

/** Shows people their account. */
export const getAccount = pageRoute({
	id: 'getAccountPage',
	method: 'GET',
	path: accountPath,
	access: 'signed-in',
	handle: ({view, session}, {identityProviders: {shown}}) => ({
		page: accountHome(view, session.userId ?? '', shown.length === 0 ? links : [...links, upstreamLink]),
	}),
});

/** Signs this browser out of our pages; sessions of clients stay as they are. */
export const postSignOut = pageRoute({
	id: 'postSignOutPage',
	method: 'POST',
	path: signOutPath,
	access: 'anyone',
	handle: async ({session}, {webSessions}) => ({session: await webSessions.end(session), to: signInPath}),
});

/** Chooses the language of the pages. Another site can have it chosen at worst, so the form carries no secret. */
export const postLanguage = pageRoute({
	id: 'postLanguagePage',
	method: 'POST',
	path: languagePath,
	access: 'address',
	fields: v.object({language: v.optional(v.string({max: 35})), return_to: v.optional(v.string())}),
	handle({fields}, {config}) {
		const language = findLanguage(fields.language);
		return {
			to: ownPath(fields.return_to) ?? accountPath,
			cookies: language === undefined ? [] : [languageCookie(config, language.tag)],
		};
	},
});
