import {accountPath, sourceAccount, sourceGone, sourceInvitation, sourcePath, type View} from '../../../web/index.ts';
import type {Services} from '../../services.ts';
import {SourceLinksError} from '../../source-links/index.ts';
import type {WebSession} from '../../web-sessions/index.ts';
import {type PageAnswer, pageRoute, userOf} from './page-route.ts';

const path = `${sourcePath}/:token` as const;

/** Shows what a source link is for. Whoever only looks at it (a messenger that shows previews) does not use it up. */
export const getSourcePage = pageRoute({
	id: 'getSourcePage',
	method: 'GET',
	path,
	access: 'address',
	rateLimit: 'login',
	async handle({parameters, view}, {sourceLinks}) {
		return (await sourceLinks.isOpen(parameters.token))
			? {page: sourceInvitation(view)}
			: {page: sourceGone(view), status: 404};
	},
});

/**
 * Opens a source link, and signs the browser in to the account that it gives. The link is the proof: nobody else can have
 * the form sent. Who was signed in at the browser before is so no more.
 */
export const postSourcePage = pageRoute({
	id: 'postSourcePage',
	method: 'POST',
	path,
	access: 'address',
	rateLimit: 'login',
	async handle({parameters, session, view}, {sourceLinks, webSessions}) {
		try {
			const {userId} = await sourceLinks.open(parameters.token);
			return {session: await webSessions.prove(session, userId, 'source-link'), to: sourcePath};
		} catch (error) {
			if (!(error instanceof SourceLinksError)) throw error;
			return {page: sourceGone(view), status: 404};
		}
	},
});

/** Shows a source how to go on from the browser that has opened the link; others have an account of another kind. */
export const getSourceAccount = pageRoute({
	id: 'getSourceAccountPage',
	method: 'GET',
	path: sourcePath,
	access: 'signed-in',
	handle: ({session, view}, services) => show(view, session, services, undefined),
});

/** Makes a password for a client that wants one, and shows it this once. */
export const postSourceAccount = pageRoute({
	id: 'postSourceAccountPage',
	method: 'POST',
	path: sourcePath,
	access: 'recently-proven',
	rateLimit: 'login',
	work: 'sign-in',
	async handle({session, view}, services) {
		const hasOpened = session.proofs.some(({proof}) => proof === 'source-link');
		if (!hasOpened) return {to: sourcePath};
		const password = await services.sourceLinks.makePassword(userOf(session), session.tokenHash);
		return show(view, session, services, password);
	},
});

async function show(
	view: View,
	session: WebSession,
	{sourceLinks, config}: Pick<Services, 'config' | 'sourceLinks'>,
	password: string | undefined,
): Promise<PageAnswer> {
	const account = await sourceLinks.findAccount(userOf(session));
	if (account === undefined) return {to: accountPath};
	return {page: sourceAccount(view, {...account, publicUrl: config.publicUrl, password})};
}
