import {
	domainOf,
	type EventId,
	isEventId,
	type JsonObject,
	type JsonValue,
	type RoomId,
	type UserId,
} from '../../crypto/index.ts';
import {EngineError, type EventTemplate} from '../../federation/engine/index.ts';
import {
	type Actor,
	forbidden,
	mustBeComplete,
	mustBeJoined,
	mustNotBeSuspended,
	type RoomsContext,
	sendAllowed,
} from './context.ts';
import {DESCRIBING_TYPES, findShown, listShown} from './current-state.ts';
import {RoomsError} from './errors.ts';
import {inviteContent, membershipKey} from './member-content.ts';

/**
 * Invites somebody. Nothing happens where they are invited already.
 * @param said what the content holds beside the membership: `reason`, `is_direct`
 * @throws RoomsError 'not-in-room', 'forbidden', 'invite-blocked', 'unsupported-version', 'unreachable'; FactsSpentError
 */
export async function invite(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	target: UserId,
	said: JsonObject = {},
): Promise<void> {
	mustNotBeSuspended(actor);
	await mustBeJoined(context, roomId, actor.userId);
	await mustBeComplete(context, roomId);
	await context.memberships.run(membershipKey(roomId, target), async () => {
		const {storage, serverName} = context;
		const before = (await storage.memberships.find(roomId, target))?.membership;
		if (before === 'invite') return;
		// Whoever knocks has shown themselves.
		if (before !== 'knock') await context.visibility.mayInvite(actor, [target]);
		const event: EventTemplate = {
			type: 'm.room.member',
			stateKey: target,
			sender: actor.userId,
			content: await inviteContent(context, actor, target, said),
		};
		if (domainOf(target) !== serverName) {
			await inviteElsewhere(context, roomId, event);
			return;
		}
		await mustTakeInvites(context, actor, target);
		await sendAllowed(context, roomId, event);
	});
}

/**
 * Somebody who takes no invites is told of only to those who may know that they exist; a stranger's invite is stored
 * and not shown to them (row 17 of the enumeration surface).
 * @see https://spec.matrix.org/v1.19/client-server-api/#invite-permission
 */
export async function mustTakeInvites(
	{events, visibility, noticesSender}: RoomsContext,
	actor: Actor,
	target: UserId,
): Promise<void> {
	if (actor.userId === noticesSender) return;
	if (!(await visibility.filterKnown(actor, [target], 'profiles')).has(target)) return;
	if ((await events.findUnwanted(target)).invites) {
		throw new RoomsError('invite-blocked', 'This person takes no invites');
	}
}

/** The other server signs the invite before it is part of the room, so that it knows of what it is asked. */
async function inviteElsewhere(context: RoomsContext, roomId: RoomId, event: EventTemplate): Promise<void> {
	const {engine, remote} = context;
	const target = event.stateKey as UserId;
	const proto = await engine.makeProto(roomId, event).catch((cause: unknown) => {
		throw cause instanceof EngineError && cause.code === 'forbidden' ? forbidden(cause) : cause;
	});
	const signed = engine.signFromProto({
		version: proto.version,
		roomId,
		event,
		prevEvents: readReferences(proto.event['prev_events']),
		authEvents: readReferences(proto.event['auth_events']),
		depth: Number(proto.event['depth']),
	});
	// Before anybody is shown it, the policy server of the room is asked, if there is one.
	const pdu = await engine.recommend(signed);
	const shown = [...(await listShown(context, roomId, DESCRIBING_TYPES)).values()];
	const inviter = await findShown(context, roomId, 'm.room.member', event.sender);
	const json = await remote.invite({pdu, state: inviter ? [...shown, inviter] : shown});
	const reception = await engine.receive({roomId, json, origin: domainOf(target), relay: true});
	if (reception.status === 'rejected' || reception.status === 'soft_failed') {
		throw new RoomsError('forbidden', 'The room has changed meanwhile and does not allow the invite any more');
	}
}

function readReferences(value: JsonValue | undefined): EventId[] {
	const entries = Array.isArray(value) ? value : [];
	return entries.map((entry) => (Array.isArray(entry) ? entry[0] : entry)).filter((id) => isEventId(id));
}
