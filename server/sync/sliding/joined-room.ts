import {objectText, writePlaceToken} from '../../events/index.ts';
import {anchorOf} from '../room-tails.ts';
import type {RoomStateAt} from '../room-states.ts';
import {listTimeline, type Timeline} from '../v3/timeline.ts';
import {findBumpStamp} from './bump-stamp.ts';
import {chooseState} from './chosen-state.ts';
import {renderRequired, renderShown} from './render.ts';
import {listChanges, type StateChanges} from './required-state.ts';
import {describeName, hasChangedMembers} from './room-name.ts';
import type {StateWish} from './state-wish.ts';
import {
	allEvents,
	type KnownRoom,
	nothingTold,
	type RoomTelling,
	type ScopedRoom,
	type SlidingParts,
	type SlidingView,
} from './view.ts';

/** What there is to find out before anything is rendered. */
interface Question {
	readonly room: ScopedRoom;
	/** What the client was told; absent: nothing, or nothing that still counts. */
	readonly known: KnownRoom | undefined;
	/** The wish whose state the client has; absent where that is not known. */
	readonly toldWish: StateWish | undefined;
	readonly hasEvents: boolean;
	/** Whether more of the past is asked for than before. */
	readonly isExpanded: boolean;
	readonly lacksState: boolean;
	readonly isDm: boolean;
	readonly isRead: boolean;
}

/** Tells of a room that the user is in; of nothing where nothing is new to the client. */
export async function tellJoinedRoom(
	parts: SlidingParts,
	view: SlidingView,
	room: ScopedRoom,
	told: KnownRoom | undefined,
): Promise<RoomTelling> {
	const {roomId} = room.row;
	const first = await ask(parts, view, room, told);
	const {hasEvents, isExpanded, lacksState, isDm, isRead, known} = first;
	if (known && !hasEvents && !isExpanded && !lacksState && !isRead && isDm === known.told.isDm) return nothingTold;
	const now = await parts.states.findAt(roomId, view.upto);
	if (!now) return nothingTold;
	const before = known && (await parts.states.findAt(roomId, known.since));
	// Where it is not known any more what the state was, the client begins anew with the room.
	const question = before ? first : {...first, known: undefined, toldWish: undefined, isExpanded: false};
	const timeline = await listEvents(parts, view, question);
	return tell(parts, view, question, {now, before, timeline});
}

async function ask(
	parts: SlidingParts,
	view: SlidingView,
	room: ScopedRoom,
	known: KnownRoom | undefined,
): Promise<Question> {
	const {roomId} = room.row;
	const toldWish = known && (known.told.wishId === room.wish.id ? room.wish : parts.wishes.find(known.told.wishId));
	return {
		room,
		known,
		toldWish,
		hasEvents: known === undefined || room.activity > known.since,
		isExpanded: known !== undefined && known.told.limit < room.limit,
		lacksState: known !== undefined && !toldWish?.covers(room.wish),
		isDm: view.own.direct.has(roomId),
		isRead: known !== undefined && (await hasRead(parts, view, room, known)),
	};
}

/** Whether the user has read on, so that there is less unread. */
async function hasRead(
	{positions, storage}: SlidingParts,
	{request: {userId}, connection, upto}: SlidingView,
	{row: {roomId}}: ScopedRoom,
	{since}: KnownRoom,
): Promise<boolean> {
	if (!positions.hasOwnReceipts(roomId, userId, since)) return false;
	if (connection.live.has(roomId)) return true;
	const receipts = await storage.receipts.listOfUser(roomId, userId);
	return receipts.some(({pos}) => pos > since && pos <= upto);
}

async function listEvents(
	parts: SlidingParts,
	{request: {userId}, unwanted, upto}: SlidingView,
	{room: {row, limit}, known, hasEvents, isExpanded}: Question,
): Promise<Timeline> {
	const since = isExpanded ? undefined : known?.since;
	const none = {events: [], isLimited: limit === 0 && hasEvents, prevBatch: writePlaceToken({anchor: upto, minor: 1})};
	if (limit === 0 || (!hasEvents && !isExpanded)) return none;
	const filter = {timeline: {...allEvents, limit}};
	return listTimeline(parts, {userId, unwanted, filter}, {roomId: row.roomId, since, upto});
}

