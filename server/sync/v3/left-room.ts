import type {MembershipRow, Position} from '../../../storage/index.ts';
import {arrayText, objectText, writePlaceToken} from '../../events/index.ts';
import {renderState, renderTimeline} from './render.ts';
import {listRoomAccountData} from './room-account-data.ts';
import {chooseMembers, chooseState} from './state.ts';
import {listTimeline, type Timeline} from './timeline.ts';
import {stateNameOf, type SyncParts, type View} from './view.ts';

/**
 * Gives the entry of a room that the user has left or was put out of, as JSON text: what happened up to then, and nothing
 * of what came after (E2).
 */
export async function renderLeftRoom(parts: SyncParts, view: View, row: MembershipRow): Promise<string> {
	const {roomId} = row;
	const {events} = parts;
	const {joinedUntil} = await events.findStanding(roomId, view.userId);
	const token = view.since?.pos;
	const since = token !== undefined && (await events.wasJoined(roomId, view.userId, token)) ? token : undefined;
	// Whoever was put out before the token has been told of it then.
	const isInside = joinedUntil > (token ?? 0);
	const timeline = isInside
		? await listTimeline(parts, view, {roomId, since, upto: row.pos})
		: await showOwn(parts, row, token);
	const state = isInside ? await listState(parts, view, row, {timeline, since, joinedUntil}) : [];
	return objectText({
		[stateNameOf(view)]: `{"events":${arrayText(state)}}`,
		timeline: objectText({
			events: arrayText(await renderTimeline(parts, view, timeline)),
			limited: String(timeline.isLimited),
			prev_batch: JSON.stringify(timeline.prevBatch),
		}),
		account_data: `{"events":${arrayText(listRoomAccountData(view, roomId))}}`,
	});
}

/** The user's own membership is all that who was not in the room is shown. */
async function showOwn(
	{storage, engine}: SyncParts,
	{eventNid, pos}: MembershipRow,
	token: Position | undefined,
): Promise<Timeline> {
	const row = eventNid === null ? undefined : await storage.events.findByNid(eventNid);
	return {
		events: row ? await engine.readRows([row]) : [],
		isLimited: false,
		prevBatch: writePlaceToken({anchor: token ?? pos, minor: 1}),
	};
}

async function listState(
	parts: SyncParts,
	view: View,
	{roomId, pos}: MembershipRow,
	{
		timeline,
		since,
		joinedUntil,
	}: {readonly timeline: Timeline; readonly since: Position | undefined; readonly joinedUntil: Position},
): Promise<string[]> {
	if (!view.filter.state.mayShowRoom(roomId)) return [];
	const span = {roomId, since, upto: Math.min(joinedUntil, pos)};
	const wish = {span, timeline, isWhole: since === undefined, heroes: []};
	const chosen = await chooseState(parts, view, wish);
	return renderState(parts, view, await chooseMembers(parts, view, wish, chosen));
}
