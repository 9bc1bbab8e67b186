import type {Pdu} from '../../federation/rooms/index.ts';

/** Types of events that a default rule notifies about; `.m.rule.tombstone` looks at state, the others at messages. */
const notifyingTypes: ReadonlySet<string> = new Set([
	'm.call.invite',
	'm.room.encrypted',
	'm.room.message',
	'm.room.tombstone',
]);

/**
 * Whether an event notifies those who have changed no push rule and whom it does not mention. Invites count for the
 * invited alone, so they are no part of a room's running number.
 * @see https://spec.matrix.org/v1.19/client-server-api/#predefined-rules
 */
export function notifiesByDefault({type, content}: Pdu): boolean {
	if (!notifyingTypes.has(type)) {
		return false;
	}
	// .m.rule.suppress_notices
	if (type === 'm.room.message' && content['msgtype'] === 'm.notice') {
		return false;
	}
	// .m.rule.suppress_edits
	const relation = content['m.relates_to'];
	const isEdit =
		typeof relation === 'object' && relation !== null && 'rel_type' in relation && relation.rel_type === 'm.replace';
	return !isEdit;
}
