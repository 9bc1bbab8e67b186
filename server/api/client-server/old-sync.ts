import {rawJson} from '../../http/index.ts';
import {route} from '../route.ts';

/**
 * Gives one event by its id alone, as clients from before v1.0 ask.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3eventseventid
 */
export const getOneEvent = route({
	id: 'getOneEvent',
	method: 'GET',
	path: '/_matrix/client/v3/events/:eventId',
	auth: 'user',
	async handle({caller, parameters}, {rooms, events}) {
		const event = await rooms.getEventOfAnyRoom(caller, parameters.eventId);
		const [text] = await events.render(caller, [event]);
		return rawJson(text!);
	},
});
