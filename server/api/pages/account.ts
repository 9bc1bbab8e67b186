import type {UserId} from '../../../crypto/index.ts';
import {
	accountHome,
	type AccountLink,
	accountPath,
	dataPath,
	deactivatePath,
	findLanguage,
	languagePath,
	mailAddressPath,
	passkeysPath,
	passwordPath,
	recoveryCodesPath,
	sessionsPath,
	linksPath,
	signInPath,
	signOutPath,
	sourceLinksPath,
	totpPath,
	waitingPath,
} from '../../../web/index.ts';
import type {Services} from '../../services.ts';
import {v} from '../../validation/index.ts';
import {ownPath} from '../../web-sessions/index.ts';
import {languageCookie} from './cookies.ts';
import {pageRoute, userOf} from './page-route.ts';

/** The pages that the account's own leads to, in the order in which they are shown. */
const links: readonly (AccountLink & {
	readonly isShown?: (services: Services, userId: UserId) => boolean | Promise<boolean>;
})[] = [
	{path: passwordPath, text: 'password.title'},
	{path: passkeysPath, text: 'passkeys.title'},
	{path: totpPath, text: 'totp.title'},
	{path: recoveryCodesPath, text: 'recovery.title'},
	{path: sessionsPath, text: 'sessions.title'},
	{path: waitingPath, text: 'waiting.title', isShown: ({config}) => config.quarantine},
	{path: mailAddressPath, text: 'address.title', isShown: ({addresses}) => addresses.areOn},
	{path: linksPath, text: 'upstream.title', isShown: ({identityProviders}) => identityProviders.shown.length > 0},
	{
		path: sourceLinksPath,
		text: 'sourceLinks.title',
		isShown: ({sourceLinks}, userId) => sourceLinks.mayMake(userId),
	},
	{path: dataPath, text: 'data.title'},
	{path: deactivatePath, text: 'deactivate.title'},
];

/** What of these a source may use. */
const pathsOfSources: ReadonlySet<string> = new Set([sessionsPath, dataPath, deactivatePath]);

/** Shows people their account. */
export const getAccount = pageRoute({
	id: 'getAccountPage',
	method: 'GET',
	path: accountPath,
	access: 'signed-in',
	async handle({view, session}, services) {
		const userId = userOf(session);
		const shown: AccountLink[] = [];
		const isSource = services.sourceLinks.isSource(userId);
		for (const link of links) {
			if (isSource && !pathsOfSources.has(link.path)) continue;
			if ((await link.isShown?.(services, userId)) ?? true) shown.push(link);
		}
		return {page: accountHome(view, userId, shown)};
	},
});

/** Signs this browser out of our pages; sessions of clients stay as they are. */
export const postSignOut = pageRoute({
	id: 'postSignOutPage',
	method: 'POST',
	path: signOutPath,
	access: 'anyone',
	async handle({session}, {secondFactor, webSessions}) {
		const {userId, isSignedIn, mustSetUp, proofs} = session;
		// Who gives up a sign-in so is told of as who lets its time pass.
		const isGivenUp = !isSignedIn && !mustSetUp && proofs.some(({proof}) => proof === 'password');
		if (userId !== undefined && isGivenUp) await secondFactor.tellOfPassword(userId);
		return {session: await webSessions.end(session), to: signInPath};
	},
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
