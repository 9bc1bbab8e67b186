import {sourceAccount, sourceGone, sourceInvitation} from '../../../web/index.ts';
import {SourceLinksError} from '../../source-links/index.ts';
import {pageRoute} from './page-route.ts';

const path = '/source/:token';

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

/** Opens a source link and shows the account that it gives. The link is the proof: nobody else can have the form sent. */
export const postSourcePage = pageRoute({
	id: 'postSourcePage',
	method: 'POST',
	path,
	access: 'address',
	rateLimit: 'login',
	async handle({parameters, view}, {sourceLinks, config}) {
		try {
			const account = await sourceLinks.open(parameters.token);
			return {page: sourceAccount(view, {...account, publicUrl: config.publicUrl})};
		} catch (error) {
			if (!(error instanceof SourceLinksError)) throw error;
			return {page: sourceGone(view), status: 404};
		}
	},
});
