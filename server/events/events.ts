import type {DeviceId, RoomId, UserId} from '../../crypto/index.ts';
import type {Clock, Engine, StoredEvent} from '../../federation/engine/index.ts';
import {redactPdu} from '../../federation/rooms/index.ts';
import type {EventNid, Position, Storage} from '../../storage/index.ts';
import {Aggregates} from './aggregates.ts';
import {type BundlesContext, renderBundles, summarizeThreads, type ThreadSummary} from './bundles.ts';
import {Erasures} from './erasures.ts';
import {type Standing, Standings} from './memberships.ts';
import {openText, type RenderedEvent, RenderedEvents} from './rendered.ts';
import {type Unwanted, UnwantedOfUsers} from './unwanted.ts';
import {VisibilityAt} from './visibility-at.ts';

/** Who looks at events. */
export interface Viewer {
	readonly userId: UserId;
	/** The device that is told the transaction ids of its own events; absent: none is told. */
	readonly deviceId?: DeviceId | undefined;
}

/** In which form events are shown. */
export interface RenderOptions {
	/** For answers that are grouped by room, as `/sync`. */
	readonly withoutRoomId?: boolean | undefined;
	/** Default `client`; `federation` is the event as servers exchange it. */
	readonly format?: 'client' | 'federation' | undefined;
	/** For answers to which the specification gives no `m.relations`, as `/sync` without a gap. */
	readonly withoutRelations?: boolean | undefined;
	/** Events that are shown as if they were redacted. */
	readonly hidden?: ReadonlySet<EventNid> | undefined;
}

/** How deep relations of relations are shown: those of a thread's newest event, and no further. */
const RELATIONS_DEPTH = 2;

/** What the domain is built from. */
export interface EventsDependencies {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly clock: Clock;
}

/** Which events people may see, and what they see of them. */
export interface Events {
	/**
	 * Lists those of the events that a user may see by the rooms' history visibility, in the same order. Rejected,
	 * soft-failed and outlier events are never among them. It does not ask whether the user may look at the room at all.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
	 */
	filterVisible(userId: UserId, events: readonly StoredEvent[]): Promise<StoredEvent[]>;
	/**
	 * Renders events for a viewer, each as JSON text, in the same order: redacted where they were redacted, with
	 * `unsigned` as this viewer may have it, and in it what relates to the event. `arrayText` and `objectText` make answers of them, to be sent with `rawJson`.
	 * @see https://spec.matrix.org/v1.19/client-server-api/#room-event-format
	 */
	render(viewer: Viewer, events: readonly StoredEvent[], options?: RenderOptions): Promise<string[]>;
	/**
	 * Finds those of the events that a user is shown as if they were redacted, because their senders want to be forgotten and
	 * the user was not there for them.
	 */
	findForgotten(userId: UserId, events: readonly StoredEvent[]): Promise<ReadonlySet<EventNid>>;
	/** Renders state as JSON texts, in the same order: the same for all viewers, but for the time. */
	renderState(events: readonly RenderedEvent[], options?: RenderOptions): Promise<string[]>;
	/** Finds events by nid, rendered; damaged ones are left out. */
	findRendered(nids: readonly EventNid[]): Promise<Map<EventNid, RenderedEvent>>;
	/** Finds what a user is to a room, and until when the user was in it. */
	findStanding(roomId: RoomId, userId: UserId): Promise<Standing> | Standing;
	/** Finds where the user's stay in a room began; 0 for who is not in it. */
	findJoinPosition(roomId: RoomId, userId: UserId): Promise<Position>;
	/** Tells whether a user was in a room at a position of the stream. */
	wasJoined(roomId: RoomId, userId: UserId, pos: Position): Promise<boolean>;
	/** Gives what a user does not want to be shown. */
	findUnwanted(userId: UserId): Promise<Unwanted> | Unwanted;
	/**
	 * Says of threads, by their roots and in the same order, what a viewer is told of them; `undefined` where there is
	 * nothing for the viewer in one.
	 */
	summarizeThreads(userId: UserId, roots: readonly StoredEvent[]): Promise<(ThreadSummary | undefined)[]>;
	/** Stops following the stream. */
	close(): void;
}

