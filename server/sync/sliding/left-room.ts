import type {JsonObject} from '../../../crypto/index.ts';
import type {StoredEvent} from '../../../federation/engine/index.ts';
import {toStrippedState} from '../../../federation/rooms/index.ts';
import type {Position} from '../../../storage/index.ts';
import {objectText, writePlaceToken} from '../../events/index.ts';
import {listTimeline, type Timeline} from '../v3/timeline.ts';
import {renderRequired, renderShown} from './render.ts';
import {listChanges, listWanted} from './required-state.ts';
import {describeName} from './room-name.ts';
import {memberType} from './state-wish.ts';
import {
	allEvents,
	type KnownRoom,
	nothingTold,
	type RoomTelling,
	type ScopedRoom,
	type SlidingParts,
	type SlidingView,
} from './view.ts';

/**
 * Tells of a room that the user has left or was put out of: what happened up to then, and nothing of what came after
 * (E2).
 */
export async function tellLeftRoom(
	parts: SlidingParts,
	view: SlidingView,
	room: ScopedRoom,
	known: KnownRoom | undefined,
): Promise<RoomTelling> {
	const {row, lists, limit, wish} = room;
	const {roomId, userId, pos, membership} = row;
	const isTold = known !== undefined && known.told.sent >= pos;
	if (isTold && known.told.limit >= limit && known.told.wishId === wish.id) return nothingTold;
	const isDm = view.own.direct.has(roomId);
	const {joinedUntil} = await parts.events.findStanding(roomId, userId);
	// What the client knows of the room from inside goes on; what it saw from outside, or saw whole, is told anew.
	const isInside = known !== undefined && !isTold && (await parts.events.wasJoined(roomId, userId, known.told.sent));
	const since = isInside ? known.told.sent : undefined;
	const told =
		joinedUntil > 0
			? await tellStay(parts, view, room, {since, until: Math.min(joinedUntil, pos)})
			: await tellRefusal(parts, view, room);
	const text = objectText({
		initial: since === undefined ? 'true' : undefined,
		is_dm: isDm ? 'true' : undefined,
		...told.texts,
		membership: JSON.stringify(membership),
		lists: lists.length === 0 ? undefined : JSON.stringify(lists),
		bump_stamp: String(pos),
	});
	return {text, after: {limit, wishId: wish.id, isDm}, isWhole: false, shown: []};
}

interface Stay {
	readonly since: Position | undefined;
	/** Where the user's stay ended. */
	readonly until: Position;
}

interface Texts {
	readonly texts: Record<string, string | undefined>;
}

/** Tells of a room in which the user was. */
async function tellStay(
	parts: SlidingParts,
	view: SlidingView,
	{row: {roomId, pos, eventNid}, limit, wish}: ScopedRoom,
	{since, until}: Stay,
): Promise<Texts> {
	const {request, unwanted, connection} = view;
	const {userId} = request;
	const filter = {timeline: {...allEvents, limit}};
	const nothing: Timeline = {events: [], isLimited: false, prevBatch: writePlaceToken({anchor: pos, minor: 1})};
	const timeline =
		limit === 0 ? nothing : await listTimeline(parts, {userId, unwanted, filter}, {roomId, since, upto: pos});
	const now = await parts.states.findAt(roomId, until);
	const before = since === undefined ? undefined : await parts.states.findAt(roomId, since);
	const changes = now && before && (await listChanges(parts, {now, before}));
	const wanted = changes
		? changes.entries.filter((entry) => wish.matches(entry))
		: now
			? await listWanted(parts, parts.indexes, now, wish)
			: [];
	// That the user is out is said by their own membership, which clients look for there; its event may be a later one
	// than the state that they saw last.
	const others = wanted.filter(({type, stateKey}) => type !== memberType || stateKey !== userId);
	const own = eventNid === null ? [] : [{type: memberType, stateKey: userId, eventNid}];
	const removed = (changes?.removed ?? []).filter((key) => wish.matches(key));
	const name = now && (await describeName(parts, {roomId, userId, now, changes, hasHeroes: false}));
	return {
		texts: {
			...name,
			required_state: await renderRequired(parts, [...others, ...own], removed),
			timeline: await renderShown(parts, view, timeline.events),
			prev_batch: JSON.stringify(timeline.prevBatch),
			limited: limit === 0 ? undefined : String(timeline.isLimited),
			num_live: String(countLive(timeline.events, connection.hasBegun ? connection.state.pos : undefined)),
		},
	};
}

function countLive(events: readonly StoredEvent[], pos: Position | undefined): number {
	return pos === undefined ? 0 : events.filter(({row}) => (row.anchor ?? 0) > pos).length;
}

/** Tells of a room in which the user never was: the invite or knock was turned down, or taken back. */
async function tellRefusal(
	parts: SlidingParts,
	view: SlidingView,
	{row: {userId, eventNid}, limit}: ScopedRoom,
): Promise<Texts> {
	const row = eventNid === null ? undefined : await parts.storage.events.findByNid(eventNid);
	const events = row ? await parts.engine.readRows([row]) : [];
	const stripped: JsonObject[] = events.map(({pdu}) => toStrippedState(pdu));
	const own = row ? [{type: memberType, stateKey: userId, eventNid: row.nid}] : [];
	return {
		texts: {
			required_state: await renderRequired(parts, own, []),
			timeline: limit === 0 ? undefined : await renderShown(parts, view, events),
			stripped_state: JSON.stringify(stripped),
		},
	};
}
