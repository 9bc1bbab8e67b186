import type {EventId, JsonObject, RoomId} from '../../crypto/index.ts';
import type {AlsoWrite} from '../../federation/engine/index.ts';
import type {Position} from '../../storage/index.ts';
import {mustNameRoom} from './canonical-alias.ts';
import {type Actor, mustBeJoined, mustNotBeSuspended, type RoomsContext, sendAllowed} from './context.ts';
import {findShown} from './current-state.ts';
import {RoomsError} from './errors.ts';

/** An event that was held back, and is to be sent now. */
export interface HeldEvent {
	readonly type: string;
	/** `undefined`: it is not state. */
	readonly stateKey: string | undefined;
	readonly content: JsonObject;
	/** Where the stream stood when it was handed in: state that somebody else set after that stays. */
	readonly heldSince: Position;
	/** Asked whenever the event is built; what it throws ends the request. */
	readonly condition: () => Promise<void>;
	/** Written in the commit of the event. */
	readonly alsoWrite: AlsoWrite;
}

/**
 * Sends an event that was held back, as if its sender sent it now.
 * @throws RoomsError 'superseded', 'suspended', 'not-in-room', 'forbidden', 'bad-event', 'bad-alias'
 */
export async function sendHeld(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	{type, stateKey, content, heldSince, condition, alsoWrite}: HeldEvent,
): Promise<EventId> {
	mustNotBeSuspended(actor);
	await mustBeJoined(context, roomId, actor.userId);
	if (type === 'm.room.canonical_alias' && stateKey === '') {
		const current = await findShown(context, roomId, type, stateKey);
		await mustNameRoom(context, actor, roomId, content, current?.content ?? {});
	}
	const {eventId} = await sendAllowed(
		context,
		roomId,
		{type, sender: actor.userId, content, ...(stateKey !== undefined && {stateKey})},
		{
			async condition() {
				await condition();
				if (stateKey !== undefined) await mustNotBeSuperseded(context, actor, roomId, {type, stateKey, heldSince});
			},
			alsoWrite,
		},
	);
	return eventId;
}

async function mustNotBeSuperseded(
	{storage}: RoomsContext,
	{userId}: Actor,
	roomId: RoomId,
	{type, stateKey, heldSince}: {readonly type: string; readonly stateKey: string; readonly heldSince: Position},
): Promise<void> {
	const current = await storage.rooms.findCurrentState(roomId, type, stateKey);
	if (current !== undefined && current.sender !== userId && (current.anchor ?? 0) > heldSince) {
		throw new RoomsError('superseded', 'Somebody else has set this entry of the state meanwhile');
	}
}
