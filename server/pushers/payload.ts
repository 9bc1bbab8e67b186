import type {JsonObject} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import type {Outcome} from '../push/index.ts';
import type {SetPusher} from './pusher.ts';

const NO_COUNT = 'org.matrix.msc4076.disable_badge_count';

/** Whether a pusher is told how much its user has not read. */
export function wantsCount({data}: SetPusher): boolean {
	return data[NO_COUNT] !== true;
}

/**
 * Makes the body that tells a gateway of an event, or of the count alone. Of events only ids are told, whatever the
 * client asked for: what was said in a room is for those who are in it.
 * @param unread absent: not told.
 * @see https://spec.matrix.org/v1.19/push-gateway-api/#post_matrixpushv1notify
 */
export function makeBody(
	pusher: SetPusher,
	unread: number | undefined,
	notice?: {readonly event: StoredEvent; readonly outcome: Outcome},
): string {
	const {url: _, ...data} = pusher.data;
	const device: JsonObject = {
		app_id: pusher.appId,
		pushkey: pusher.pushkey,
		pushkey_ts: Math.floor(pusher.setTs / 1000),
		data,
		...(notice && {tweaks: tweaksOf(notice.outcome)}),
	};
	const notification: JsonObject = {
		...(notice && {event_id: notice.event.row.eventId, room_id: notice.event.row.roomId}),
		prio: notice && isUrgent(notice.event, notice.outcome) ? 'high' : 'low',
		// Counts that are zero are left out, as the specification asks.
		...(unread !== undefined && {counts: unread > 0 ? {unread} : {}}),
		devices: [device],
	};
	return JSON.stringify({notification});
}

function tweaksOf({actions}: Outcome): JsonObject {
	const tweaks: JsonObject = {};
	for (const action of actions) {
		if (typeof action !== 'object' || typeof action['set_tweak'] !== 'string') continue;
		// A highlight without a value is one.
		tweaks[action['set_tweak']] = action['value'] ?? (action['set_tweak'] === 'highlight' ? true : null);
	}
	return tweaks;
}

/** What makes a sound must come at once; of what is encrypted only the client can tell. */
function isUrgent({pdu}: StoredEvent, outcome: Outcome): boolean {
	return outcome.highlights || pdu.type === 'm.room.encrypted' || tweaksOf(outcome)['sound'] !== undefined;
}

/** Reads the pushkeys that a gateway knows to be gone; an answer that cannot be read names none. */
export function readRejected(body: Buffer): readonly unknown[] {
	try {
		const {rejected} = JSON.parse(body.toString()) as {rejected?: unknown};
		return Array.isArray(rejected) ? rejected : [];
	} catch {
		return [];
	}
}
