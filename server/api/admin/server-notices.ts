import {newOpaqueId, type UserId} from '../../../crypto/index.ts';
import {MatrixError} from '../../http/index.ts';
import type {Services} from '../../services.ts';
import {type Infer, v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Characters of one notice: longer news are for a page that it names. */
const TEXT_MAX = 10_000;

const path = '/_synapse/admin/v1/send_server_notice';

const body = v.object({
	user_id: v.userId(),
	type: v.optional(v.literal('m.room.message')),
	content: v.object({msgtype: v.literal('m.text', 'm.notice'), body: v.string({min: 1, max: TEXT_MAX})}),
});

async function send(
	{administration, audit, notices}: Services,
	by: UserId,
	{user_id: userId, content}: Infer<typeof body>,
	repetition: string,
): Promise<object> {
	await administration.people.get(userId);
	await audit.record({who: by, act: 'send-notice', whom: userId});
	const eventId = await notices.sendText(userId, content.body, `${by} ${repetition}`);
	if (eventId === undefined) {
		throw new MatrixError('M_UNKNOWN', 'Notices are switched off, or nobody is left to be told', {status: 400});
	}
	return {event_id: eventId};
}

/** Writes to somebody in the room of the server's notices. */
export const sendServerNotice = route({
	id: 'adminSendServerNotice',
	method: 'POST',
	path,
	auth: 'admin',
	body,
	handle: (request, services) => send(services, request.caller.userId, request.body, newOpaqueId()),
});

/** Likewise; the same words with the same transaction id are sent once. */
export const putServerNotice = route({
	id: 'adminPutServerNotice',
	method: 'PUT',
	path: `${path}/:txnId`,
	auth: 'admin',
	body,
	handle: (request, services) => send(services, request.caller.userId, request.body, request.parameters.txnId),
});
