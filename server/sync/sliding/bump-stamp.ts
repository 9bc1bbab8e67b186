import type {RoomId} from '../../../crypto/index.ts';
import type {EventRow, Position} from '../../../storage/index.ts';
import {anchorOf} from '../room-tails.ts';
import type {SyncParts} from '../v3/view.ts';

/** Events that people write, and the room's beginning. @see proposal 4186, `bump_stamp` */
const bumpTypes: ReadonlySet<string> = new Set([
	'm.room.create',
	'm.room.message',
	'm.room.encrypted',
	'm.sticker',
	'm.call.invite',
	'm.poll.start',
	'org.matrix.msc3381.poll.start',
	'm.beacon_info',
	'org.matrix.msc3672.beacon_info',
]);
/** Events that are looked at before the newest ones that are in memory; a room with more noise counts as this old. */
const LOOKED_AT_MAX = 300;

/** Finds where people last wrote something in a room, up to a position: what clients sort rooms by. */
export async function findBumpStamp(
	{tails, storage}: Pick<SyncParts, 'tails' | 'storage'>,
	roomId: RoomId,
	upto: Position,
	ignored: ReadonlySet<string>,
): Promise<Position> {
	const isBump = ({type, sender}: EventRow): boolean => bumpTypes.has(type) && !ignored.has(sender);
	const {events, from} = await tails.get(roomId, upto);
	const held = events.findLast(({row}) => isBump(row));
	if (held) return anchorOf(held);
	if (from === 0) return events[0] ? anchorOf(events[0]) : 0;
	const rows = await storage.events.listLatest(roomId, from, LOOKED_AT_MAX);
	return rows.find(isBump)?.anchor ?? rows.at(-1)?.anchor ?? from;
}
