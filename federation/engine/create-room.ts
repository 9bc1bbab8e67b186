import {encodeBase64Url, type RoomId, type ServerName} from '../../crypto/index.ts';
import {DuplicateError} from '../../storage/index.ts';
import {checkAuth, type Pdu, roomVersion} from '../rooms/index.ts';
import {buildEvent} from './build-event.ts';
import {Draft, type DraftContext, type Head} from './draft.ts';
import type {CreateRoomRequest, EventTemplate} from './engine.ts';
import {EngineError} from './errors.ts';
import {appendOwn, buildAllowed, keysOf, type SendContext} from './send-event.ts';
import type {StatesAtEvents} from './state-before.ts';

/** Random bytes in a room id of versions 1 to 11. */
const ROOM_ID_BYTES = 18;
/** Events that a new room may begin with; each is small, and all are one commit. */
const FIRST_EVENTS_MAX = 500;

/** Of those who make a room in one millisecond each has a later one; nobody makes so many at once. */
const LATER_MS_MAX = 50;

/** What making a room needs of the engine. */
export type CreateContext = SendContext & DraftContext & {readonly states: StatesAtEvents};

/** A room as it was made. */
interface MadeRoom {
	readonly roomId: RoomId;
	readonly pdus: readonly Pdu[];
	readonly head: Head;
}

/**
 * Makes a room: builds its events one on the other, judges each by the state before it, and commits all of them at once.
 * From version 12 on a room is named by its first event, so two that somebody makes alike in one millisecond would be one:
 * who comes second says that it was a little later.
 * @throws EngineError
 */
export async function createRoom(context: CreateContext, request: CreateRoomRequest): Promise<MadeRoom> {
	for (let laterMs = 0; ; laterMs += 1) {
		try {
			return await makeRoom(context, request, laterMs);
		} catch (error) {
			const isTaken = error instanceof DuplicateError && error.table === 'rooms';
			if (!isTaken || !isIdDerived(request) || laterMs === LATER_MS_MAX) throw error;
		}
	}
}

const isIdDerived = ({version}: CreateRoomRequest): boolean => roomVersion(version).roomIds === 'create-event-hash';

async function makeRoom(context: CreateContext, request: CreateRoomRequest, laterMs: number): Promise<MadeRoom> {
	const [first, ...others] = request.events;
	if (first?.type !== 'm.room.create')
		throw new EngineError('bad_event', 'The first event of a room is its create event');
	if (request.events.length > FIRST_EVENTS_MAX) {
		throw new EngineError('too_large', `A room begins with at most ${FIRST_EVENTS_MAX} events`);
	}
	const ts = (first.originServerTs ?? context.now()) + laterMs;
	const create = buildCreateEvent(context, request, {...first, originServerTs: ts});
	const room = {roomId: create.roomId, version: request.version};
	context.events.noteVersion(room.roomId, room.version);
	await context.storage.ids.reserve(request.events.length * 10);
	const draft = new Draft(context, room.roomId, emptyHead(context, room.roomId));
	draft.addRoom(room.version, create.sender);
	await loadKeys(draft, request, first);
	append(draft, {nid: context.storage.ids.next(), pdu: create}, others.length === 0);
	for (const template of others) {
		await loadKeys(draft, request, template);
		append(draft, buildAllowed(context, room, draft.head, template), true);
	}
	const pdus = draft.announced.map(({pdu}) => pdu);
	request.alsoWrite?.(draft.batch, {roomId: room.roomId, pdus});
	const head = draft.finish();
	await context.storage.commit(draft.batch);
	for (const {pdu, nid} of draft.announced) context.events.note({pdu, nid});
	return {roomId: room.roomId, pdus, head};
}

function append(draft: Draft, event: Parameters<typeof appendOwn>[1], relay: boolean): void {
	appendOwn(draft, event, {relay, threadNotifyCount: 0, redactionOf: undefined});
}

/** Every state on the way must know the entries that its event asks for. */
async function loadKeys(draft: Draft, {version}: CreateRoomRequest, template: EventTemplate): Promise<void> {
	await draft.head.state.load(keysOf(version, template));
}

function buildCreateEvent(context: CreateContext, request: CreateRoomRequest, template: EventTemplate): Pdu {
	const pdu = buildEvent(context, {
		roomId: isIdDerived(request) ? undefined : (request.roomId ?? makeRoomId(context)),
		version: request.version,
		template,
		prevEvents: [],
		authEvents: [],
		depth: 1,
	});
	const verdict = checkAuth(pdu, () => undefined, {verifySignature: context.verifySignature});
	if (!verdict.allowed) throw new EngineError('forbidden', verdict.reason, {rule: verdict.rule});
	return pdu;
}

function makeRoomId({random, serverName}: CreateContext): RoomId {
	return `!${encodeBase64Url(random.bytes(ROOM_ID_BYTES))}:${serverName}` as RoomId;
}

function emptyHead({states}: CreateContext, roomId: RoomId): Head {
	return {
		version: 0,
		extremities: [],
		depth: 0,
		state: states.open(roomId, 0),
		joined: new Map<ServerName, number>(),
		notifyCount: 0,
		ends: new Map(),
		threads: new Map(),
		isPartial: false,
	};
}
