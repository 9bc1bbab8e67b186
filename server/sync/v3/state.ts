import type {UserId} from '../../../crypto/index.ts';
import type {StateEntry} from '../../../storage/index.ts';
import {findCitedMembers} from '../cited-members.ts';
import type {RoomStateAt} from '../room-states.ts';
import type {Timeline, TimelineSpan} from './timeline.ts';
import type {SyncParts, View} from './view.ts';

/** What state of a room is asked for. */
export interface StateWish {
	readonly span: TimelineSpan;
	readonly timeline: Timeline;
	/** The whole state, and not only what changed in the span. */
	readonly isWhole: boolean;
	/** Whom the room is called after; their member events are sent also to those who load members lazily. */
	readonly heroes: readonly UserId[];
}

/** Entries of state to be sent, each with whether it changed in the span. */
export interface ChosenState {
	readonly entries: readonly StateEntry[];
	/** Of all that changed, whether a membership did. */
	readonly hasMembers: boolean;
}

const keyOf = ({type, stateKey}: {readonly type: string; readonly stateKey: string}): string => `${type}\0${stateKey}`;

/** The state before and after what an answer tells of a room. */
interface Bounds {
	readonly now: RoomStateAt;
	/** What the device has; absent: nothing. */
	readonly before: RoomStateAt | undefined;
	/** The state that the timeline starts from. */
	readonly start: RoomStateAt;
}

/** Finds the entries that changed in a span, or all, as of the timeline's start or its end. */
export async function chooseState(parts: SyncParts, view: View, wish: StateWish): Promise<ChosenState> {
	const bounds = await findBounds(parts, wish);
	if (!bounds) return {entries: [], hasMembers: false};
	const {now, before, start} = bounds;
	const {states} = parts;
	const shown = new Set(
		wish.timeline.events.flatMap(({pdu: {type, stateKey}}) =>
			stateKey === undefined ? [] : [keyOf({type, stateKey})],
		),
	);
	let entries: readonly StateEntry[];
	if (view.usesStateAfter) {
		entries = before ? await states.listChanged(before, now) : await states.list(now);
	} else {
		const atStart = before ? await states.listChanged(before, start) : await states.list(start);
		// What resolution changed, or the filter left out, is in no event of the timeline.
		const unseen = (await states.listChanged(start, now)).filter((entry) => !shown.has(keyOf(entry)));
		entries = unseen.length === 0 ? atStart : merge(atStart, unseen);
	}
	const hasMembers =
		entries.some(({type}) => type === 'm.room.member') ||
		wish.timeline.events.some(({pdu}) => pdu.type === 'm.room.member');
	return {entries, hasMembers};
}

async function findBounds({states}: SyncParts, {span, timeline, isWhole}: StateWish): Promise<Bounds | undefined> {
	const now = await states.findAt(span.roomId, span.upto);
	if (!now) return undefined;
	const before = isWhole || span.since === undefined ? undefined : await states.findAt(span.roomId, span.since);
	const root = timeline.events[0]?.row.stateBefore ?? null;
	const startsLater = before === undefined || timeline.isLimited;
	const start = startsLater && root !== null ? {roomId: span.roomId, root} : (before ?? now);
	return {now, before, start};
}

/** Later entries replace earlier ones of the same key. */
function merge(earlier: readonly StateEntry[], later: readonly StateEntry[]): StateEntry[] {
	const byKey = new Map(earlier.map((entry) => [keyOf(entry), entry]));
	for (const entry of later) byKey.set(keyOf(entry), entry);
	return [...byKey.values()];
}

/**
 * Leaves out members whom a device does not need yet, and adds those that the timeline makes it need.
 * @see https://spec.matrix.org/v1.19/client-server-api/#lazy-loading-room-members
 */
export async function chooseMembers(
	parts: SyncParts,
	view: View,
	wish: StateWish,
	{entries}: ChosenState,
): Promise<readonly StateEntry[]> {
	const {lazyLoadsMembers, includesRedundantMembers} = view.filter.state;
	if (!lazyLoadsMembers) return entries;
	const {roomId, since} = wish.span;
	const needed = new Set<string>([...wish.timeline.events.map(({pdu}) => pdu.sender), ...wish.heroes]);
	const isFirst = wish.isWhole || since === undefined;
	if (isFirst) needed.add(view.userId);
	const to = {userId: view.userId, deviceId: view.deviceId, roomId};
	// All changes of membership within a gap are told; of a whole state only those who are needed.
	const found = isFirst
		? entries.filter(({type, stateKey}) => type !== 'm.room.member' || needed.has(stateKey))
		: [...entries, ...(await findMissing(parts, view, wish, {needed, entries}))];
	const known = new Set(found.filter(({type}) => type === 'm.room.member').map(({stateKey}) => stateKey));
	const cited = await findCitedMembers(parts, roomId, wish.timeline.events, (userId) => known.has(userId));
	const chosen = [...found, ...cited];
	const isKnown = ({type, stateKey, eventNid}: StateEntry): boolean =>
		type === 'm.room.member' &&
		!isFirst &&
		!includesRedundantMembers &&
		!entries.some((entry) => entry.eventNid === eventNid) &&
		parts.sentMembers.has(to, stateKey, eventNid, since ?? 0);
	const sent = chosen.filter((entry) => !isKnown(entry));
	const members = sent.filter(({type}) => type === 'm.room.member');
	parts.sentMembers.note(
		to,
		members.map(({stateKey, eventNid}) => [stateKey, eventNid] as const),
		view.upto,
	);
	return sent;
}

async function findMissing(
	parts: SyncParts,
	view: View,
	wish: StateWish,
	{needed, entries}: {readonly needed: ReadonlySet<string>; readonly entries: readonly StateEntry[]},
): Promise<StateEntry[]> {
	const bounds = await findBounds(parts, wish);
	if (!bounds) return [];
	const told = new Set(entries.filter(({type}) => type === 'm.room.member').map(({stateKey}) => stateKey));
	const keys = [...needed].filter((member) => !told.has(member)).map((stateKey) => ({type: 'm.room.member', stateKey}));
	return parts.states.find(view.usesStateAfter ? bounds.now : bounds.start, keys);
}
