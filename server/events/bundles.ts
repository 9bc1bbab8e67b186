import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import type {Engine, StoredEvent} from '../../federation/engine/index.ts';
import {historyVisibilityOf} from '../../federation/rooms/index.ts';
import type {ChildRow, Storage} from '../../storage/index.ts';
import type {Aggregate, Aggregates} from './aggregates.ts';
import {objectText} from './json-text.ts';
import type {Standings} from './memberships.ts';
import type {UnwantedOfUsers} from './unwanted.ts';

/** Events of a thread that are looked at one by one, for a viewer who may not see all of them. */
const REPLIES_MAX = 1_000;

/** What a viewer is told of a thread. */
export interface ThreadSummary {
	/** The newest event that the viewer may see, of somebody whom the viewer does not ignore. */
	readonly latest: StoredEvent;
	readonly count: number;
	readonly hasParticipated: boolean;
}

/** What of an event's relations one viewer is shown. */
interface Bundle {
	readonly edit: StoredEvent | undefined;
	readonly thread: ThreadSummary | undefined;
	readonly references: readonly EventId[];
}

/** What bundling is done with. */
export interface BundlesContext {
	readonly storage: Storage;
	readonly engine: Engine;
	readonly aggregates: Aggregates;
	readonly standings: Standings;
	readonly unwanted: UnwantedOfUsers;
	readonly filterVisible: (userId: UserId, events: readonly StoredEvent[]) => Promise<StoredEvent[]>;
}

/** Renders events that stand within another one's relations; `depth` says whether their own relations are wanted. */
type RenderNested = (events: readonly StoredEvent[], depth: number) => Promise<string[]>;

/**
 * Renders what relates to events, as the key `m.relations` of `unsigned` with a comma behind it, and empty where nothing
 * does: what the viewer may see, of people whom the viewer does not ignore.
 * @see https://spec.matrix.org/v1.19/client-server-api/#aggregations-of-child-events
 */
export async function renderBundles(
	context: BundlesContext,
	userId: UserId,
	events: readonly StoredEvent[],
	{depth, render}: {readonly depth: number; readonly render: RenderNested},
): Promise<string[] | undefined> {
	const aggregates = await context.aggregates.find(events);
	if (aggregates.size === 0) return undefined;
	const bundles = await Promise.all(
		events.map((event) => {
			const aggregate = aggregates.get(event.row.eventId);
			return Promise.resolve(aggregate && chooseBundle(context, userId, event, aggregate));
		}),
	);
	const edits = await renderSome(
		bundles,
		(bundle) => bundle?.edit,
		(some) => render(some, 0),
	);
	// A thread's event begins no thread, so this ends.
	const replies = await renderSome(
		bundles,
		(bundle) => bundle?.thread?.latest,
		(some) => render(some, depth - 1),
	);
	return bundles.map((bundle, index) => textOf(bundle, edits[index], replies[index]));
}

/** Says of threads, by their roots, what a viewer is told; `undefined` where there is nothing for the viewer in one. */
export async function summarizeThreads(
	context: BundlesContext,
	userId: UserId,
	roots: readonly StoredEvent[],
): Promise<(ThreadSummary | undefined)[]> {
	const aggregates = await context.aggregates.find(roots);
	const {users: ignored} = await context.unwanted.of(userId);
	return Promise.all(
		roots.map((root) => {
			const aggregate = aggregates.get(root.row.eventId);
			return Promise.resolve(aggregate && summarize(context, {userId, ignored}, root, aggregate));
		}),
	);
}

interface Looker {
	readonly userId: UserId;
	readonly ignored: ReadonlySet<string>;
}

async function chooseBundle(
	context: BundlesContext,
	userId: UserId,
	event: StoredEvent,
	{edits, ...aggregate}: Aggregate,
): Promise<Bundle> {
	const {users: ignored} = await context.unwanted.of(userId);
	const looker = {userId, ignored};
	// What is redacted is not brought back by what it was changed to.
	const mayEdit = event.row.redactedBy === null && !ignored.has(event.pdu.sender) && edits.length > 0;
	const [edit] = mayEdit ? await context.filterVisible(userId, edits) : [];
	return {
		edit,
		thread: await summarize(context, looker, event, aggregate),
		references: (await listVisible(context, looker, event.row.roomId, aggregate.references)).map(
			({eventId}) => eventId,
		),
	};
}

