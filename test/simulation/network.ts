import type {ServerName} from '../../crypto/index.ts';
import {
	type Transport,
	TransportError,
	type TransportErrorCode,
	type TransportRequest,
	type TransportResponse,
} from '../../federation/engine/index.ts';
import {hashText, type SeededRandom} from '../harness/seeded-random.ts';
import type {VirtualTime} from './virtual-time.ts';

/** A request as it arrives at a node. */
export interface IncomingRequest {
	/** Which node it came from, as the network knows it; what the request claims stands in its headers. */
	readonly from: ServerName;
	readonly method: TransportRequest['method'];
	readonly path: string;
	readonly headers: Readonly<Record<string, string>>;
	readonly body: Uint8Array;
}

/** What the network does to messages. Rates are probabilities for each message. */
export interface NetworkFaults {
	/** A message is lost: a request before it arrives, or an answer after the request took effect. */
	readonly dropRate: number;
	/** A request arrives twice; the second answer is lost. */
	readonly duplicateRate: number;
	/** A message takes this long, each way. */
	readonly delayMs: readonly [min: number, max: number];
	/** A message takes `lateMs` on top, and so is overtaken by later ones. */
	readonly lateRate: number;
	readonly lateMs: readonly [min: number, max: number];
}

/** A quiet local network. */
export const NO_FAULTS: NetworkFaults = {
	dropRate: 0,
	duplicateRate: 0,
	delayMs: [1, 5],
	lateRate: 0,
	lateMs: [0, 0],
};

/** A bad line: nothing that a protocol with retries must not survive. */
export const BAD_LINE: NetworkFaults = {
	dropRate: 0.1,
	duplicateRate: 0.05,
	delayMs: [5, 200],
	lateRate: 0.1,
	lateMs: [500, 20_000],
};

/** One life of a node, from start to crash. */
export interface Endpoint {
	readonly isAlive: () => boolean;
	readonly handle: (request: IncomingRequest) => Promise<TransportResponse>;
}

interface Flight {
	readonly label: string;
	readonly from: ServerName;
	readonly request: TransportRequest;
	readonly answer: (response: TransportResponse) => void;
	readonly fail: (code: TransportErrorCode) => void;
}

/** Carries requests between the nodes of a simulation, as badly as it is told to. All that happens is traced. */
export class FaultyNetwork {
	readonly #time: VirtualTime;
	readonly #random: SeededRandom;
	readonly #trace: (line: string) => void;
	readonly #endpoints = new Map<ServerName, Endpoint>();
	readonly #groups = new Map<ServerName, number>();
	#faults: NetworkFaults = NO_FAULTS;
	#messages = 0;

	constructor(time: VirtualTime, random: SeededRandom, trace: (line: string) => void) {
		this.#time = time;
		this.#random = random;
		this.#trace = trace;
	}

	/** Changes what happens to messages sent from now on. */
	setFaults(faults: NetworkFaults): void {
		this.#faults = faults;
	}

	/** Splits the network: nodes of different groups, and those of none, cannot reach each other. */
	partition(groups: readonly (readonly ServerName[])[]): void {
		this.#groups.clear();
		for (const [group, names] of groups.entries()) for (const name of names) this.#groups.set(name, group + 1);
		this.#trace(`network partition ${groups.map((names) => names.join('+')).join(' | ')}`);
	}

	/** Ends a partition. */
	heal(): void {
		this.#groups.clear();
		this.#trace('network heal');
	}

	/** Lets a node be reached under its name, in place of its earlier life. */
	attach(name: ServerName, endpoint: Endpoint): void {
		this.#endpoints.set(name, endpoint);
	}

