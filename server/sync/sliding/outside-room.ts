import {objectText} from '../../events/index.ts';
import {listOutsideState} from '../v3/invited-room.ts';
import {
	type KnownRoom,
	nothingTold,
	type RoomTelling,
	type ScopedRoom,
	type SlidingParts,
	type SlidingView,
} from './view.ts';

/** Tells of a room that the user is invited to, or knocks at: what it is and who invites, and nothing of what is in it. */
export async function tellOutsideRoom(
	parts: SlidingParts,
	view: SlidingView,
	{row, lists, limit, wish}: ScopedRoom,
	known: KnownRoom | undefined,
): Promise<RoomTelling> {
	const {roomId, membership, pos} = row;
	const isDm = view.own.direct.has(roomId);
	if (known && pos <= known.told.sent && isDm === known.told.isDm) return nothingTold;
	const state = JSON.stringify(await listOutsideState(parts, row));
	const text = objectText({
		initial: 'true',
		membership: JSON.stringify(membership),
		is_dm: isDm === (known?.told.isDm ?? false) ? undefined : String(isDm),
		lists: lists.length === 0 ? undefined : JSON.stringify(lists),
		// As the proposal's first drafts, and today's clients, call it; for knocks too.
		invite_state: state,
		stripped_state: state,
		bump_stamp: String(pos),
	});
	return {text, after: {limit, wishId: wish.id, isDm}, isWhole: false, shown: []};
}
