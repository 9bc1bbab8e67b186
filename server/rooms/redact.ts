import {domainOf, type EventId, type JsonObject, type RoomId} from '../../crypto/index.ts';
import {type Pdu, powerLevelsOf, userLevel} from '../../federation/rooms/index.ts';
import type {ChildRow, ClientTransactionKey} from '../../storage/index.ts';
import {type Actor, getRoom, mustNotBeSuspended, type RoomsContext, sendAllowed} from './context.ts';
import {RoomsError} from './errors.ts';

/** Redactions that are on their way at a time: enough to fill a commit, and room for what others say. */
const AT_ONCE = 32;

/** What a client says to take an event's content away. */
export interface NewRedaction {
	readonly redacts: EventId;
	/** Such as `reason`. */
	readonly content: JsonObject;
	/** Relation types: what relates to the event in such a way is redacted too; `*` means in any. */
	readonly withRelTypes?: readonly string[] | undefined;
	readonly transaction: ClientTransactionKey;
}

/**
 * Redacts an event, and before it what is to go with it: whoever repeats the request after a failure repeats all of it.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3912 for `withRelTypes`
 * @throws RoomsError 'not-found', 'forbidden', 'suspended'
 */
export async function redactNow(
	context: RoomsContext,
	actor: Actor,
	roomId: RoomId,
	{redacts, content, withRelTypes = [], transaction}: NewRedaction,
): Promise<EventId> {
	const target = await mayRedact(context, actor, roomId, redacts);
	// A suspended person may take back what they said themselves, and nothing more.
	if (target.sender !== actor.userId) mustNotBeSuspended(actor);
	if (withRelTypes.length > 0) await redactRelated(context, actor, target, {content, relTypes: withRelTypes});
	const event = {type: 'm.room.redaction', sender: actor.userId, content, redacts};
	return (await sendAllowed(context, roomId, event, {transaction})).eventId;
}

async function redactRelated(
	context: RoomsContext,
	actor: Actor,
	{roomId, eventId, sender}: Pdu,
	{content, relTypes}: {readonly content: JsonObject; readonly relTypes: readonly string[]},
): Promise<void> {
	const wanted = relTypes.includes('*') ? [undefined] : new Set(relTypes);
	const related: ChildRow[] = [];
	for (const relType of wanted) {
		const children = await context.storage.relations.listRelated({roomId, eventIds: [eventId], relType});
		// An edit by somebody else is none.
		related.push(...children.filter((child) => child.relType !== 'm.replace' || child.sender === sender));
	}
	for (let index = 0; index < related.length; index += AT_ONCE) {
		await Promise.all(
			related.slice(index, index + AT_ONCE).map((child) => redactChild(context, actor, child, content)),
		);
	}
}

/** Redacts an event that relates to another one; what the user may not redact stays. */
async function redactChild(
	context: RoomsContext,
	actor: Actor,
	{eventId, sender}: ChildRow,
	content: JsonObject,
): Promise<void> {
	const child = await context.engine.findEvent(eventId);
	if (!child || (actor.isSuspended && sender !== actor.userId)) return;
	const {roomId} = child.pdu;
	try {
		await mayRedact(context, actor, roomId, eventId);
		const event = {type: 'm.room.redaction', sender: actor.userId, content, redacts: eventId};
		await sendAllowed(context, roomId, event);
	} catch (error) {
		if (!(error instanceof RoomsError) || error.code !== 'forbidden') throw error;
	}
}

/** Without these events a room would be another, or closed to everybody. */
const LASTING_TYPES: ReadonlySet<string> = new Set(['m.room.create', 'm.room.server_acl']);

/**
 * Gives the event that a member wants to redact, if they may: their own, anybody's with the room's `redact` level, and
 * administrators those of this server's people.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid
 * @throws RoomsError 'not-found', 'forbidden'
 */
export async function mayRedact(context: RoomsContext, actor: Actor, roomId: RoomId, eventId: EventId): Promise<Pdu> {
	const {engine, serverName} = context;
	const found = await engine.findEvent(eventId);
	if (!found || found.row.roomId !== roomId || found.row.rejected !== null || found.row.softFailed) {
		throw new RoomsError('not-found', 'There is no such event in the room');
	}
	const {pdu} = found;
	if (LASTING_TYPES.has(pdu.type)) throw new RoomsError('forbidden', 'Events of this type cannot be redacted');
	if (pdu.sender === actor.userId || (actor.isAdmin && domainOf(pdu.sender) === serverName)) return pdu;
	const view = await getRoom(context, roomId);
	const levels = powerLevelsOf(
		await view.findState('m.room.create', ''),
		await view.findState('m.room.power_levels', ''),
	);
	if (userLevel(levels, actor.userId) < levels.redact) {
		throw new RoomsError('forbidden', 'The power level is too low to redact events of others');
	}
	return pdu;
}
