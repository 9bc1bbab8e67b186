import {breathe, type EventId, type RoomId, Semaphore, type ServerName, type Signer} from '../../crypto/index.ts';
import {type ClientTransactionKey, type EventRow, type Storage, StorageError} from '../../storage/index.ts';
import {type Pdu, signPdu, type VerifySignature} from '../rooms/index.ts';
import {backfill} from './backfill.ts';
import {buildEvent} from './build-event.ts';
import {CompleteRoom, type Entry, fetchEarlier, fetchMembers, findEntry} from './complete-room.ts';
import {createRoom} from './create-room.ts';
import type {
	Engine,
	ImportRoomRequest,
	RemoteEvents,
	SendRequest,
	SentEvent,
	SignatureChecker,
	StoredEvent,
} from './engine.ts';
import {EngineError} from './errors.ts';
import {within} from './pause.ts';
import {fetchByTime, type TimeQuery} from './fetch-by-time.ts';
import {importRoom} from './import-room.ts';
import {setOutsideMembership} from './outside-membership.ts';
import {mustBeRecommended, type PolicyServers} from './recommend.ts';
import {Receiver} from './receiver.ts';
import type {RoomActor} from './room-actor.ts';
import {Resolving} from './resolving.ts';
import {RoomActors} from './room-actors.ts';
import {CommittedView} from './room-view.ts';
import type {Clock, Random} from './seams.ts';
import {findSent, SendEvent} from './send-event.ts';
import {waitForState} from './wait-for-state.ts';
import {StatesAtEvents} from './state-before.ts';
import {StoredEvents} from './stored-events.ts';

/** Events of an auth chain that are followed at most (C11). */
const AUTH_CHAIN_MAX = 100_000;
/** Servers that are asked who was in a room that we left without knowing: somebody waits to enter meanwhile. */
const PAST_SERVERS_MAX = 3;
/** How long each of them may take. */
const PAST_MS_MAX = 15_000;
/** Layers of one that are read before others get their turn: a chain may be one long line. */
const AUTH_LAYERS_AT_ONCE = 50;

/** Auth chains that are read at once, and that may wait for it. */
const AUTH_WALKS = {permits: 4, waitingMax: 1_000, retryAfterMs: 1_000} as const;

/** What an engine is made of. */
export interface EngineOptions {
	readonly storage: Storage;
	readonly serverName: ServerName;
	readonly signer: Signer;
	readonly clock: Clock;
	readonly random: Random;
	readonly remote: RemoteEvents;
	readonly signatures: SignatureChecker;
	/** Absent: no policy server is asked. */
	readonly policyServers?: PolicyServers | undefined;
	/** Checks the signatures of third-party invites. */
	readonly verifySignature: VerifySignature;
	/** Whether an event notifies by the default push rules. */
	readonly notifies: (pdu: Pdu) => boolean;
	/** Told of a stored event that cannot be read back; it costs that event only. */
	readonly onDamage: (eventId: EventId, cause: unknown) => void;
	/** Told of a room whose state is kept as it is for a while, because working it out would take too much (C11). */
	readonly onStrain?: ((roomId: RoomId) => void) | undefined;
	/** What one resolution of states may take, in units of work; absent: one to two seconds. */
	readonly resolutionUnitsMax?: number | undefined;
}

/** Makes the engine of a server. */
export function createEngine(options: EngineOptions): Engine {
	return new RoomEngine(options);
}

class RoomEngine implements Engine {
	readonly #context;
	readonly #actors: RoomActors;
	readonly #receiver: Receiver;
	readonly #pending = new Map<string, Promise<SentEvent>>();
	/** Whoever asks for long auth chains again and again waits for them; others get their turn in between. */
	readonly #walks = new Semaphore(AUTH_WALKS);

	constructor(options: EngineOptions) {
		const {storage, verifySignature, clock} = options;
		const events = new StoredEvents(storage, options.onDamage);
		const {onStrain, resolutionUnitsMax: unitsMax} = options;
		const resolving = new Resolving({events, clock, unitsMax, onStrain});
		const states = new StatesAtEvents({storage, events, verifySignature, resolving});
		this.#context = {...options, events, states, resolving, now: () => clock.now()};
		this.#actors = new RoomActors(this.#context);
		this.#receiver = new Receiver(this.#context, (roomId) => this.#actors.find(roomId));
	}

