import type {EventId, RoomId} from '../../crypto/index.ts';
import type {EventNid} from '../../storage/index.ts';
import {mayApplyRedaction, type Pdu} from '../rooms/index.ts';
import {parentOf} from './relations.ts';
import type {RoomState} from './room-state.ts';
import type {StoredEvents} from './stored-events.ts';

/** An event that a redaction names, known to this server. */
export interface RedactionTarget {
	readonly nid: EventNid;
	/** The event that it relates to. */
	readonly parent: EventId | undefined;
	/** Whether the redaction takes effect in this state. */
	mayBeRedactedBy(redaction: Pdu, state: RoomState): boolean;
}

/** Finds the event that a redaction names; `null` where it is not here, of another room, or cannot be redacted. */
export async function findRedactionTarget(
	events: StoredEvents,
	roomId: RoomId,
	redacts: EventId,
): Promise<RedactionTarget | null> {
	const found = (await events.findPdus([redacts])).get(redacts);
	// C8: a redaction of another room's event, or of the room's creation, has no effect.
	if (!found || found.pdu.roomId !== roomId || found.pdu.type === 'm.room.create') return null;
	return {
		nid: found.nid,
		parent: parentOf(found.pdu),
		mayBeRedactedBy: (redaction, state) => mayApplyRedaction(redaction, found.pdu, state.lookup),
	};
}
