import {
	domainOf,
	type EventId,
	generateSigningKey,
	type JsonObject,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import {
	type Engine,
	EngineError,
	type EngineOptions,
	type ImportRoomRequest,
	type Reception,
	type RemoteEvents,
} from '../../federation/engine/index.ts';
import {type Pdu, parsePdu, type RoomVersionId, toFederationEvent} from '../../federation/rooms/index.ts';
import type {Storage} from '../../storage/index.ts';
import {makeEngine, type TestEngine} from './engine.ts';

/** Engines that answer each other's questions directly: rooms across servers, without the transport. */
export class EngineNetwork implements AsyncDisposable {
	readonly #homes = new Map<ServerName, TestEngine>();
	/** Servers that cannot be reached just now. */
	readonly down = new Set<ServerName>();
	/** Questions that were asked, by name. */
	readonly asked: string[] = [];
	/** What servers answer instead of the truth. */
	readonly lies: {-readonly [Question in keyof RemoteEvents]?: RemoteEvents[Question]} = {};

	/** Adds a server; `wrap` stands between its engine and its database, `parts` replaces parts of its engine. */
	async add(
		serverName: string,
		wrap?: (storage: Storage) => Storage,
		parts: Partial<EngineOptions> = {},
	): Promise<TestEngine> {
		const over = {remote: this.#remote(), signer: generateSigningKey(), ...parts};
		const home = await makeEngine(serverName, {over, ...(wrap && {wrap})});
		this.#homes.set(home.serverName, home);
		return home;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const home of this.#homes.values()) await home[Symbol.asyncDispose]();
	}

	/** Asks the servers, as a further process of one of them would. */
	remoteOfProcess(): RemoteEvents {
		return this.#remote();
	}

	#home(server: ServerName, question: string): TestEngine {
		this.asked.push(question);
		const home = this.#homes.get(server);
		if (!home || this.down.has(server)) throw new EngineError('unavailable', `${server} cannot be reached`);
		return home;
	}

	#remote(): RemoteEvents {
		const wire = (pdus: readonly Pdu[]): JsonObject[] => pdus.map((pdu) => toFederationEvent(pdu));
		const stateAt = async (server: ServerName, question: string, eventId: EventId) => {
			const {engine} = this.#home(server, question);
			const state = await engine.listStateBefore(eventId);
			if (!state) throw new Error('not known');
			return {state, authChain: await engine.listAuthChain([...state.map((pdu) => pdu.eventId), eventId])};
		};
		const truth: RemoteEvents = {
			getEvent: async (server, eventId) => {
				const found = await this.#home(server, 'event').engine.findEvent(eventId);
				return found && toFederationEvent(found.pdu);
			},
			getMissingEvents: async (server, _roomId, {earliest, latest, limit}) =>
				wire(await listBetween(this.#home(server, 'missing').engine, earliest, latest, limit)),
			getStateIds: async (server, _roomId, eventId) => {
				const {state, authChain} = await stateAt(server, 'state_ids', eventId);
				return {state: state.map((pdu) => pdu.eventId), authChain: authChain.map((pdu) => pdu.eventId)};
			},
			getState: async (server, _roomId, eventId) => {
				const {state, authChain} = await stateAt(server, 'state', eventId);
				return {state: wire(state), authChain: wire(authChain)};
			},
			getEventAuth: async (server, _roomId, eventId) =>
				wire(await this.#home(server, 'event_auth').engine.listAuthChain([eventId])),
			backfill: async (server, _roomId, from, limit) => {
				const {engine} = this.#home(server, 'backfill');
				const found = await engine.findEvents(from);
				return wire([...found.map(({pdu}) => pdu), ...(await listBetween(engine, [], from, limit - found.length))]);
			},
			findByTime: async (server, roomId, ts, direction) => {
				const row = await this.#home(server, 'time').storage.events.findByTime(roomId, ts, direction);
				return row && {eventId: row.eventId, originServerTs: row.originServerTs};
			},
		};
		const answering = (): RemoteEvents => ({...truth, ...this.lies});
		return {
			getEvent: (...question) => answering().getEvent(...question),
			getMissingEvents: (...question) => answering().getMissingEvents(...question),
			getStateIds: (...question) => answering().getStateIds(...question),
			getState: (...question) => answering().getState(...question),
			getEventAuth: (...question) => answering().getEventAuth(...question),
			backfill: (...question) => answering().backfill(...question),
			findByTime: (...question) => answering().findByTime(...question),
		};
	}
}

/** Walks back from events, newest first, not past those given as known. */
async function listBetween(
	engine: Engine,
	earliest: readonly EventId[],
	latest: readonly EventId[],
	limit: number,
): Promise<Pdu[]> {
	const known = new Set([...earliest, ...latest]);
	const between: Pdu[] = [];
	let layer = (await engine.findEvents(latest)).flatMap(({pdu}) => pdu.prevEvents);
	while (layer.length > 0 && between.length < limit) {
		const found = await engine.findEvents([...new Set(layer)].filter((eventId) => !known.has(eventId)));
		for (const {pdu} of found) {
			known.add(pdu.eventId);
			between.push(pdu);
		}
		layer = found.flatMap(({pdu}) => pdu.prevEvents);
	}
	return between.slice(0, limit).toReversed();
}

/** Joins a user of one server to a room of another, as make_join and send_join do. */
export async function joinThrough(
	resident: TestEngine,
	joining: TestEngine,
	roomId: RoomId,
	userId: UserId,
): Promise<void> {
	await joining.engine.importRoom(await askToJoin(resident, joining, roomId, userId));
}

/** Has a resident server let a user in, and gives what the user's server is answered. */
export async function askToJoin(
	resident: TestEngine,
	joining: TestEngine,
	roomId: RoomId,
	userId: UserId,
): Promise<ImportRoomRequest> {
	const event = {type: 'm.room.member', stateKey: userId, sender: userId, content: {membership: 'join'}};
	const proto = await resident.engine.makeProto(roomId, event);
	const references = (value: unknown): EventId[] =>
		(value as (EventId | [EventId])[]).map((entry) => (typeof entry === 'string' ? entry : entry[0]));
	const join = joining.engine.signFromProto({
		version: proto.version,
		roomId,
		event,
		prevEvents: references(proto.event['prev_events']),
		authEvents: references(proto.event['auth_events']),
		depth: Number(proto.event['depth']),
	});
	const reception = await deliver(joining, resident, join, true);
	if (reception.status !== 'accepted') throw new Error(`the join is ${reception.status}`);
	const state = (await resident.engine.listStateBefore(join.eventId)) ?? [];
	const authChain = await resident.engine.listAuthChain([...state.map((pdu) => pdu.eventId), join.eventId]);
	return {
		version: proto.version,
		roomId,
		join,
		state: state.map((pdu) => reread(pdu, proto.version)),
		authChain: authChain.map((pdu) => reread(pdu, proto.version)),
		origin: resident.serverName,
	};
}

/** What another server would read of an event. */
function reread(pdu: Pdu, version: RoomVersionId): Pdu {
	const parsed = parsePdu(toFederationEvent(pdu), version);
	if (!parsed.ok) throw new Error(parsed.fault.reason);
	return parsed.pdu;
}

/** Gives an event of one server to another. */
export function deliver(from: TestEngine, to: TestEngine, pdu: Pdu, relay = false): Promise<Reception> {
	return to.engine.receive({roomId: pdu.roomId, json: toFederationEvent(pdu), origin: from.serverName, relay});
}

/** The current state of a room as a sorted list of event ids, and who is joined by the plain tables. */
export async function stateOf({engine, storage}: {readonly engine: Engine; readonly storage: Storage}, roomId: RoomId) {
	const room = await engine.findRoom(roomId);
	const compare = (a: string, b: string): number => (a < b ? -1 : 1);
	const state = ((await room?.listState()) ?? []).map((pdu) => pdu.eventId as string).toSorted(compare);
	const rows = await storage.rooms.listCurrentState(roomId, {limit: 1_000});
	const members = await storage.memberships.listOfRoom(roomId, {memberships: ['join'], limit: 1_000});
	return {
		state,
		table: rows.map((row) => row.eventId as string).toSorted(compare),
		joined: members.map(({userId}) => userId as string).toSorted(compare),
		servers: (await storage.memberships.listServers(roomId)).toSorted(compare),
		domains: new Set(members.map(({userId}) => domainOf(userId))),
	};
}
