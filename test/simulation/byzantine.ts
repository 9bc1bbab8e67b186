import {
	canonicalJson,
	canonicalJsonBytes,
	type EventId,
	generateSigningKey,
	isJsonObject,
	type JsonObject,
	type JsonValue,
	type RoomId,
	readJson,
	type ServerName,
	type SigningKey,
	type UserId,
} from '../../crypto/index.ts';
import type {TransportResponse} from '../../federation/engine/index.ts';
import {createFederationClient, type FederationClient, PublishedKeys} from '../../federation/outbound/index.ts';
import {
	buildPdu,
	type EventFields,
	type Pdu,
	parsePdu,
	type RoomVersionId,
	signPdu,
} from '../../federation/rooms/index.ts';
import {createSeededRandom, type SeededRandom} from '../harness/seeded-random.ts';
import {ATTACKS} from './byzantine-attacks.ts';
import type {IncomingRequest} from './network.ts';
import type {Boot, Simulation} from './simulation.ts';

/** The one that says whatever it likes. */
export const BYZANTINE = 'z.example' as ServerName;
/** Events of others that it remembers of a room, to build on. */
const SEEN_MAX = 200;
/** Events on what nobody has: each is asked for again during five hours, which takes time in each run. */
const HOPELESS_MAX = 2;
const VERSIONS_SUPPORTED = 'ver=10&ver=11&ver=12';

/** A room as it sees it: what its next event names. */
export interface TargetRoom {
	readonly roomId: RoomId;
	readonly version: RoomVersionId;
	/** By `type state_key`. */
	readonly state: Map<string, Pdu>;
	/** Events of the room, the newest last. */
	readonly seen: Pdu[];
	ends: EventId[];
	depth: number;
}

/** What it answers to who asks for the events before one of its own. */
export type GapAnswer = 'truth' | 'loop' | 'endless' | 'forged' | 'nothing';

/**
 * A server that takes part in rooms by the rules, with one member, and says whatever it likes: there is no engine behind
 * it. What it says of the state before an event is never a state that could be true: nobody who asks only one server can
 * tell such a lie from the truth, and no protocol of today heals what follows.
 */
export class ByzantineNode {
	readonly name: ServerName;
	readonly userId: UserId;
	readonly key: SigningKey;
	readonly random: SeededRandom;
	readonly #simulation: Simulation;
	readonly #rooms = new Map<RoomId, TargetRoom>();
	readonly #entering = new Set<RoomId>();
	readonly #gaps = new Map<EventId, {readonly answer: GapAnswer; readonly before: readonly Pdu[]}>();
	#client: FederationClient | undefined;
	#keys: PublishedKeys | undefined;
	#now: () => number = () => 0;
	#sent = 0;
	#hopeless = 0;

	constructor(simulation: Simulation, name: ServerName) {
		this.#simulation = simulation;
		this.name = name;
		this.userId = `@mallory:${name}` as UserId;
		this.random = createSeededRandom(`${simulation.seed}/byzantine/${name}`);
		this.key = generateSigningKey({version: 'z', random: (count) => this.random.bytes(count)});
	}

