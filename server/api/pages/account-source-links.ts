import type {UserId} from '../../../crypto/index.ts';
import {problemPage, sourceLinksPage, sourceLinksPath} from '../../../web/index.ts';
import type {Services} from '../../services.ts';
import {SourceLinksError} from '../../source-links/index.ts';
import {v} from '../../validation/index.ts';
import {type PageAnswer, pageRoute, userOf} from './page-route.ts';

type View = Parameters<typeof problemPage>[0];

/** Shows somebody what they have; whoever may make no links is told so. */
async function show(
	{view, userId}: {readonly view: View; readonly userId: UserId},
	{sourceLinks}: Pick<Services, 'sourceLinks'>,
	more: Pick<Parameters<typeof sourceLinksPage>[1], 'made' | 'problem'> & {readonly status?: number} = {},
): Promise<PageAnswer> {
	if (!(await sourceLinks.mayMake(userId))) return {page: problemPage(view, 'sourceLinks.notAllowed'), status: 403};
	const [links, sources] = [await sourceLinks.listLinks(userId), await sourceLinks.listSources(userId)];
	return {page: sourceLinksPage(view, {links, sources, ...more}), status: more.status ?? 200};
}

/** Shows somebody their links for sources, and the accounts that those have given. */
export const getSourceLinks = pageRoute({
	id: 'getSourceLinksPage',
	method: 'GET',
	path: sourceLinksPath,
	access: 'changing',
	handle: ({view, session}, services) => show({view, userId: userOf(session)}, services),
});

/** Makes a link, takes one back, or ends an account. */
export const postSourceLinks = pageRoute({
	id: 'postSourceLinksPage',
	method: 'POST',
	path: sourceLinksPath,
	access: 'changing',
	rateLimit: 'room-creation',
	fields: v.object({
		action: v.optional(v.string()),
		name: v.optional(v.string()),
		members: v.optional(v.string()),
		days: v.optional(v.string()),
		link_id: v.optional(v.string()),
		user_id: v.optional(v.string()),
	}),
	async handle({view, session, fields}, services) {
		const userId = userOf(session);
		const {sourceLinks} = services;
		const again = (more: Parameters<typeof show>[2]) => show({view, userId}, services, more);
		try {
			if (fields.action === 'remove') await sourceLinks.remove(userId, fields.link_id ?? '');
			// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- compared with ids that are stored, and no more
			if (fields.action === 'end') await sourceLinks.end(userId, (fields.user_id ?? '') as UserId);
			if (fields.action !== 'create') return await again({});
			const {url} = await sourceLinks.create(userId, readWish(fields, services));
			return await again({made: url});
		} catch (error) {
			if (!(error instanceof SourceLinksError)) throw error;
			return again({problem: 'sourceLinks.invalid', status: 400});
		}
	},
});

/** Reads what was typed. @throws SourceLinksError 'invalid-link' */
function readWish(
	{name = '', members = '', days = ''}: {readonly name?: string; readonly members?: string; readonly days?: string},
	{accounts}: Pick<Services, 'accounts'>,
) {
	const names = members.split(/[\s,]+/u).filter((member) => member !== '');
	const people = names.map((member) => {
		const userId = accounts.claimedUserId(member);
		if (userId === undefined) throw new SourceLinksError('invalid-link', 'members: expected names of people here');
		return userId;
	});
	const accountDays = days === '' ? undefined : Number(days);
	return {name: name.trim(), members: people, accountDays};
}
