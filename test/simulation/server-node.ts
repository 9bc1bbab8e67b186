import {LRUCache} from 'lru-cache';
import {generateSigningKey, type ServerName, type SignedMessage, type SigningKey, verify} from '../../crypto/index.ts';
import {createEngine, type Engine, pause} from '../../federation/engine/index.ts';
import {JoinsUnderway, Staging} from '../../federation/inbound/index.ts';
import {
	createFederationClient,
	createKeySource,
	COMPLETE_ROOM,
	createKeyStore,
	createRemoteDirectory,
	createRemoteEvents,
	createRemoteRooms,
	createSignatureChecker,
	FederationSender,
	Keyring,
	PublishedKeys,
	type RemoteRooms,
	type VerifyMany,
} from '../../federation/outbound/index.ts';
import {createEvents} from '../../server/events/index.ts';
import {JobRunner, jobs, type JobServices} from '../../server/jobs/index.ts';
import {createRooms, type Rooms} from '../../server/rooms/index.ts';
import {createVisibility} from '../../server/visibility/index.ts';
import {adaptRemoteRooms} from '../../server/wiring/remote-rooms.ts';
import type {Storage} from '../../storage/index.ts';
import {discretionOf} from '../harness/discretion.ts';
import {createSeededRandom, type SeededRandom} from '../harness/seeded-random.ts';
import {SimulatedDisk} from './disk.ts';
import {answer} from './router.ts';
import type {Boot, NodeSeams, Simulation} from './simulation.ts';

/** One life of a whole server, as far as rooms go: everything but HTTP and clients' APIs is the real thing. */
export interface ServerLife {
	readonly number: number;
	readonly storage: Storage;
	readonly engine: Engine;
	readonly rooms: Rooms;
	readonly sender: FederationSender;
	readonly staging: Staging;
	/** Learns the members of rooms that were entered without them. */
	readonly jobs: JobRunner;
	/** Whether what a former life left is taken up. */
	readonly isStarted: () => boolean;
}

/** As often as the server does it by itself. */
const LOOK_EVERY_MS = 2_000;

/** A large room takes long to learn, so that much may happen meanwhile. */
const COMPLETE_MS_MAX = 30_000;

/** How a server differs from others. */
export interface ServerOptions {
	/** How often it looks for what was written without its process hearing of it. */
	readonly lookEveryMs?: number | undefined;
	/** How likely it enters a room of others before it knows who is there. */
	readonly fastJoinRate?: number | undefined;
}

/** A server of a simulation: what survives its crashes, and the life that it has now. */
export class ServerNode {
	readonly name: ServerName;
	readonly key: SigningKey;
	/** How likely a commit fails. */
	diskErrorRate = 0;
	/** Rooms that it completed after it had entered them before it knew who is there. */
	completed = 0;
	/** Events of these that came before they were complete, our joins not counted. */
	judgedAnew = 0;
	readonly #disk: SimulatedDisk;
	readonly #random: SeededRandom;
	readonly #simulation: Simulation;
	readonly lookEveryMs: number;
	readonly #fastJoinRate: number;
	#lives = 0;
	#life: ServerLife | undefined;