	/** Gives one life of a node its way out. After the crash its requests neither leave nor come back. */
	transportOf(from: ServerName, isAlive: () => boolean): Transport {
		return {
			request: (request) =>
				new Promise((resolve, reject) => {
					if (!isAlive()) return;
					const {destination, method, path, body} = request;
					const label = `#${++this.#messages} ${from} > ${destination} ${method} ${path} ${describeBody(body)}`;
					this.#trace(`${label} sent`);
					let isSettled = false;
					const settle = (outcome: string, act: () => void): void => {
						if (isSettled || !isAlive()) return;
						isSettled = true;
						timeout.cancel();
						this.#trace(`${label} ${outcome}`);
						act();
					};
					const fail = (code: TransportErrorCode): void =>
						settle(code, () => reject(new TransportError(code, `The simulated network said ${code}`)));
					const timeout = this.#time.setTimer(request.timeoutMs, () => fail('timeout'));
					request.signal?.addEventListener('abort', () => fail('aborted'), {once: true});
					this.#send({
						label,
						from,
						request,
						fail,
						answer: (response) =>
							response.body.length > request.responseBytesMax
								? fail('too_large')
								: settle(`answered ${response.status} ${describeBody(response.body)}`, () => resolve(response)),
					});
					if (request.signal?.aborted === true) fail('aborted');
				}),
		};
	}

	#send(flight: Flight): void {
		const {label, from, request} = flight;
		// All draws are made here, in the order of sending, so that what happens to one message depends on no other.
		const isLost = this.#random.chance(this.#faults.dropRate);
		const isAnswerLost = this.#random.chance(this.#faults.dropRate);
		const isDoubled = this.#random.chance(this.#faults.duplicateRate);
		const [there, back, again] = [this.#drawDelay(), this.#drawDelay(), this.#drawDelay()];
		if (isLost) {
			// Nobody is told: the sender waits for its timeout.
			this.#trace(`${label} lost on the way`);
			return;
		}
		const arrive = (isFirst: boolean): void => {
			const endpoint = this.#endpoints.get(request.destination);
			if (endpoint?.isAlive() !== true || !this.#isConnected(from, request.destination)) {
				if (isFirst) this.#time.setTimer(back, () => flight.fail('unreachable'));
				return;
			}
			this.#trace(`${label} ${isFirst ? 'arrived' : 'arrived again'}`);
			this.#deliver(flight, endpoint, {back, isAnswerLost: isAnswerLost || !isFirst});
		};
		this.#time.setTimer(there, () => arrive(true));
		if (isDoubled) this.#time.setTimer(there + again, () => arrive(false));
	}

	#deliver(flight: Flight, endpoint: Endpoint, way: {readonly back: number; readonly isAnswerLost: boolean}): void {
		const {from, request} = flight;
		const {method, path, headers} = request;
		const sendBack = (act: () => void): void => {
			if (way.isAnswerLost) return;
			this.#time.setTimer(way.back, () => {
				// A node that crashed, or was cut off, before its answer was out has not answered.
				if (endpoint.isAlive() && this.#isConnected(from, request.destination)) act();
				else flight.fail('connection_lost');
			});
		};
		// Bytes are copied, as a real network does: neither side sees what the other makes of them.
		const body = Uint8Array.from(request.body ?? []);
		endpoint.handle({from, method, path, headers: {...headers}, body}).then(
			(response) => sendBack(() => flight.answer({...response, body: Uint8Array.from(response.body)})),
			() => sendBack(() => flight.fail('connection_lost')),
		);
	}

	#isConnected(a: ServerName, b: ServerName): boolean {
		if (this.#groups.size === 0 || a === b) return true;
		const group = this.#groups.get(a);
		return group !== undefined && group === this.#groups.get(b);
	}

	#drawDelay(): number {
		const {delayMs, lateRate, lateMs} = this.#faults;
		const delay = this.#drawBetween(delayMs);
		const late = this.#drawBetween(lateMs);
		return this.#random.chance(lateRate) ? delay + late : delay;
	}

	#drawBetween([min, max]: readonly [number, number]): number {
		return min + this.#random.below(max - min + 1);
	}
}

function describeBody(body: Uint8Array | undefined): string {
	if (body === undefined || body.length === 0) return '-';
	return `${body.length}:${hashText(String.fromCharCode(...body.subarray(0, 10_000))).toString(16)}`;
}