/** What was found out about a room that there is something to tell of. */
interface Found {
	readonly now: RoomStateAt;
	readonly before: RoomStateAt | undefined;
	readonly timeline: Timeline;
}

async function tell(
	parts: SlidingParts,
	view: SlidingView,
	question: Question,
	{now, before, timeline}: Found,
): Promise<RoomTelling> {
	const {room, known, toldWish, isDm} = question;
	const {request, upto, unwanted} = view;
	const {roomId} = room.row;
	const changes = before && (await listChanges(parts, {now, before}));
	const {events: shown, isLimited} = timeline;
	const state = await chooseState(parts, view, {room, now, changes, toldWish, shown, isLimited});
	const name = await describeName(parts, {roomId, userId: request.userId, now, changes, hasHeroes: true});
	const counts = !changes || hasChangedMembers(changes) ? await countMembers(parts, room) : undefined;
	const stamp = known && !question.hasEvents ? 0 : await findBumpStamp(parts, roomId, upto, unwanted.users);
	const news = {
		...name,
		is_dm: isDm === (known?.told.isDm ?? false) ? undefined : String(isDm),
		required_state: await renderRequired(parts, state.entries, state.removed),
		timeline: await renderShown(parts, view, shown),
		...counts,
	};
	const after = {limit: limitAfter(question, timeline), wishId: wishAfter(question, changes), isDm};
	const isOld = known !== undefined && shown[0] !== undefined && anchorOf(shown[0]) <= known.since;
	const isNews = known === undefined || question.isRead || Object.values(news).some((text) => text !== undefined);
	if (!isNews && !isLimited) return {...nothingTold, after};
	const text = objectText({
		initial: known === undefined ? 'true' : undefined,
		...news,
		...describeTimeline(view, question, timeline),
		...(isOld && {unstable_expanded_timeline: 'true', expanded_timeline: 'true'}),
		...(await countUnread(parts, view, room)),
		bump_stamp: known === undefined || stamp > known.since ? String(stamp) : undefined,
	});
	return {text, after, isWhole: known === undefined || isOld, shown};
}

function describeTimeline(
	{connection}: SlidingView,
	{room: {row, lists, limit}, known}: Question,
	{events, isLimited, prevBatch}: Timeline,
): Record<string, string | undefined> {
	const {pos} = connection.state;
	const live = connection.hasBegun ? events.filter((event) => anchorOf(event) > pos).length : 0;
	const isNewMember = known === undefined || row.pos > known.since;
	return {
		prev_batch: JSON.stringify(prevBatch),
		limited: limit === 0 ? undefined : String(isLimited),
		num_live: limit === 0 ? undefined : String(live),
		membership: isNewMember ? '"join"' : undefined,
		lists: lists.length === 0 ? undefined : JSON.stringify(lists),
	};
}

async function countMembers({summaries}: SlidingParts, {row: {roomId}}: ScopedRoom): Promise<Record<string, string>> {
	const {joined, invited} = await summaries.get(roomId);
	return {joined_count: String(joined), invited_count: String(invited)};
}

async function countUnread(
	{unread}: SlidingParts,
	{request: {userId}, upto}: SlidingView,
	{row: {roomId}}: ScopedRoom,
): Promise<Record<string, string>> {
	const {main, threads} = await unread.count(userId, roomId, upto);
	let {notifications, highlights} = main;
	for (const count of threads.values()) {
		notifications += count.notifications;
		highlights += count.highlights;
	}
	return {notification_count: String(notifications), highlight_count: String(highlights)};
}

/** How many of the newest events the client has without a gap, after an answer. */
function limitAfter({room: {limit}, known, isExpanded}: Question, {isLimited}: Timeline): number {
	return known === undefined || isExpanded || isLimited ? limit : known.told.limit;
}

/** Whose state the client has after an answer: more than it asks for now, as long as nothing of that has changed. */
function wishAfter({room: {wish}, known, toldWish, lacksState}: Question, changes: StateChanges | undefined): string {
	if (known === undefined || lacksState || toldWish === undefined || toldWish.id === wish.id || !changes)
		return wish.id;
	const isMissed = [...changes.entries, ...changes.removed].some((key) => toldWish.matches(key) && !wish.matches(key));
	return isMissed ? wish.id : toldWish.id;
}
