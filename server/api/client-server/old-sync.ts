import type {RoomId} from '../../../crypto/index.ts';
import {arrayText, objectText, readPlaceToken, writePlaceToken} from '../../events/index.ts';
import {rawJson} from '../../http/index.ts';
import {RULES_TYPE} from '../../push/index.ts';
import {type Actor, RoomsError} from '../../rooms/index.ts';
import type {Services} from '../../services.ts';
import type {EventsWait} from '../../sync/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {renderRoom} from './room-initial-sync.ts';
import {readLimit, readPoint} from './timeline-query.ts';

/** Events of a room that is listened to, in one answer. */
const EVENTS_MAX = 100;
/** Rooms of one snapshot, those with the latest memberships: `/sync` tells of more. */
const ROOMS_MAX = 500;
/** Messages of each of these rooms. */
const MESSAGES_MAX = 50;

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

/**
 * Tells what comes in the caller's rooms, and with `room_id` in one that they may read (`peekEvents`).
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events_1
 */
export const getEvents = route({
	id: 'getEvents',
	method: 'GET',
	path: '/_matrix/client/v3/events',
	auth: 'guest',
	rateLimit: 'sync',
	query: v.object({
		from: v.optional(v.string()),
		timeout: v.optional(v.integer()),
		room_id: v.optional(v.roomId()),
	}),
	async handle({caller, query, signal}, services) {
		const {from, timeout = 0, room_id: roomId} = query;
		const {userId, deviceId} = caller;
		const wait = {userId, deviceId, timeoutMs: timeout, signal};
		const page =
			roomId === undefined
				? await services.sync.listen({...wait, from})
				: await listenInRoom(services, caller, {...wait, roomId, from});
		return rawJson(
			objectText({
				start: JSON.stringify(page.start),
				chunk: arrayText(await services.events.render(caller, page.events)),
				end: JSON.stringify(page.end),
			}),
		);
	},
});

async function listenInRoom(
	{sync, rooms, filters}: Services,
	caller: Actor,
	{roomId, from, ...wait}: EventsWait & {readonly roomId: RoomId; readonly from: string | undefined},
) {
	const filter = filters.readRoomEventFilter(undefined);
	const now = await rooms.listMessages(caller, roomId, {direction: 'backwards', limit: 1, filter});
	const start = readPoint('from', from) ?? now.start;
	let end = start;
	const events = await sync.lookInRoom(wait, roomId, async () => {
		const query = {direction: 'forwards', from: end, limit: EVENTS_MAX, filter} as const;
		const page = await rooms.listMessages(caller, roomId, query);
		({end} = page);
		return page.events.length > 0 ? page.events : undefined;
	});
	return {events: events ?? [], start: writePlaceToken(start), end: writePlaceToken(end)};
}

/**
 * Gives all of the caller's rooms at once, as clients from before `/sync` ask.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3initialsync
 */
export const initialSync = route({
	id: 'initialSync',
	method: 'GET',
	path: '/_matrix/client/v3/initialSync',
	auth: 'user',
	rateLimit: 'sync',
	query: v.object({limit: v.optional(v.integer({min: 0})), archived: v.optional(v.boolean())}),
	async handle({caller, query}, services) {
		const {sync, accountData, events, pushRules} = services;
		const {rooms, invites, presence, token} = await sync.begin(caller.userId);
		const kept = await accountData.listAll(caller.userId);
		const limit = Math.min(readLimit(query.limit), MESSAGES_MAX);
		const texts: string[] = [];
		for (const {roomId, membership} of rooms) {
			if (texts.length === ROOMS_MAX) break;
			const invite = membership === 'invite' ? invites.get(roomId) : undefined;
			if (invite) {
				const [text] = await events.render(caller, [invite]);
				texts.push(objectText({room_id: JSON.stringify(roomId), membership: '"invite"', invite: text}));
				continue;
			}
			const isLeft = membership === 'leave' || membership === 'ban';
			if (membership !== 'join' && !(isLeft && query.archived === true)) continue;
			// Up to the token only: what came after it is told by `/events`.
			const from = isLeft ? undefined : readPlaceToken(token);
			const text = await renderRoom(services, caller, roomId, {limit, from, kept}).catch(unlessOutside);
			if (text !== undefined) texts.push(text);
		}
		const ofAccount = kept.filter(({roomId}) => roomId === null);
		const rules = ofAccount.find(({type}) => type === RULES_TYPE)?.content;
		const others = ofAccount.filter(({type}) => type !== RULES_TYPE).map(({type, content}) => ({type, content}));
		const ruleset = {type: RULES_TYPE, content: {global: pushRules.fromAccountData(caller.userId, rules)}};
		return rawJson(
			objectText({
				end: JSON.stringify(token),
				rooms: arrayText(texts),
				presence: arrayText(presence),
				account_data: JSON.stringify([ruleset, ...others]),
			}),
		);
	},
});

/** Who was put out of a room while the answer was made is told nothing of it. */
function unlessOutside(cause: unknown): undefined {
	if (cause instanceof RoomsError && cause.code === 'not-in-room') return undefined;
	throw cause;
}
