import type {RoomId} from '../../../crypto/index.ts';
import type {StoredEvent} from '../../../federation/engine/index.ts';
import type {EventNid, Position} from '../../../storage/index.ts';
import {pointBefore, writePlaceToken} from '../../events/index.ts';
import {anchorOf} from '../room-tails.ts';
import type {SyncParts, View} from './view.ts';

/** Events that are looked at for one room; where so many are filtered out or invisible, the rest is left to `/messages`. */
const LOOKED_AT_MAX = 300;

/** A room's part of the stream. */
export interface TimelineSpan {
	readonly roomId: RoomId;
	/** Events after this; absent: from the beginning. */
	readonly since: Position | undefined;
	readonly upto: Position;
}

/** The newest events of a span. */
export interface Timeline {
	/** Oldest first. */
	readonly events: readonly StoredEvent[];
	/** Whether there is more between them and the span's beginning. */
	readonly isLimited: boolean;
	/** Where `/messages` goes on backwards. */
	readonly prevBatch: string;
}

/** Who is shown a timeline, and which events of it they want. */
export type TimelineView = Pick<View, 'userId' | 'unwanted'> & {readonly filter: Pick<View['filter'], 'timeline'>};

/** Lists the newest events of a span that the user may see and wants to. */
export async function listTimeline(parts: SyncParts, view: TimelineView, span: TimelineSpan): Promise<Timeline> {
	const {limit, matches, mayShowRoom} = view.filter.timeline;
	if (!mayShowRoom(span.roomId)) return {events: [], isLimited: false, prevBatch: endOf(span)};
	const newest: StoredEvent[] = [];
	let lookedAt = 0;
	let oldest: StoredEvent | undefined;
	let gap: StoredEvent | undefined;
	for await (const {page: all, afterGap} of listPagesBack(parts, span, limit + 1)) {
		const gapAt = afterGap.size === 0 ? -1 : all.findIndex(({row}) => afterGap.has(row.nid));
		gap = all[gapAt];
		const page = gap ? all.slice(0, gapAt + 1) : all;
		const wanted = page.filter(
			({pdu, row}) =>
				(matches === undefined ||
					matches({type: pdu.type, sender: pdu.sender, hasUrl: typeof pdu.content['url'] === 'string'})) &&
				(row.stateKey !== null || !view.unwanted.users.has(pdu.sender)),
		);
		newest.push(...(await parts.events.filterVisible(view.userId, wanted)));
		lookedAt += page.length;
		oldest = page.at(-1);
		if (gap || newest.length > limit || lookedAt >= LOOKED_AT_MAX) break;
	}
	// What is missing before an event is for `/messages` to fetch: nothing is shown as if it came right before it.
	const isCut = gap !== undefined || newest.length > limit || lookedAt >= LOOKED_AT_MAX;
	// Without a beginning there is more unless the room's own has been reached.
	const isOpen = span.since === undefined && oldest !== undefined && oldest.row.type !== 'm.room.create';
	const events = newest.slice(0, limit).toReversed();
	const {anchor = null, minor = null} = events[0]?.row ?? {};
	return {
		events,
		isLimited: isCut || isOpen,
		prevBatch:
			anchor !== null && minor !== null
				? writePlaceToken(pointBefore({anchor, minor}))
				: endOf(isCut ? {...span, since: undefined} : span),
	};
}

/** The point before everything that the span has not shown. */
function endOf({since, upto}: TimelineSpan): string {
	return writePlaceToken({anchor: since ?? upto, minor: 1});
}

/** Live events, newest first. */
interface Page {
	readonly page: StoredEvent[];
	/** Those of them before which something is missing. */
	readonly afterGap: ReadonlySet<EventNid>;
}

/** Lists live events of a span, newest first: from memory as far as that goes. */
async function* listPagesBack(
	{tails, storage, engine}: SyncParts,
	{roomId, since = 0, upto}: TimelineSpan,
	size: number,
): AsyncGenerator<Page> {
	const tail = await tails.get(roomId, upto);
	const held = tail.events.filter((event) => anchorOf(event) > since).toReversed();
	for (let index = 0; index < held.length; index += size) {
		yield {page: held.slice(index, index + size), afterGap: tail.afterGap};
	}
	for (let below = tail.from; below > since; ) {
		const rows = await storage.events.listLatest(roomId, below, size);
		const inSpan = rows.filter(({anchor}) => (anchor ?? 0) > since);
		if (inSpan.length > 0) {
			const afterGap = new Set(await storage.events.listAfterGaps(inSpan.map(({nid}) => nid)));
			yield {page: await engine.readRows(inSpan), afterGap};
		}
		below = inSpan.length < size ? 0 : (rows.at(-1)?.anchor ?? 1) - 1;
	}
}
