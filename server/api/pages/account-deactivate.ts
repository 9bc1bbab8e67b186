import {deactivated, deactivateForm, deactivatePath} from '../../../web/index.ts';
import {v} from '../../validation/index.ts';
import {type PageAnswer, pageRoute, userOf} from './page-route.ts';

/** Asks whether an account is to end. */
export const getDeactivate = pageRoute({
	id: 'getDeactivatePage',
	method: 'GET',
	path: deactivatePath,
	access: 'changing',
	handle: ({view, session}) => ({page: deactivateForm(view, {userId: userOf(session)})}),
});

/** Ends an account for good. */
export const postDeactivate = pageRoute({
	id: 'postDeactivatePage',
	method: 'POST',
	path: deactivatePath,
	access: 'changing',
	fields: v.object({user_id: v.optional(v.string()), erase: v.optional(v.string())}),
	async handle({view, session, fields}, {accounts, webSessions}): Promise<PageAnswer> {
		const userId = userOf(session);
		if (accounts.claimedUserId(fields.user_id?.trim() ?? '') !== userId) {
			return {page: deactivateForm(view, {userId, problem: 'deactivate.differs'}), status: 400};
		}
		await accounts.deactivate(userId, {erase: fields.erase !== undefined});
		const ended = await webSessions.end(session);
		return {session: ended, page: deactivated({...view, csrf: ended.csrf, userId: undefined})};
	},
});
