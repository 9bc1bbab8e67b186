import type {MembershipRow, Position} from '../../../storage/index.ts';
import type {OwnData} from './own-data.ts';
import type {ListFilters} from './request.ts';
import type {SlidingParts} from './view.ts';

/** What rooms are filtered by. */
export interface FilterContext {
	readonly filters: ListFilters;
	readonly own: OwnData;
	readonly upto: Position;
	/** Rooms of the spaces that are asked for; absent: of any. */
	readonly children: ReadonlySet<string> | undefined;
}

/** Whether a room belongs to a list. All of the filters must let it through. @see proposal 4186, `SlidingRoomFilter` */
export async function fitsFilters(
	{facts}: SlidingParts,
	{filters, own, upto, children}: FilterContext,
	row: MembershipRow,
): Promise<boolean> {
	const {isDm, isEncrypted, isInvited, roomTypes, notRoomTypes, tags, notTags} = filters;
	const {roomId, membership} = row;
	if (isDm !== undefined && own.direct.has(roomId) !== isDm) return false;
	if (isInvited !== undefined && (membership === 'invite') !== isInvited) return false;
	if (children && !children.has(roomId)) return false;
	if (tags ?? notTags) {
		const ofRoom = own.tagsOf(roomId);
		if (ofRoom.some((tag) => notTags?.includes(tag))) return false;
		if (tags && !ofRoom.some((tag) => tags.includes(tag))) return false;
	}
	if (isEncrypted === undefined && !roomTypes && !notRoomTypes) return true;
	const {roomType, isEncrypted: isSo} = await facts.of(row, upto);
	if (isEncrypted !== undefined && isSo !== isEncrypted) return false;
	if (notRoomTypes?.includes(roomType)) return false;
	return !roomTypes || roomTypes.includes(roomType);
}