/** Makes the domain. */
export function createEvents({storage, engine, clock}: EventsDependencies): Events {
	const rendered = new RenderedEvents(storage, engine);
	const standings = new Standings(storage);
	const visibility = new VisibilityAt(storage, engine);
	const aggregates = new Aggregates(storage, engine);
	const unwanted = new UnwantedOfUsers(storage);
	const erasures = new Erasures(storage);
	const close = storage.onCommitted((changes) => {
		rendered.apply(changes);
		standings.apply(changes);
		aggregates.apply(changes);
		unwanted.apply(changes);
		erasures.apply(changes);
	});
	const bundles: BundlesContext = {storage, engine, aggregates, standings, unwanted, filterVisible: filterSeen};

	async function filterSeen(userId: UserId, events: readonly StoredEvent[]): Promise<StoredEvent[]> {
		const visible: StoredEvent[] = [];
		const standingIn = findOnce((roomId) => standings.find(roomId, userId));
		for (const event of events) {
			if (await visibility.maySee(userId, await standingIn(event.row.roomId), event)) visible.push(event);
		}
		return visible;
	}

	async function renderAt(
		viewer: Viewer,
		events: readonly StoredEvent[],
		options: RenderOptions,
		depth: number,
	): Promise<string[]> {
		const forgotten = await findForgotten({erasures, standings, visibility}, viewer.userId, events);
		const hidden = forgotten.size === 0 ? options.hidden : new Set([...forgotten, ...(options.hidden ?? [])]);
		const shown = hide(await rendered.render(events), events, hidden);
		const own = await findOwn({storage, standings, visibility}, viewer, events);
		const open = options.format === 'federation' ? openForeign(events, shown, hidden) : undefined;
		const render = (nested: readonly StoredEvent[], at: number) => renderAt(viewer, nested, options, at);
		const relations = depth > 0 ? await renderBundles(bundles, viewer.userId, events, {depth, render}) : undefined;
		const nowMs = clock.now();
		return shown.map((event, index) => {
			const parts = `${relations?.[index] ?? ''}${own[index]!}`;
			return finishText(event, {own: parts, open: open?.[index], nowMs}, options);
		});
	}

	return {
		async filterVisible(userId, events) {
			// Whoever was just removed from a room by another process must not see on.
			if (storage.dialect === 'postgres') await storage.barrier();
			return filterSeen(userId, events);
		},
		close,
		render: (viewer, events, options = {}) =>
			renderAt(viewer, events, options, options.withoutRelations ? 0 : RELATIONS_DEPTH),
		findForgotten: (userId, events) => findForgotten({erasures, standings, visibility}, userId, events),
		findUnwanted: (userId) => unwanted.of(userId),
		summarizeThreads: (userId, roots) => summarizeThreads(bundles, userId, roots),
		async renderState(events, options = {}) {
			const nowMs = clock.now();
			if (options.format !== 'federation') {
				return events.map((event) => finishText(event, {own: '', open: undefined, nowMs}, options));
			}
			const stored = await engine.findEvents(events.map(({eventId}) => eventId));
			const shown = await rendered.render(stored);
			const open = openForeign(stored, shown);
			return shown.map((event, index) => finishText(event, {own: '', open: open[index], nowMs}, options));
		},
		findRendered: (nids) => rendered.find(nids),
		findJoinPosition: (roomId, userId) => standings.findJoinPosition(roomId, userId),
		wasJoined: (roomId, userId, pos) => standings.wasJoined(roomId, userId, pos),
		findStanding: (roomId, userId) => standings.find(roomId, userId),
	};
}

/** Shows some events as if they were redacted. */
function hide(
	shown: readonly RenderedEvent[],
	events: readonly StoredEvent[],
	hidden: ReadonlySet<EventNid> | undefined,
): readonly RenderedEvent[] {
	if (hidden === undefined || hidden.size === 0) return shown;
	return shown.map((event, index) =>
		hidden.has(event.nid) ? {...event, open: openText(redactPdu(events[index]!.pdu)), unsigned: ''} : event,
	);
}

interface Finish {
	/** Parts of `unsigned` for this viewer, each followed by a comma. */
	readonly own: string;
	/** Another beginning than the client's form. */
	readonly open: string | undefined;
	readonly nowMs: number;
}