/** Leaves out what the viewer may not see or does not want to. What came while the viewer was in is not looked at. */
async function listVisible(
	{storage, engine, standings, filterVisible}: BundlesContext,
	{userId, ignored}: Looker,
	roomId: RoomId,
	children: readonly ChildRow[],
): Promise<ChildRow[]> {
	const wanted = children.filter(({sender}) => !ignored.has(sender));
	if (wanted.length === 0) return [];
	const since = await standings.findJoinPosition(roomId, userId);
	const isSeen = ({anchor}: ChildRow): boolean => since > 0 && anchor > since;
	const others = wanted.filter((child) => !isSeen(child)).map(({nid}) => nid);
	const rows = others.length === 0 ? undefined : await storage.events.findByNids(others);
	const visible = rows ? await filterVisible(userId, await engine.readRows([...rows.values()])) : [];
	const seen = new Set(visible.map(({row}) => row.nid));
	return wanted.filter((child) => isSeen(child) || seen.has(child.nid));
}

async function summarize(
	context: BundlesContext,
	looker: Looker,
	root: StoredEvent,
	{replies, repliers}: Pick<Aggregate, 'replies' | 'repliers'>,
): Promise<ThreadSummary | undefined> {
	if (replies.length === 0) return undefined;
	const {userId, ignored} = looker;
	const [latest] = (await seesAll(context, userId, root))
		? await listVisible(context, looker, root.row.roomId, replies)
		: [];
	const row = latest && (await context.storage.events.findByNid(latest.nid));
	const [event] = row ? await context.engine.readRows([row]) : [];
	if (!event) return summarizeByLooking(context, looker, root);
	let count = 0;
	for (const [sender, sent] of repliers) if (!ignored.has(sender)) count += sent;
	return {latest: event, count, hasParticipated: root.pdu.sender === userId || repliers.has(userId)};
}

/** Whether a viewer of a thread's root sees all that came into the thread: who is in the room, unless history is closed. */
async function seesAll({standings, engine}: BundlesContext, userId: UserId, {row}: StoredEvent): Promise<boolean> {
	const {roomId, anchor} = row;
	const since = await standings.findJoinPosition(roomId, userId);
	if (since === 0) return false;
	if ((anchor ?? 0) > since) return true;
	const room = await engine.findRoom(roomId);
	const visibility = historyVisibilityOf(await room?.findState('m.room.history_visibility', ''));
	return visibility === 'shared' || visibility === 'world_readable';
}

async function summarizeByLooking(
	{storage, engine, filterVisible}: BundlesContext,
	{userId, ignored}: Looker,
	root: StoredEvent,
): Promise<ThreadSummary | undefined> {
	const {roomId, eventId} = root.row;
	const rows = await storage.events.listRelations({
		roomId,
		eventId,
		relType: 'm.thread',
		direction: 'backwards',
		limit: REPLIES_MAX,
	});
	const wanted = rows.filter(({sender}) => !ignored.has(sender));
	const visible = await filterVisible(userId, await engine.readRows(wanted));
	const [latest] = visible;
	const hasParticipated = [root, ...visible].some(({pdu}) => pdu.sender === userId);
	return latest && {latest, count: visible.length, hasParticipated};
}

/** Renders some of a list's things at once; the others have no text. */
async function renderSome<Thing>(
	things: readonly Thing[],
	pick: (thing: Thing) => StoredEvent | undefined,
	render: (events: readonly StoredEvent[]) => Promise<string[]>,
): Promise<(string | undefined)[]> {
	const picked = things.map(pick);
	const some = picked.filter((event) => event !== undefined);
	const texts = some.length === 0 ? [] : await render(some);
	let next = 0;
	return picked.map((event) => event && texts[next++]);
}

function textOf(bundle: Bundle | undefined, edit: string | undefined, latest: string | undefined): string {
	if (!bundle) return '';
	const {thread, references} = bundle;
	const text = objectText({
		'm.replace': edit,
		'm.thread':
			thread &&
			objectText({
				latest_event: latest,
				count: String(thread.count),
				current_user_participated: String(thread.hasParticipated),
			}),
		'm.reference':
			references.length === 0 ? undefined : JSON.stringify({chunk: references.map((eventId) => ({event_id: eventId}))}),
	});
	return text === '{}' ? '' : `"m.relations":${text},`;
}
