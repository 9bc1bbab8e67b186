import {breathe, domainOf, type EventId, type UserId} from '../../crypto/index.ts';
import {checkAuth, membershipOf, type Pdu, stateOf} from '../rooms/index.ts';
import {Draft, type Head} from './draft.ts';
import type {ImportRoomRequest, SentEvent} from './engine.ts';
import {EngineError} from './errors.ts';
import {type JudgedOutlier, judgeOutliers, writeOutliers} from './outliers.ts';
import {keysOfPdu, type ReceiveContext} from './receive-event.ts';
import {loadHead} from './read-head.ts';
import type {ActorContext} from './room-actor.ts';
import {resolveStates} from './resolve-states.ts';
import type {RoomState} from './room-state.ts';
import type {KnownEvent} from './stored-events.ts';

/** Events that a resident server may give us for one join (C13). */
const IMPORTED_EVENTS_MAX = 200_000;

/** What importing needs of the engine. */
export type ImportContext = ReceiveContext & ActorContext;

/**
 * Takes over a room from a resident server's answer: its events become outliers, judged by their auth events; those that
 * are allowed make the state; our join is the first event with a place in the timeline. Signatures have been checked.
 * @see https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
 */
export async function importRoom(
	context: ImportContext,
	request: ImportRoomRequest,
): Promise<{sent: SentEvent; head: Head}> {
	const {roomId, version, join, state, authChain} = request;
	if (state.length + authChain.length > IMPORTED_EVENTS_MAX) throw badResponse('it holds too many events');
	const foreign = [...state, ...authChain, join].find((pdu) => pdu.roomId !== roomId || pdu.roomVersion !== version);
	if (foreign) throw badResponse('it holds an event of another room');
	// Nothing is written before the join is known to be allowed: a room that was refused leaves nothing behind (C13).
	const judged = await judgeOutliers(context, [...authChain, ...state]);
	await checkJoin(context, request, judged);
	context.events.noteVersion(roomId, version);
	await addRoom(context, request);
	await writeOutliers(context, judged);
	const entries = await usableState(context, state);
	const before = await context.states.build(roomId, entries);
	await before.loadForChange(keysOfPdu(join));
	return writeJoin(context, request, entries, before);
}

/** Judges our join by what the answer says of the state before it. @throws EngineError('bad_response' | 'forbidden') */
async function checkJoin(
	context: ImportContext,
	{join, state, authChain, withoutMembers}: ImportRoomRequest,
	judged: readonly JudgedOutlier[],
): Promise<void> {
	const news = new Map(judged.map(({pdu, verdict}) => [pdu.eventId, verdict.allowed]));
	const told = [...authChain, ...state];
	const wanted = [...told.map(({eventId}) => eventId), ...join.authEvents];
	const marks = await context.storage.events.findMarks(wanted);
	const isUsable = ({eventId, stateKey}: Pdu): boolean =>
		stateKey !== undefined && (news.get(eventId) ?? marks.get(eventId)?.rejected === null);
	const known = stateOf(state.filter(isUsable));
	// Where members are left out, those whom the join itself names stand in.
	const named = stateOf(withoutMembers ? (await listNamed(context, join, told)).filter(isUsable) : []);
	const lookup: typeof known = (type, stateKey) => known(type, stateKey) ?? named(type, stateKey);
	const createEvent = lookup('m.room.create', '');
	if (!createEvent) throw badResponse('it lacks the create event');
	const {verifySignature} = context;
	const verdict = checkAuth(join, lookup, {createEvent, verifySignature});
	if (!verdict.allowed) throw new EngineError('forbidden', verdict.reason, {rule: verdict.rule});
}

/** Lists the members among the auth events of an event, as they are told now or known here. */
async function listNamed({events}: ImportContext, {authEvents}: Pdu, told: readonly Pdu[]): Promise<Pdu[]> {
	const here = [...(await events.findPdus(authEvents)).values()].map(({pdu}) => pdu);
	return [...told, ...here].filter(({type, eventId}) => type === 'm.room.member' && authEvents.includes(eventId));
}

async function addRoom({storage}: ImportContext, {roomId, version}: ImportRoomRequest): Promise<void> {
	const room = await storage.rooms.find(roomId);
	if (room && (room.headRoot !== null || room.version === version)) return;
	const batch = storage.batch();
	// Of a room that was blocked before anybody here had heard of it the version is not known.
	if (room) storage.rooms.setVersion(batch, roomId, version);
	else storage.rooms.add(batch, {roomId, version, creator: null});
	await storage.commit(batch);
}