	readonly boot: Boot = ({clock, transport}) => {
		this.#client = createFederationClient({
			serverName: this.name,
			signer: this.key,
			transport,
			isAllowed: (server) => server !== this.name,
		});
		this.#keys = new PublishedKeys({serverName: this.name, keys: [this.key], oldKeys: [], clock});
		this.#now = () => clock.now();
		return {handle: async (request) => this.#answer(request)};
	};

	get now(): number {
		return this.#now();
	}

	get rooms(): TargetRoom[] {
		return [...this.#rooms.values()];
	}

	/** Comes into a room as anybody does, with the help of one of its servers; a refusal is the end of it. */
	enter(roomId: RoomId, via: ServerName): void {
		if (this.#rooms.has(roomId) || this.#entering.has(roomId)) return;
		this.#entering.add(roomId);
		void this.#join(roomId, via)
			.catch(() => undefined)
			.finally(() => this.#entering.delete(roomId));
	}

	async #join(roomId: RoomId, via: ServerName): Promise<void> {
		const segment = encodeURIComponent;
		const template = await this.#ask(
			via,
			'GET',
			`/_matrix/federation/v1/make_join/${segment(roomId)}/${segment(this.userId)}?${VERSIONS_SUPPORTED}`,
		);
		const event = template['event'] as JsonObject;
		const version = template['room_version'] as RoomVersionId;
		const join = this.sign({
			roomVersion: version,
			roomId,
			type: 'm.room.member',
			sender: this.userId,
			stateKey: this.userId,
			content: event['content'] as JsonObject,
			depth: Number(event['depth']),
			originServerTs: this.now,
			prevEvents: event['prev_events'] as EventId[],
			authEvents: event['auth_events'] as EventId[],
		});
		const path = `/_matrix/federation/v2/send_join/${segment(roomId)}/${segment(join.eventId)}`;
		const answer = await this.#ask(via, 'PUT', path, join.json);
		const room: TargetRoom = {roomId, version, state: new Map(), seen: [], ends: [], depth: 0};
		for (const json of answer['state'] as JsonObject[]) this.#learn(room, json);
		this.note(room, join);
		this.#rooms.set(roomId, room);
	}

	/** Does something that no server should do, to a room that it is in. */
	attack(servers: readonly ServerName[]): void {
		const room = this.rooms.length === 0 ? undefined : this.random.pick(this.rooms);
		if (!room) return;
		const [kind, assault] = this.random.pick(Object.entries(ATTACKS));
		this.#simulation.note(`${this.name} ${kind} in ${room.roomId}`);
		for (const {pdus, to} of assault({node: this, room, servers})) this.#send(to, pdus);
	}

	#send(to: readonly ServerName[], pdus: readonly JsonValue[]): void {
		for (const destination of to) {
			this.#sent += 1;
			const path = `/_matrix/federation/v1/send/${this.#sent}`;
			const body = {origin: this.name, origin_server_ts: this.now, pdus: [...pdus], edus: []};
			this.#ask(destination, 'PUT', path, body).catch(() => undefined);
		}
	}

	async #ask(destination: ServerName, method: 'GET' | 'PUT', path: string, body?: JsonObject): Promise<JsonObject> {
		if (!this.#client) throw new Error('Expected the node to be up');
		const answer = await this.#client.request({destination, method, path, ...(body && {body: canonicalJson(body)})});
		return answer.body as JsonObject;
	}

	/** Signs an event of any content that has the form of one. */
	sign(fields: EventFields): Pdu {
		const built = buildPdu({...fields, signers: [{serverName: this.name, keyId: this.key.keyId}]});
		if (!built.ok) throw new Error(`Expected an event, got ${built.fault.reason}`);
		return signPdu(built.pdu, this.name, this.key);
	}

	/** Builds an event on what it knows of the room, as an honest server would but for what is said otherwise. */
	build(
		room: TargetRoom,
		event: Pick<EventFields, 'type' | 'stateKey' | 'content'>,
		over: Partial<EventFields> = {},
	): Pdu {
		const keys = ['m.room.create ', 'm.room.power_levels ', `m.room.member ${this.userId}`];
		if (event.type === 'm.room.member') keys.push('m.room.join_rules ', `m.room.member ${event.stateKey}`);
		const authEvents = [...new Set(keys)]
			.filter((key) => room.version !== '12' || key !== 'm.room.create ')
			.flatMap((key) => room.state.get(key)?.eventId ?? []);
		return this.sign({
			roomVersion: room.version,
			roomId: room.roomId,
			sender: this.userId,
			...event,
			depth: room.depth + 1,
			originServerTs: this.now,
			prevEvents: room.ends,
			authEvents,
			...over,
		});
	}

	/** Takes an event into its own view of the room. */
	note(room: TargetRoom, pdu: Pdu): void {
		room.ends = [pdu.eventId];
		room.depth = Math.min(Math.max(room.depth, pdu.depth), 1_000_000);
		room.seen.push(pdu);
		if (room.seen.length > SEEN_MAX) room.seen.shift();
		if (pdu.stateKey !== undefined) room.state.set(`${pdu.type} ${pdu.stateKey}`, pdu);
	}

	/** Remembers how to answer who lacks what lies before an event. */
	hide(eventId: EventId, answer: GapAnswer, before: readonly Pdu[] = []): void {
		this.#gaps.set(eventId, {answer, before});
	}

	#learn(room: TargetRoom, json: JsonValue): void {
		const parsed = isJsonObject(json) ? parsePdu(json, room.version) : undefined;
		if (parsed?.ok === true) this.note(room, parsed.pdu);
	}

	#answer({path, body}: IncomingRequest): TransportResponse {
		const [target = ''] = path.split('?', 1);
		const [, , , , endpoint = '', roomId = ''] = target.split('/').map(decodeURIComponent);
		if (target === '/_matrix/key/v2/server') return respond(200, this.#keys?.document() ?? {});
		const asked = body.length === 0 ? {} : readJson(body).value;
		if (endpoint === 'send' && isJsonObject(asked)) {
			for (const json of asked['pdus'] as JsonValue[]) {
				const room = isJsonObject(json) ? this.#rooms.get(json['room_id'] as RoomId) : undefined;
				if (room) this.#learn(room, json);
			}
			return respond(200, {pdus: {}});
		}
		if (endpoint === 'get_missing_events' && isJsonObject(asked)) {
			const events = this.#fillGap(roomId as RoomId, asked['latest_events'] as EventId[]);
			return events ? respond(200, {events}) : this.#refuse();
		}
		return this.#refuse();
	}

	#fillGap(roomId: RoomId, latest: readonly EventId[]): JsonObject[] | undefined {
		const room = this.#rooms.get(roomId);
		const [eventId, gap] = latest.map((id) => [id, this.#gaps.get(id)] as const).find((entry) => entry[1]) ?? [];
		if (!room || !gap || eventId === undefined) return undefined;
		if (gap.answer === 'endless') return [this.#inventBefore(room, eventId)];
		const before = gap.before.map(({json}) => json);
		if (gap.answer === 'truth' || gap.answer === 'loop') return before;
		return gap.answer === 'nothing'
			? []
			: before.map((json) => ({...json, content: {body: 'never said'}, prev_events: [eventId]}));
	}

	/** Gives an event that might come before another, if it did not itself rest on what nobody has. */
	#inventBefore(room: TargetRoom, eventId: EventId): JsonObject {
		const event = {type: 'm.room.message', content: {body: `before ${eventId}`}};
		const earlier = this.build(room, event, {prevEvents: [this.inventId()]});
		this.hide(earlier.eventId, 'endless');
		return earlier.json;
	}

	/** Whether it may once more send something that rests on what nobody has. */
	mayBeHopeless(): boolean {
		this.#hopeless += 1;
		return this.#hopeless <= HOPELESS_MAX;
	}

	/** The id of an event that nobody has. */
	inventId(): EventId {
		return `$${Buffer.from(this.random.bytes(32)).toString('base64url')}` as EventId;
	}

	/** Says nothing of use, in one of many ways. */
	#refuse(): TransportResponse {
		const headers = {'content-type': 'application/json'};
		return this.random.pick([
			respond(404, {errcode: 'M_NOT_FOUND', error: 'Nothing here'}),
			respond(403, {errcode: 'M_FORBIDDEN', error: 'Not for you'}),
			respond(500, {errcode: 'M_UNKNOWN', error: 'Oh no'}),
			respond(200, {}),
			respond(200, {pdus: 7, events: {}, pdu_ids: [null], auth_chain: 'x'}),
			{status: 200, headers, body: Buffer.from('[[[[')},
			{status: 200, headers, body: Buffer.from([0xff, 0x00, 0x7b])},
		]);
	}
}

function respond(status: number, body: object): TransportResponse {
	return {status, headers: {'content-type': 'application/json'}, body: canonicalJsonBytes(body)};
}
