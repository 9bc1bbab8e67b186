import type {UserId} from '../../crypto/index.ts';
import type {StoredEvent} from '../../federation/engine/index.ts';
import type {MembershipRow, Position} from '../../storage/index.ts';
import type {Events} from '../events/index.ts';
import type {Outcome} from '../push/index.ts';
import {anchorOf, type RoomTails} from './room-tails.ts';
import {isHeard, type ReadUpTo, type Unread, type UnreadDependencies} from './unread.ts';

/** Rooms that are looked through for one page: those with the latest memberships. */
const ROOMS_MAX = 500;

/** A page of notifications. */
export interface NotificationsPage {
	/** Only events before this position; absent: up to now. */
	readonly before: Position | undefined;
	/** 1 to 100. */
	readonly limit: number;
	readonly onlyHighlights: boolean;
}

/** An event that somebody was notified of. */
export interface Notification {
	/** The event for its reader, as JSON text. */
	readonly event: string;
	readonly roomId: string;
	/** When this server received it, in milliseconds. */
	readonly ts: number;
	readonly isRead: boolean;
	readonly actions: Outcome['actions'];
}

/** A page, newest first. */
export interface NotificationsFound {
	readonly notifications: readonly Notification[];
	/** The position that the next page begins before; absent where there is none. */
	readonly next: Position | undefined;
}

interface Found {
	readonly event: StoredEvent;
	readonly outcome: Outcome;
	readonly read: ReadUpTo;
}

/** What listing is done with. */
export interface NotificationsContext {
	readonly storage: UnreadDependencies['storage'];
	readonly events: Events;
	readonly tails: RoomTails;
	readonly unread: Unread;
}

/**
 * Lists what a user was notified of, the newest first: among the newest events of each room. No row is kept of it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#listing-notifications
 */
export async function listNotifications(
	context: NotificationsContext,
	userId: UserId,
	rooms: readonly MembershipRow[],
	{before, limit, onlyHighlights}: NotificationsPage,
): Promise<NotificationsFound> {
	const upto = before === undefined ? context.storage.stream.head() : before - 1;
	const {users: ignored} = await context.events.findUnwanted(userId);
	const joined = rooms.filter(({membership}) => membership === 'join').toSorted((a, b) => b.pos - a.pos);
	const found: Found[] = [];
	for (const {roomId} of joined.slice(0, ROOMS_MAX)) {
		const {events} = await context.tails.get(roomId, upto);
		const read = await context.unread.findRead(userId, roomId);
		const start = await context.events.findJoinPosition(roomId, userId);
		for (const event of events) {
			if (event.row.sender === userId || anchorOf(event) <= start || !isHeard(event, ignored)) continue;
			const outcome = await context.unread.judge(userId, event);
			if (onlyHighlights ? outcome.highlights : outcome.notifies) found.push({event, outcome, read});
		}
	}
	const page = found.toSorted((a, b) => anchorOf(b.event) - anchorOf(a.event)).slice(0, limit);
	// What is not shown of a page is no reason for it to be the last.
	const next = page.length === limit ? page.at(-1) : undefined;
	return {notifications: await renderPage(context, userId, page), next: next && anchorOf(next.event)};
}

async function renderPage(
	context: NotificationsContext,
	userId: UserId,
	page: readonly Found[],
): Promise<Notification[]> {
	const visible = new Set(
		await context.events.filterVisible(
			userId,
			page.map(({event}) => event),
		),
	);
	const shown = page.filter(({event}) => visible.has(event));
	const texts = await context.events.render(
		{userId},
		shown.map(({event}) => event),
		{withoutRelations: true},
	);
	return Promise.all(
		shown.map(async ({event, outcome, read}, index) => {
			const thread = await context.unread.findThread(event);
			const readTo = Math.max(read.all, read.threads.get(thread) ?? 0);
			return {
				event: texts[index]!,
				roomId: event.row.roomId,
				ts: event.row.receivedTs,
				isRead: anchorOf(event) <= readTo,
				actions: outcome.actions,
			};
		}),
	);
}
