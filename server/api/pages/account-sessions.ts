import {sessionList, sessionsPath} from '../../../web/index.ts';
import {v} from '../../validation/index.ts';
import {type PageAnswer, pageRoute, userOf} from './page-route.ts';

/** Shows people which clients are signed in to their account; the one that a client leads to, before the others. */
export const getSessions = pageRoute({
	id: 'getSessionsPage',
	method: 'GET',
	path: sessionsPath,
	access: 'signed-in',
	query: v.object({device_id: v.optional(v.string({max: 255}))}),
	async handle({view, session, query: {device_id: chosen}}, {devices}) {
		return {page: sessionList(view, {sessions: await devices.list(userOf(session)), chosen})};
	},
});

/** Signs one client out, or all of them and other browsers. */
export const postSessions = pageRoute({
	id: 'postSessionsPage',
	method: 'POST',
	path: sessionsPath,
	access: 'changing',
	fields: v.object({action: v.optional(v.string()), device_id: v.optional(v.string({max: 1000}))}),
	async handle({view, session, fields}, {devices}): Promise<PageAnswer> {
		const userId = userOf(session);
		if (fields.action === 'all') await devices.endAll(userId, {keepsWebSession: session.tokenHash});
		else {
			const own = await devices.list(userId);
			const chosen = own.filter(({deviceId}) => deviceId === fields.device_id);
			await devices.signOut(
				userId,
				chosen.map(({deviceId}) => deviceId),
			);
		}
		return {page: sessionList(view, {sessions: await devices.list(userId), isDone: true})};
	},
});
