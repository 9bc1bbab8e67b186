import type {UserId} from '../../crypto/index.ts';
import {powerLevelsOf, userLevel} from '../rooms/index.ts';
import {EngineError} from './errors.ts';
import type {RoomActor} from './room-actor.ts';
import {CommittedView} from './room-view.ts';
import {type SendContext, SendEvent} from './send-event.ts';

/** Places in which the graph of a room may end before they are brought together: as many as one event may name (C10). */
const ENDS_MAX = 20;
/** Places that are left: what the next event names anyway. */
const ENDS_LEFT = 10;
/** Events that bring ends together at a time. */
const MERGES_MAX = 10;
/** People in whose name one is tried to be sent. */
const SENDERS_MAX = 5;
/** What such an event is called by the servers there are; clients know no such type, and show nothing of it. */
const MERGE_TYPE = 'org.matrix.dummy_event';

/**
 * Brings the ends of a room's graph together where they have become too many: each costs everything that comes beside it.
 * An event without content is sent in the name of somebody of this server who may send it; where there is nobody, the
 * ends are left to the servers of others.
 */
export async function mergeEnds(context: SendContext, actor: RoomActor): Promise<void> {
	if (actor.committed.extremities.length <= ENDS_MAX) return;
	const sender = await findSender(context, actor);
	if (sender === undefined) return;
	const event = {type: MERGE_TYPE, sender, content: {}};
	for (let merges = 0; merges < MERGES_MAX && actor.committed.extremities.length > ENDS_LEFT; merges += 1) {
		try {
			await actor.submit(new SendEvent(context, actor.version, {roomId: actor.roomId, event}));
		} catch (error) {
			// The next event beside the ends brings it about.
			if (error instanceof EngineError) return;
			throw error;
		}
	}
}

/** Finds who may send such an event; those with the highest level first. */
async function findSender(context: SendContext, actor: RoomActor): Promise<UserId | undefined> {
	const view = new CommittedView(context, actor);
	const [members, create, levels] = await Promise.all([
		context.storage.memberships.listLocalJoined(actor.roomId),
		view.findState('m.room.create', ''),
		view.findState('m.room.power_levels', ''),
	]);
	const powers = powerLevelsOf(create, levels);
	const levelOf = new Map(members.map((userId) => [userId, userLevel(powers, userId)]));
	const candidates = members.toSorted((a, b) => {
		const [one, other] = [levelOf.get(a) ?? 0, levelOf.get(b) ?? 0];
		if (one !== other) return one > other ? -1 : 1;
		return a < b ? -1 : 1;
	});
	for (const sender of candidates.slice(0, SENDERS_MAX)) {
		if ((await view.check({type: MERGE_TYPE, sender, content: {}})).allowed) return sender;
	}
	return undefined;
}