/** Completes the text of an event. Its age is by the sender's clock, as far as that can be. */
function finishText(event: RenderedEvent, {own, open, nowMs}: Finish, {withoutRoomId}: RenderOptions): string {
	const {originServerTs, redactedBecause, unsigned} = event;
	const age = Number.isFinite(originServerTs) ? Math.max(0, nowMs - originServerTs) : 0;
	const room = withoutRoomId ? '' : `,"room_id":${JSON.stringify(event.roomId)}`;
	const because = redactedBecause === undefined ? '' : `"redacted_because":${redactedBecause}${room}},`;
	const start = open ?? event.open + room;
	return `${start},"unsigned":{${unsigned}${because}${own}"age":${age}}}`;
}

interface ForgottenContext {
	readonly erasures: Erasures;
	readonly standings: Standings;
	readonly visibility: VisibilityAt;
}

/**
 * Finds the events of people who want to be forgotten that a viewer was not there for: neither in the room when the event
 * came, nor since before its sender was gone.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3accountdeactivate
 */
async function findForgotten(
	{erasures, standings, visibility}: ForgottenContext,
	userId: UserId,
	events: readonly StoredEvent[],
): Promise<ReadonlySet<EventNid>> {
	const forgotten = new Set<EventNid>();
	const erased = await erasures.find();
	if (erased.size === 0) return forgotten;
	for (const event of events) {
		const {nid, roomId, sender} = event.row;
		const erasedPos = erased.get(sender);
		if (erasedPos === undefined) continue;
		const since = await standings.findJoinPosition(roomId, userId);
		const wasThere = since > 0 && since <= erasedPos;
		if (!wasThere && (await visibility.findMembershipAt(userId, event)) !== 'join') forgotten.add(nid);
	}
	return forgotten;
}

interface OwnContext {
	readonly storage: Storage;
	readonly standings: Standings;
	readonly visibility: VisibilityAt;
}

/** Finds the parts of `unsigned` that only this viewer is told, each followed by a comma. */
async function findOwn(
	{storage, standings, visibility}: OwnContext,
	{userId, deviceId}: Viewer,
	events: readonly StoredEvent[],
): Promise<string[]> {
	const own = deviceId === undefined ? [] : events.filter(({row}) => row.sender === userId);
	const transactions =
		deviceId === undefined || own.length === 0
			? undefined
			: await storage.clientTransactions.findOfEvents(
					userId,
					deviceId,
					own.map(({row}) => row.eventId),
				);
	const standingIn = findOnce((roomId) => standings.find(roomId, userId));
	const texts: string[] = [];
	for (const event of events) {
		const {row} = await standingIn(event.row.roomId);
		const isSinceJoin = row?.membership === 'join' && (event.row.anchor ?? 0) > row.pos;
		const membership = isSinceJoin ? 'join' : await visibility.findMembershipAt(userId, event);
		const transactionId = transactions?.get(event.row.eventId);
		texts.push(
			(membership === undefined ? '' : `"membership":"${membership}",`) +
				(transactionId === undefined ? '' : `"transaction_id":${JSON.stringify(transactionId)},`),
		);
	}
	return texts;
}

/** Keeps the last answer: the events of a page are nearly always of one room. */
function findOnce(
	find: (roomId: RoomId) => Promise<Standing> | Standing,
): (roomId: RoomId) => Promise<Standing> | Standing {
	let last: {readonly roomId: RoomId; readonly standing: Promise<Standing> | Standing} | undefined;
	return (roomId) => {
		if (last?.roomId !== roomId) last = {roomId, standing: find(roomId)};
		return last.standing;
	};
}

/** The federation format of events, up to but without the closing brace. */
function openForeign(
	events: readonly StoredEvent[],
	shown: readonly RenderedEvent[],
	hidden?: ReadonlySet<EventNid>,
): string[] {
	return events.map(({pdu}, index) => {
		const {nid, redactedBy} = shown[index]!;
		const isWhole = redactedBy === null && hidden?.has(nid) !== true;
		return JSON.stringify((isWhole ? pdu : redactPdu(pdu)).json).slice(0, -1);
	});
}
