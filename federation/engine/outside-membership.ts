import {domainOf, type UserId} from '../../crypto/index.ts';
import {membershipOf} from '../rooms/index.ts';
import {eventFacts} from './event-facts.ts';
import type {OutsideMembershipRequest} from './engine.ts';
import type {ActorContext} from './room-actor.ts';

/**
 * Stores a membership in a room that this server is not in. The event is kept as an outlier; the room has no state here.
 * @see https://spec.matrix.org/v1.19/server-server-api/#inviting-to-a-room
 */
export async function setOutsideMembership(context: ActorContext, request: OutsideMembershipRequest): Promise<void> {
	const {pdu, strippedState} = request;
	const {storage} = context;
	const userId = pdu.stateKey as UserId;
	const mark = (await storage.events.findMarks([pdu.eventId])).get(pdu.eventId);
	const nid = mark?.nid ?? storage.ids.next();
	const batch = storage.batch();
	const room = await storage.rooms.find(pdu.roomId);
	if (room && room.headRoot === null) storage.rooms.setVersion(batch, pdu.roomId, pdu.roomVersion);
	if (!room) {
		storage.rooms.add(batch, {roomId: pdu.roomId, version: pdu.roomVersion, creator: null});
	}
	context.events.noteVersion(pdu.roomId, pdu.roomVersion);
	if (!mark) {
		storage.events.add(batch, {
			...eventFacts({nid, pdu}, context.now()),
			stateBefore: null,
			statePartial: false,
			rejected: null,
			softFailed: false,
			outlier: true,
			notifyCount: 0,
			threadNotifyCount: 0,
			anchor: null,
			minor: null,
		});
	}
	const pos = batch.announce({kind: 'membership', roomId: pdu.roomId, subject: userId, ref: nid});
	storage.memberships.set(batch, {
		roomId: pdu.roomId,
		userId,
		membership: membershipOf(pdu),
		eventNid: nid,
		sender: pdu.sender,
		isLocal: domainOf(userId) === context.serverName,
		strippedState: strippedState.length > 0 ? strippedState : null,
		pos,
	});
	await storage.commit(batch);
	context.events.note({nid, pdu});
}
