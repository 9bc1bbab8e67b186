import {LRUCache} from 'lru-cache';
import type {DeviceId, RoomId, UserId} from '../../../crypto/index.ts';
import type {EventNid, Position} from '../../../storage/index.ts';

/** Rooms of devices of which it is remembered which members were sent; what is forgotten is sent again. */
const ROOMS_MAX = 20_000;
/** Members of one room that are remembered for one device. */
const MEMBERS_MAX = 200;

/** Whose memory it is. */
export interface SentTo {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly roomId: RoomId;
}

/**
 * Which member events devices have been given, for those who load members lazily. What was sent with an answer counts
 * once the device comes back with that answer's token: an answer that got lost must not cost it a member.
 * @see https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export class SentMembers {
	readonly #sent = new LRUCache<string, Map<string, {readonly nid: EventNid; readonly pos: Position}>>({
		maxSize: ROOMS_MAX,
		sizeCalculation: () => 1,
	});

	/** Whether a device that was told up to `since` has a member's event. */
	has(to: SentTo, member: string, nid: EventNid, since: Position): boolean {
		const sent = this.#sent.get(keyOf(to))?.get(member);
		return sent !== undefined && sent.nid === nid && sent.pos <= since;
	}

	/** Notes what is sent with the answer that ends at `pos`. */
	note(to: SentTo, members: Iterable<readonly [string, EventNid]>, pos: Position): void {
		const key = keyOf(to);
		const sent = this.#sent.get(key) ?? new Map();
		for (const [member, nid] of members) {
			if (sent.get(member)?.nid === nid) continue;
			if (sent.size >= MEMBERS_MAX) sent.clear();
			sent.set(member, {nid, pos});
		}
		this.#sent.set(key, sent);
	}
}

const keyOf = ({userId, deviceId, roomId}: SentTo): string => JSON.stringify([userId, deviceId, roomId]);
