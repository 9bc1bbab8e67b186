import type {RoomId} from '../../../crypto/index.ts';
import type {DelayedEvents, NewDelayedEvent} from '../../delayed-events/index.ts';
import {MatrixError, type UserCaller} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';
import {roomTransaction} from './transactions.ts';

/** The parameter by which a client has an event sent later. */
export const DELAY = 'org.matrix.msc4140.delay';

/** A query that may delay an event. */
export const delayQuery = v.object({[DELAY]: v.optional(v.integer({min: 0}))});

const folder = '/_matrix/client/unstable/org.matrix.msc4140/delayed_events';

/** Holds an event back, and answers with its delay id. */
export async function scheduled(
	delayedEvents: DelayedEvents,
	{userId}: UserCaller,
	roomId: RoomId,
	event: NewDelayedEvent,
): Promise<object> {
	return {delay_id: await delayedEvents.schedule(userId, roomId, event)};
}

/**
 * Holds an event back: a message or, with `state_key`, state. The proposal calls the delay `delay_ms`, and called it
 * `delay` before.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140
 */
export const scheduleDelayedEvent = route({
	id: 'scheduleDelayedEvent',
	method: 'PUT',
	path: '/_matrix/client/unstable/org.matrix.msc4140/rooms/:roomId/delayed_event/:eventType/:txnId',
	auth: 'guest',
	rateLimit: 'message',
	body: v.object({
		delay_ms: v.optional(v.integer({min: 1})),
		delay: v.optional(v.integer({min: 1})),
		state_key: v.optional(v.string()),
		content: v.jsonObject(),
	}),
	async handle({caller, parameters: {roomId, eventType, txnId}, body}, {delayedEvents}) {
		const {delay_ms: delayMs = body.delay, state_key: stateKey, content} = body;
		if (delayMs === undefined) throw new MatrixError('M_MISSING_PARAM', 'Expected delay_ms');
		const transaction = roomTransaction(caller, `delayEvent ${eventType}`, roomId, txnId);
		return scheduled(delayedEvents, caller, roomId, {type: eventType, stateKey, content, delayMs, transaction});
	},
});

type Waiting = Awaited<ReturnType<DelayedEvents['list']>>[number];

function toBody({delayId, roomId, type, stateKey, delayMs, runningSinceTs, content}: Waiting): object {
	return {
		delay_id: delayId,
		room_id: roomId,
		type,
		...(stateKey !== null && {state_key: stateKey}),
		delay: delayMs,
		running_since: runningSinceTs,
		content,
	};
}

/**
 * Lists the caller's events that wait. What is sent or cancelled is not kept.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140
 */
export const getDelayedEvents = route({
	id: 'getDelayedEvents',
	method: 'GET',
	path: folder,
	auth: 'guest',
	async handle({caller}, {delayedEvents}) {
		const scheduledEvents = (await delayedEvents.list(caller.userId)).map((event) => toBody(event));
		// Under the name that clients knew first, too.
		return {scheduled: scheduledEvents, finalised: [], delayed_events: scheduledEvents};
	},
});

/**
 * Gives one of the caller's events that wait.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140
 */
export const getDelayedEvent = route({
	id: 'getDelayedEvent',
	method: 'GET',
	path: `${folder}/:delayId`,
	auth: 'guest',
	handle: async ({caller, parameters}, {delayedEvents}) =>
		toBody(await delayedEvents.get(caller.userId, parameters.delayId)),
});

/**
 * Restarts, sends or cancels an event that waits. The id is the right to do so: the server of a call, which has no
 * access token, does it for people in the call. It holds 128 random bits and more, and is told to nobody but its sender.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/4140
 */
export const updateDelayedEvent = route({
	id: 'updateDelayedEvent',
	method: 'POST',
	path: `${folder}/:delayId`,
	auth: 'none',
	rateLimit: 'message',
	body: v.object({action: v.literal('restart', 'send', 'cancel')}),
	async handle({parameters, body}, {delayedEvents}) {
		await delayedEvents[body.action](parameters.delayId);
		return {};
	},
});

/** The same with the action in the path, as the proposal has it by now. */
export const actOnDelayedEvent = route({
	id: 'actOnDelayedEvent',
	method: 'POST',
	path: `${folder}/:delayId/:action`,
	auth: 'none',
	rateLimit: 'message',
	async handle({parameters: {delayId, action}}, {delayedEvents}) {
		if (action !== 'restart' && action !== 'send' && action !== 'cancel') {
			throw new MatrixError('M_UNRECOGNIZED', 'Expected restart, send or cancel');
		}
		await delayedEvents[action](delayId);
		return {};
	},
});