	constructor(simulation: Simulation, name: ServerName, options: ServerOptions = {}) {
		const {lookEveryMs = LOOK_EVERY_MS, fastJoinRate = 0} = options;
		this.#simulation = simulation;
		this.name = name;
		this.lookEveryMs = lookEveryMs;
		this.#fastJoinRate = fastJoinRate;
		this.#random = createSeededRandom(`${simulation.seed}/server/${name}`);
		this.key = generateSigningKey({version: 'a', random: (count) => this.#random.bytes(count)});
		this.#disk = new SimulatedDisk(name, this.#random.below(2 ** 32));
	}

	/** The present life. @throws where the server is down */
	get life(): ServerLife {
		if (!this.#life) throw new Error(`Expected ${this.name} to be up`);
		return this.#life;
	}

	/** The present life of a server that is up and has begun its work. */
	get readyLife(): ServerLife | undefined {
		return this.#life?.isStarted() === true ? this.#life : undefined;
	}

	get lives(): number {
		return this.#lives;
	}

	/** Frees the disk at the end of the simulation. */
	close(): void {
		this.#disk.close();
	}

	readonly boot: Boot = async (seams) => {
		this.#lives += 1;
		const state = {isAlive: true, isBooted: false, isStarted: false};
		const note = (text: string): void => {
			if (state.isAlive) this.#simulation.note(`${this.name} ${text}`);
		};
		const storage = await this.#disk.open(
			{
				random: this.#random.fork(`disk/${this.#lives}`),
				isAlive: () => state.isAlive,
				// While the node boots, virtual time stands still.
				later: (delayMs, run) => (state.isBooted ? seams.clock.setTimer(delayMs, run) : setImmediate(run)),
				errorRate: () => (state.isStarted ? this.diskErrorRate : 0),
			},
			(problem) => note(`database: ${problem.message}`),
		);
		const parts = this.#assemble(seams, storage, note);
		const life: ServerLife = {...parts, number: this.#lives, storage, isStarted: () => state.isStarted};
		this.#life = life;
		state.isBooted = true;
		const start = async (): Promise<void> => {
			await life.sender.start();
			await life.staging.resume();
			if (this.#fastJoinRate > 0) await life.jobs.start();
			state.isStarted = true;
			note('serves');
		};
		void start();
		this.#lookRegularly(seams, storage);
		return {
			handle: (request) =>
				state.isStarted ? answer(parts.answering, request) : Promise.reject(new Error('not listening yet')),
			release: async () => {
				state.isAlive = false;
				this.#life = undefined;
			},
		};
	};

	/** As the server does it: what was committed without this process hearing of it is found soon. */
	#lookRegularly({clock}: NodeSeams, storage: Storage): void {
		const look = (): void => {
			void storage.barrier();
			clock.setTimer(this.lookEveryMs, look);
		};
		clock.setTimer(this.lookEveryMs, look);
	}

	/** Does the one job that a server of a simulation needs, with what that uses. */
	#createJobs(
		seams: Pick<NodeSeams, 'clock' | 'random'>,
		uses: Pick<JobServices, 'engine' | 'storage'>,
		note: (text: string) => void,
	): JobRunner {
		const {clock, random} = seams;
		const {storage, engine} = uses;
		const services: Pick<JobServices, 'engine' | 'onProblem' | 'storage'> = {
			storage,
			engine: {
				findRoom: (roomId) => engine.findRoom(roomId),
				completeRoom: async (roomId, entry) => {
					await pause(clock, random.below(COMPLETE_MS_MAX));
					note(`asks ${entry.server} who was in ${roomId}`);
					const rows = await storage.events.listTimeline({roomId, direction: 'forwards', limit: 10_000});
					await engine.completeRoom(roomId, entry);
					this.completed += 1;
					this.judgedAnew += rows.filter(({statePartial}) => statePartial).length - 1;
				},
			},
			onProblem: (problem) => note(`a room is not complete yet: ${describe(problem)}`),
		};
		return new JobRunner({
			clock,
			random,
			storage,
			jobs: jobs.filter(({id}) => id === COMPLETE_ROOM),
			services: services as JobServices,
			onNotice: ({kind, error}) => note(`job ${kind} ${describe(error)}`),
			observe: (_job, result, _durationMs, count) => note(`completed ${count} rooms, ${result}`),
		});
	}

	#assemble({clock, random, transport}: NodeSeams, storage: Storage, note: (text: string) => void) {
		const {name: serverName, key: signer} = this;
		const isAllowed = (server: ServerName): boolean => server !== serverName;
		const keys = new PublishedKeys({serverName, keys: [signer], oldKeys: [], clock});
		const client = createFederationClient({serverName, signer, transport, isAllowed});
		const onNotice = (notice: {readonly kind: string; readonly server?: ServerName | undefined; error?: unknown}) =>
			note(`${notice.kind} ${notice.server} ${describe(notice.error)}`);
		const keyring = new Keyring({
			source: createKeySource(client),
			store: createKeyStore(storage),
			clock,
			own: keys,
			notaries: [],
			onNotice,
		});
		const signatures = createSignatureChecker(keyring, verifyHere);
		const engine = createEngine({
			storage,
			serverName,
			signer,
			clock,
			random,
			remote: createRemoteEvents(client),
			signatures,
			verifySignature: verify,
			notifies: ({type}) => type === 'm.room.message',
			onDamage: (eventId) => note(`damaged event ${eventId}`),
		});
		const sender = new FederationSender({storage, serverName, client, clock, random, isAllowed, onNotice});
		const joins = new JoinsUnderway();
		const staging = new Staging({
			storage,
			engine,
			serverName,
			signatures,
			joins,
			clock,
			onProblem: ({origin, isGivenUp, cause}) =>
				note(`staged event of ${origin} ${isGivenUp ? 'given up' : 'failed'}: ${describe(cause)}`),
		});
		const policy = {
			admit: () => Promise.resolve(),
			blocks: () => Promise.resolve(false),
			hasAccount: () => Promise.resolve(true),
		};
		const known = {serverName, client, engine, signatures, keyring, storage, verify: verifyHere};
		const remoteRooms = createRemoteRooms(known);
		const fastRooms = createRemoteRooms({...known, fastJoins: clock});
		const joinBy = (): RemoteRooms =>
			this.#fastJoinRate > 0 && this.#random.chance(this.#fastJoinRate) ? fastRooms : remoteRooms;
		const discretion = discretionOf(storage, serverName, clock);
		const rooms = createRooms({
			carryOver: () => Promise.resolve(),
			noticesSender: undefined,
			storage,
			engine,
			serverName,
			defaultRoomVersion: '12',
			events: createEvents({storage, engine, clock}),
			facts: discretion.facts,
			visibility: createVisibility({
				...discretion,
				storage,
				serverName,
				scopes: {profiles: 'open', directory: 'open', keys: 'open'},
				isPartner: () => true,
				clock,
			}),
			remote: adaptRemoteRooms(
				{
					...remoteRooms,
					join: (request) => joins.run(request.roomId, () => joinBy().join(request)),
				},
				createRemoteDirectory(client),
			),
		});
		const inbound = {storage, engine, serverName, signatures, policy};
		const transactions = {...inbound, staging, joins, clock, edus: {}, onProblem: () => undefined};
		const noteContact = (server: ServerName): void => sender.noteContact(server);
		return {
			engine,
			sender,
			staging,
			rooms,
			jobs: this.#createJobs({clock, random}, {storage, engine}, note),
			answering: {serverName, keys, keyring, inbound, transactions, noteContact},
		};
	}
}

/** Verifies in this thread: the order in which threads end follows from no seed. */
const verifyHere: VerifyMany = (messages) => Promise.resolve(messages.map(verifyOnce));

const verified = new LRUCache<string, boolean>({max: 10_000});

/** Each event is verified by every server; what is the same for the same bytes is worked out once. */
function verifyOnce(message: SignedMessage): boolean {
	const key = Buffer.concat([message.signature, message.publicKey, message.message]).toString('latin1');
	const known = verified.get(key);
	if (known !== undefined) return known;
	const isRight = verify(message);
	verified.set(key, isRight);
	return isRight;
}

function describe(error: unknown): string {
	return error instanceof Error ? `${error.name}: ${error.message}` : '';
}