	async #mustActivate(roomId: RoomId): Promise<RoomActor> {
		const actor = await this.#actors.find(roomId);
		if (!actor) throw new EngineError('not_in_room', 'This server is not in the room');
		return actor;
	}

	async findRoom(roomId: RoomId): Promise<CommittedView | undefined> {
		const actor = await this.#actors.find(roomId);
		return actor && new CommittedView(this.#context, actor);
	}

	send(request: SendRequest): Promise<SentEvent> {
		if (!request.transaction) return this.#send(request);
		// A repetition that comes while the first is on its way joins it.
		const key = pendingKey(request.transaction);
		const pending = this.#pending.get(key);
		if (pending) return pending;
		const sending = this.#sendOnce(request, request.transaction).finally(() => this.#pending.delete(key));
		this.#pending.set(key, sending);
		return sending;
	}

	async #sendOnce(request: SendRequest, transaction: ClientTransactionKey): Promise<SentEvent> {
		const done = await this.#context.storage.clientTransactions.find(transaction);
		const eventId = (done?.answer as {event_id?: EventId} | undefined)?.event_id;
		const sent = eventId && (await findSent(this.#context.events, eventId));
		return sent ?? this.#send(request);
	}

	async #send(request: SendRequest): Promise<SentEvent> {
		const actor = await this.#mustActivate(request.roomId);
		return actor.submit(new SendEvent(this.#context, actor.version, request));
	}

	async createRoom(request: Parameters<Engine['createRoom']>[0]): ReturnType<Engine['createRoom']> {
		const {roomId, pdus, head} = await createRoom(this.#context, request);
		this.#actors.add(roomId, request.version, head);
		return {roomId, pdus};
	}

	checkAhead(request: Parameters<Engine['checkAhead']>[0]): void {
		this.#receiver.checkAhead(request);
	}

	receive(request: Parameters<Engine['receive']>[0]): ReturnType<Engine['receive']> {
		return this.#receiver.receive(request);
	}

	importRoom(request: Parameters<Engine['importRoom']>[0]): Promise<SentEvent> {
		return this.#receiver.inOrder(request.roomId, async () => {
			const actor = await this.#actors.find(request.roomId);
			// Somebody else of this server entered while the answer was on its way: the room goes on from where it is.
			if (actor && new CommittedView(this.#context, actor).isServerJoined(this.#context.serverName)) {
				return this.#receiver.receiveJoin({...request, actor}, request);
			}
			if (actor?.committed.isPartial) await this.#completePast(actor, request);
			const {sent} = await importRoom(this.#context, request);
			this.#actors.forget(request.roomId);
			return sent;
		});
	}

	/**
	 * Learns who was in a room when we entered it last, where we left without knowing: what others have built on our events
	 * of then is judged by their states. Asks the server that lets us in again and, where that has not heard of our last
	 * entry, others of the room. Where none of them tells, the states at those events stay unknown.
	 */
	async #completePast(actor: RoomActor, request: ImportRoomRequest): Promise<void> {
		const {roomId, version, origin} = request;
		const eventId = await findEntry(this.#context, {roomId, version}, actor.committed.extremities);
		if (eventId === undefined) return;
		const {serverName, storage} = this.#context;
		const others = request.withoutMembers?.servers ?? (await storage.memberships.listServers(roomId));
		const servers = new Set([origin, ...others].filter((server) => server !== serverName));
		for (const server of [...servers].slice(0, PAST_SERVERS_MAX)) {
			try {
				await this.#complete(actor, {eventId, server}, PAST_MS_MAX);
				return;
			} catch (error) {
				if (error instanceof StorageError) throw error;
			}
		}
	}

	async completeRoom(...[roomId, entry]: Parameters<Engine['completeRoom']>): Promise<void> {
		const actor = await this.#actors.find(roomId);
		if (actor?.committed.isPartial) await this.#complete(actor, entry);
	}

	async #complete(actor: RoomActor, entry: Entry, timeoutMs?: number): Promise<void> {
		const {roomId, version} = actor;
		const room = {roomId, version};
		const fetching = fetchMembers(this.#context, room, entry);
		const before = await (timeoutMs === undefined ? fetching : within(this.#context.clock, timeoutMs, fetching));
		const asking = fetchEarlier(this.#context, room, entry, actor.committed.extremities);
		const earlier = await (timeoutMs === undefined ? asking : within(this.#context.clock, timeoutMs, asking));
		await actor.submit(new CompleteRoom(this.#context, room, {eventId: entry.eventId, before, earlier}));
		this.#context.states.forget();
	}

	async waitUntilComplete(roomId: RoomId, timeoutMs: number): Promise<boolean> {
		const isComplete = async (): Promise<boolean> => (await this.#actors.find(roomId))?.committed.isPartial !== true;
		return waitForState(this.#context, {roomId, timeoutMs}, isComplete);
	}

	setOutsideMembership(request: Parameters<Engine['setOutsideMembership']>[0]): Promise<void> {
		return this.#receiver.inOrder(request.pdu.roomId, () => setOutsideMembership(this.#context, request));
	}

	async makeProto(...[roomId, event]: Parameters<Engine['makeProto']>): ReturnType<Engine['makeProto']> {
		const view = await this.findRoom(roomId);
		if (!view) throw new EngineError('not_in_room', 'This server is not in the room');
		return view.makeProto(event);
	}

	signFromProto(proto: Parameters<Engine['signFromProto']>[0]): Pdu {
		return buildEvent(this.#context, {...proto, template: proto.event});
	}

	countersign(pdu: Pdu): Pdu {
		return signPdu(pdu, this.#context.serverName, this.#context.signer);
	}

	async recommend(pdu: Pdu): Promise<Pdu> {
		const actor = await this.#mustActivate(pdu.roomId);
		return mustBeRecommended(this.#context, actor.committed, pdu);
	}

	findEvent(eventId: EventId): Promise<StoredEvent | undefined> {
		return this.#context.events.find(eventId);
	}

	async findEvents(eventIds: readonly EventId[]): Promise<StoredEvent[]> {
		const found = await this.#context.events.findMany(eventIds);
		return eventIds.map((eventId) => found.get(eventId)).filter((event) => event !== undefined);
	}

	readRows(rows: readonly EventRow[]): Promise<StoredEvent[]> {
		return this.#context.events.read(rows);
	}

	async listStateBefore(...[eventId, isWanted]: Parameters<Engine['listStateBefore']>): Promise<Pdu[] | undefined> {
		const mark = (await this.#context.storage.events.findMarks([eventId])).get(eventId);
		if (!mark || mark.stateBefore === null) return undefined;
		const events = await this.#context.states.open(mark.roomId, mark.stateBefore).listEvents(isWanted);
		return events.map(({pdu}) => pdu);
	}

	async findStatesAt({pdu, row}: StoredEvent, keys: Parameters<Engine['findStatesAt']>[1]): Promise<Pdu[] | undefined> {
		if (row.stateBefore === null) return undefined;
		const state = this.#context.states.open(row.roomId, row.stateBefore);
		await state.load(keys);
		const found = keys.map(({type, stateKey}) =>
			pdu.type === type && pdu.stateKey === stateKey && row.rejected === null ? pdu : state.lookup(type, stateKey),
		);
		return found.filter((event) => event !== undefined);
	}

	listAuthChain(eventIds: readonly EventId[]): Promise<Pdu[]> {
		return this.#walks.run(() => this.#listAuthChain(eventIds));
	}

	async #listAuthChain(eventIds: readonly EventId[]): Promise<Pdu[]> {
		const chain = new Map<EventId, Pdu>();
		const start = await this.#context.events.findPdus(eventIds);
		let wanted = [...new Set([...start.values()].flatMap(({pdu}) => pdu.authEvents))];
		let layers = 0;
		while (wanted.length > 0 && chain.size < AUTH_CHAIN_MAX) {
			layers += 1;
			if (layers % AUTH_LAYERS_AT_ONCE === 0) await breathe();
			const layer = await this.#context.events.findPdus(wanted);
			for (const [eventId, {pdu}] of layer) chain.set(eventId, pdu);
			const next = new Set([...layer.values()].flatMap(({pdu}) => pdu.authEvents));
			wanted = [...next].filter((eventId) => !chain.has(eventId));
		}
		return [...chain.values()];
	}

	async backfill(...[roomId, from, limit]: Parameters<Engine['backfill']>): Promise<boolean> {
		const actor = await this.#actors.find(roomId);
		if (!actor) return false;
		const room = {roomId, version: actor.version};
		const {serverName} = this.#context;
		return this.#receiver.inOrder(roomId, () => backfill(this.#context, room, from, {limit, serverName}));
	}

	fetchByTime(roomId: RoomId, query: TimeQuery): Promise<boolean> {
		const end = {anchor: Number.MAX_SAFE_INTEGER, minor: 0};
		const fetchPage = (limit: number): Promise<boolean> => this.backfill(roomId, end, limit);
		return fetchByTime({...this.#context, fetchPage}, roomId, query);
	}
}

function pendingKey({userId, deviceId, method, endpoint, roomId, txnId}: ClientTransactionKey): string {
	return JSON.stringify([userId, deviceId, method, endpoint, roomId, txnId]);
}
