import type {ServerName} from '../../crypto/index.ts';
import type {Clock, Random, Transport, TransportResponse} from '../../federation/engine/index.ts';
import {createSeededRandom, type SeededRandom} from '../harness/seeded-random.ts';
import {FaultyNetwork, type IncomingRequest} from './network.ts';
import {createVirtualClock, VirtualTime} from './virtual-time.ts';

/** All that one life of a node is given; after its crash all of it is dead. */
export interface NodeSeams {
	readonly name: ServerName;
	readonly clock: Clock;
	readonly random: Random;
	readonly transport: Transport;
	/** Lets virtual time stand still during real work. */
	readonly holdFor: <Value>(work: Promise<Value>) => Promise<Value>;
}

/** One life of a node. */
export interface RunningNode {
	/** Answers a request from another node. A rejected promise is a connection that broke. */
	handle(request: IncomingRequest): Promise<TransportResponse>;
	/** Frees what is real (files, threads) after a crash or at the end; must not do what a crash would prevent. */
	release?(): Promise<void>;
}

/** Starts a node: the first time, and after each crash. What must survive one lives outside of it. */
export type Boot = (seams: NodeSeams) => RunningNode | Promise<RunningNode>;

export interface NodeOptions {
	/** How far the node's clock is from the simulation's, in milliseconds. */
	readonly clockSkewMs?: number;
}

interface Life {
	isAlive: boolean;
	node: RunningNode | undefined;
}

interface Place {
	readonly boot: Boot;
	readonly options: NodeOptions;
	lives: number;
	life: Life | undefined;
}

/** 2026-01-01T00:00:00Z: when simulations begin, so that no run depends on the day. */
const STARTS_AT = 1_767_225_600_000;

/**
 * A federation in one process. Time, randomness and the network follow from the seed, so that a run with the same seed is
 * the same run, line for line of its trace.
 */
export class Simulation {
	readonly seed: number;
	readonly time = new VirtualTime();
	readonly network: FaultyNetwork;
	/** For the test itself: what to do next, and to whom. */
	readonly random: SeededRandom;
	/** What happened so far, one line each, with the moment in front. */
	readonly trace: string[] = [];
	readonly #root: SeededRandom;
	readonly #places = new Map<ServerName, Place>();

	constructor(seed: number) {
		this.seed = seed;
		this.#root = createSeededRandom(seed);
		this.random = this.#root.fork('test');
		this.network = new FaultyNetwork(this.time, this.#root.fork('network'), (line) => this.note(line));
	}

	/** Writes a line into the trace. */
	note(line: string): void {
		this.trace.push(`${this.time.nowMs} ${line}`);
	}

	/** Adds a node and starts it. */
	async addNode(name: ServerName, boot: Boot, options: NodeOptions = {}): Promise<void> {
		if (this.#places.has(name)) throw new Error(`Expected a new node, got ${name} again`);
		this.#places.set(name, {boot, options, lives: 0, life: undefined});
		await this.start(name);
	}

	/** Starts a node that is down. */
	async start(name: ServerName): Promise<void> {
		const place = this.#placeOf(name);
		if (place.life !== undefined) throw new Error(`Expected ${name} to be down, got it up`);
		const life: Life = {isAlive: true, node: undefined};
		const isAlive = (): boolean => life.isAlive;
		place.life = life;
		place.lives++;
		this.note(`${name} starts`);
		const node = await place.boot({
			name,
			clock: createVirtualClock(this.time, {startsAt: STARTS_AT + (place.options.clockSkewMs ?? 0), isAlive}),
			// Each life draws other values, as a real process does: nonces must not repeat after a crash.
			random: this.#root.fork(`${name}/${place.lives}`),
			transport: this.network.transportOf(name, isAlive),
			holdFor: (work) => this.time.holdFor(work),
		});
		life.node = node;
		this.network.attach(name, {isAlive, handle: (request) => node.handle(request)});
	}

	/** Ends a node's life at once: its timers never run, and nothing it sent later leaves. What is on its disk stays. */
	async crash(name: ServerName): Promise<void> {
		const place = this.#placeOf(name);
		if (place.life === undefined) return;
		const {life} = place;
		life.isAlive = false;
		place.life = undefined;
		this.note(`${name} crashes`);
		await life.node?.release?.();
	}

	isUp(name: ServerName): boolean {
		return this.#placeOf(name).life !== undefined;
	}

	/** Lets time pass. */
	async runFor(durationMs: number): Promise<void> {
		await this.time.run({untilMs: this.time.nowMs + durationMs});
	}

	/**
	 * Lets time pass until a condition holds, which is looked at whenever all nodes wait.
	 * @throws Error when it does not within `timeoutMs` of virtual time, or can no longer because nothing is pending.
	 */
	async runUntil(description: string, isDone: () => boolean, timeoutMs: number): Promise<void> {
		const deadlineMs = this.time.nowMs + timeoutMs;
		if (await this.time.run({untilMs: deadlineMs, isDone})) return;
		throw new Error(`Expected within ${timeoutMs} ms: ${description}`);
	}

	/** Ends all nodes. */
	async end(): Promise<void> {
		for (const name of this.#places.keys()) {
			// oxlint-disable-next-line no-await-in-loop -- One after the other, so that the trace is the same each time.
			await this.crash(name);
		}
	}

	#placeOf(name: ServerName): Place {
		const place = this.#places.get(name);
		if (place === undefined) throw new Error(`Expected a node of this simulation, got ${name}`);
		return place;
	}
}