/** The state's events that are here and not rejected. */
async function usableState({events, storage}: ImportContext, state: readonly Pdu[]): Promise<KnownEvent[]> {
	const ids = state.map(({eventId}) => eventId);
	const [known, marks] = await Promise.all([events.findPdus(ids), storage.events.findMarks(ids)]);
	return [...known.values()].filter(({pdu}) => pdu.stateKey !== undefined && marks.get(pdu.eventId)?.rejected === null);
}

async function writeJoin(
	context: ImportContext,
	request: ImportRoomRequest,
	entries: readonly KnownEvent[],
	before: Head['state'],
): Promise<{sent: SentEvent; head: Head}> {
	const {roomId, join, alsoWrite} = request;
	const {storage} = context;
	const room = await storage.rooms.find(roomId);
	const old = await loadHead(context, roomId);
	const stored = (await storage.events.findMarks([join.eventId])).get(join.eventId);
	const event: KnownEvent = {nid: stored?.nid ?? storage.ids.next(), pdu: join};
	await storage.ids.reserve(64);
	const draft = new Draft(context, roomId, {
		version: room?.headVersion ?? 0,
		extremities: room?.extremities ?? [],
		depth: join.depth,
		state: before,
		joined: old?.joined ?? new Map(),
		notifyCount: old?.notifyCount ?? 0,
		ends: new Map(),
		threads: new Map(),
		isPartial: request.withoutMembers !== undefined,
	});
	const stale = old ? await old.state.listEvents() : [];
	const departures = findDepartures(context, {event, entries, stale});
	const after = before.after(event);
	const pos = draft.installBy(event, {
		entries,
		stale,
		after,
		...(await stateWith(context, request, {after, event, departures})),
		replaces: stored !== undefined,
		missing: await listMissing(context, join.prevEvents),
		servers: request.withoutMembers?.servers ?? [],
	});
	alsoWrite?.(draft.batch, {roomId, pdus: [join]});
	// A large state takes some time in each of these.
	await breathe();
	const head = draft.finish();
	await breathe();
	await storage.commit(draft.batch);
	context.events.note(event);
	return {sent: {eventId: join.eventId, pdu: join, pos: pos.value}, head};
}

/**
 * Finds leaves of our people that the resident server had not heard of when it let somebody in: by its state they are in
 * the room, by an event that theirs names. Such a leave is an end of the graph beside the join, and stays one.
 */
function findDepartures(
	{serverName}: ImportContext,
	known: {readonly event: KnownEvent; readonly entries: readonly KnownEvent[]; readonly stale: readonly KnownEvent[]},
): KnownEvent[] {
	const given = new Map(known.entries.map(({pdu}) => [`${pdu.type} ${pdu.stateKey}`, pdu.eventId]));
	return known.stale.filter(({pdu}) => {
		if (pdu.type !== 'm.room.member' || membershipOf(pdu) === 'join') return false;
		if (pdu.stateKey === known.event.pdu.stateKey || domainOf(pdu.stateKey as UserId) !== serverName) return false;
		const before = given.get(`${pdu.type} ${pdu.stateKey}`);
		return before !== undefined && before !== pdu.eventId && pdu.authEvents.includes(before);
	});
}

/** Resolves the state after the join with those after events beside it. */
async function stateWith(
	context: ImportContext,
	room: ImportRoomRequest,
	ends: {readonly after: RoomState; readonly event: KnownEvent; readonly departures: readonly KnownEvent[]},
) {
	const {after, event, departures} = ends;
	const beside = departures.map(({pdu}) => pdu.eventId);
	const marks = await context.storage.events.findMarks(beside);
	const others = await Promise.all([...marks.values()].map((mark) => context.states.findAfter(mark)));
	const resolved = await resolveStates(context, room, [after, ...others.filter((state) => state !== undefined)]);
	const differences = await resolved.differenceFrom(after, [event]);
	return {beside, state: resolved, changes: differences};
}

async function listMissing({storage}: ImportContext, eventIds: readonly EventId[]): Promise<EventId[]> {
	const marks = await storage.events.findMarks(eventIds);
	return eventIds.filter((eventId) => marks.get(eventId)?.outlier !== false);
}

function badResponse(what: string): EngineError {
	return new EngineError('bad_response', `The answer of the resident server cannot be used: ${what}`);
}
