import {arrayText, objectText} from '../../events/index.ts';
import {MatrixError, rawJson} from '../../http/index.ts';
import type {Notification} from '../../sync/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

function toText({event, roomId, ts, isRead, actions}: Notification): string {
	return objectText({
		actions: JSON.stringify(actions),
		event,
		read: String(isRead),
		room_id: JSON.stringify(roomId),
		ts: String(ts),
	});
}

function readToken(from: string | undefined): number | undefined {
	if (from === undefined) return undefined;
	const match = /^n(\d{1,15})$/u.exec(from);
	if (!match) throw new MatrixError('M_INVALID_PARAM', 'from: not a token of this endpoint');
	return Number(match[1]);
}

/**
 * Lists what the caller was notified of.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3notifications
 */
export const getNotifications = route({
	id: 'getNotifications',
	method: 'GET',
	path: '/_matrix/client/v3/notifications',
	auth: 'user',
	query: v.object({
		from: v.optional(v.string()),
		limit: v.optional(v.integer({min: 1})),
		only: v.optional(v.string()),
	}),
	async handle({caller, query}, {sync}) {
		const limit = Math.min(query.limit ?? LIMIT_DEFAULT, LIMIT_MAX);
		const {notifications, next} = await sync.listNotifications(caller.userId, {
			before: readToken(query.from),
			limit,
			onlyHighlights: query.only?.split(',').includes('highlight') ?? false,
		});
		return rawJson(
			objectText({
				notifications: arrayText(notifications.map(toText)),
				next_token: next === undefined ? undefined : JSON.stringify(`n${next}`),
			}),
		);
	},
});
