import type {RoomId, UserId} from '../../../crypto/index.ts';
import type {MembershipRow, Position} from '../../../storage/index.ts';
import {arrayText, objectText} from '../../events/index.ts';
import {heroesOf, type RoomMembers} from '../summaries.ts';
import type {UnreadCount, UnreadCounts} from '../unread.ts';
import {hasTyping, listEphemeral} from './ephemeral.ts';
import {renderState, renderTimeline} from './render.ts';
import {listRoomAccountData} from './room-account-data.ts';
import {chooseMembers, chooseState, type StateWish} from './state.ts';
import {listTimeline, type Timeline} from './timeline.ts';
import {stateNameOf, type SyncParts, type View} from './view.ts';

/** Gives the entry of a room that the user is in, as JSON text; `undefined` where nothing is new to the device. */
export async function renderJoinedRoom(parts: SyncParts, view: View, row: MembershipRow): Promise<string | undefined> {
	const {roomId} = row;
	const {positions, partialRooms} = parts;
	if (!view.filter.state.lazyLoadsMembers && (await partialRooms.has(roomId))) return undefined;
	const since = await findSince(parts, view, row);
	const isWhole = since === undefined || view.isFullState;
	const hasEvents = isWhole || positions.hasEvents(roomId, since);
	const hasReceipts = isWhole || positions.hasReceipts(roomId, view.userId, since);
	const accountData = listRoomAccountData(view, roomId);
	if (!hasEvents && !hasReceipts && accountData.length === 0 && !hasTyping(parts, view, roomId)) return undefined;
	const told = hasEvents ? await tellEvents(parts, view, {roomId, since, isWhole}) : nothing;
	const ephemeral = await listEphemeral(parts, view, roomId, since);
	const isRead = since !== undefined && positions.hasOwnReceipts(roomId, view.userId, since);
	const isNews = told.isNews || ephemeral.length > 0 || accountData.length > 0 || isRead;
	if (!isNews && !isWhole) return undefined;
	const {prevBatch = ''} = told.timeline ?? {};
	return objectText({
		[stateNameOf(view)]: eventsText(told.state),
		timeline: objectText({
			events: arrayText(told.events),
			limited: String(told.timeline?.isLimited ?? false),
			prev_batch: prevBatch === '' ? undefined : JSON.stringify(prevBatch),
		}),
		ephemeral: eventsText(ephemeral),
		account_data: eventsText(accountData),
		summary: told.summary,
		...unreadTexts(view, await parts.unread.count(view.userId, roomId, view.upto)),
	});
}

/** What an entry tells of a room's events. */
interface Told {
	readonly timeline: Timeline | undefined;
	readonly events: readonly string[];
	readonly state: readonly string[];
	readonly summary: string | undefined;
	readonly isNews: boolean;
}

const nothing: Told = {timeline: undefined, events: [], state: [], summary: undefined, isNews: false};

/** Since when a device knows a room; `undefined` where it knows nothing, as the user was not in it at its token. */
async function findSince(
	{events, partialRooms}: SyncParts,
	{since, userId, filter}: View,
	row: MembershipRow,
): Promise<Position | undefined> {
	const {roomId, pos} = row;
	if (since === undefined || pos <= since.pos) return since?.pos;
	// Until the room was complete it was not shown.
	if (!filter.state.lazyLoadsMembers && (await partialRooms.isByCompletion(row))) return undefined;
	return (await events.wasJoined(roomId, userId, since.pos)) ? since.pos : undefined;
}

async function tellEvents(
	parts: SyncParts,
	view: View,
	{roomId, since, isWhole}: {readonly roomId: RoomId; readonly since: Position | undefined; readonly isWhole: boolean},
): Promise<Told> {
	const span = {roomId, since, upto: view.upto};
	const shown = await listTimeline(parts, view, span);
	// Whoever has come since the token is shown the room's newest events and not all that it holds.
	const hasCome = since === undefined && view.since !== undefined;
	const timeline = hasCome ? {...shown, isLimited: true} : shown;
	const wish: StateWish = {span, timeline, isWhole, heroes: []};
	const chosen = await chooseState(parts, view, wish);
	const members = isWhole || chosen.hasMembers ? await parts.summaries.get(roomId) : undefined;
	const heroes = members && !(await hasName(parts, wish)) ? heroesOf(members, view.userId) : [];
	const mayShow = view.filter.state.mayShowRoom(roomId);
	const entries = mayShow ? await chooseMembers(parts, view, {...wish, heroes}, chosen) : [];
	const state = await renderState(parts, view, entries);
	return {
		timeline,
		events: await renderTimeline(parts, view, timeline),
		state,
		summary: members && summaryText(members, heroes),
		isNews: timeline.events.length > 0 || timeline.isLimited || state.length > 0 || members !== undefined,
	};
}

async function hasName({states, events}: SyncParts, {span: {roomId, upto}}: StateWish): Promise<boolean> {
	const now = await states.findAt(roomId, upto);
	const names = now
		? await states.find(now, [
				{type: 'm.room.name', stateKey: ''},
				{type: 'm.room.canonical_alias', stateKey: ''},
			])
		: [];
	if (names.length === 0) return false;
	const found = await events.findRendered(names.map(({eventNid}) => eventNid));
	return [...found.values()].some(({namesRoom}) => namesRoom);
}

function eventsText(events: readonly string[]): string {
	return `{"events":${arrayText(events)}}`;
}

function summaryText({joined, invited}: RoomMembers, heroes: readonly UserId[]): string {
	return JSON.stringify({
		...(heroes.length > 0 && {'m.heroes': heroes}),
		'm.joined_member_count': joined,
		'm.invited_member_count': invited,
	});
}

function unreadTexts({filter}: View, {main, threads}: UnreadCounts): Record<string, string | undefined> {
	if (!filter.timeline.countsThreads) {
		return {unread_notifications: countText([main, ...threads.values()])};
	}
	const entries = [...threads].map(([root, count]) => [root, countText([count])] as const);
	return {
		unread_notifications: countText([main]),
		unread_thread_notifications: entries.length === 0 ? undefined : objectText(Object.fromEntries(entries)),
	};
}

function countText(counts: readonly UnreadCount[]): string {
	const sum = (of: (count: UnreadCount) => number): number => counts.reduce((total, count) => total + of(count), 0);
	const highlights = sum((count) => count.highlights);
	return `{"notification_count":${sum((count) => count.notifications)},"highlight_count":${highlights}}`;
}
