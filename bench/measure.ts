/** Measurements: closed loops of a bounded number of operations in a bounded time, and exact percentiles. */
import {readUsage, type Usage} from './process-meter.ts';

/** What one measurement gives. Times of single operations are in milliseconds. */
export interface Figures {
	readonly title: string;
	readonly operations: number;
	readonly failures: number;
	/** The first failure's words, where there was one. */
	readonly failure: string | undefined;
	readonly seconds: number;
	readonly perSecond: number;
	readonly p50: number;
	readonly p95: number;
	readonly p99: number;
	readonly max: number;
	/** Of the server; undefined where its process is not known. */
	readonly cpuSecondsPer1000: number | undefined;
	/** The same for each process, in the order in which they were given. */
	readonly cpuSecondsPer1000Each: readonly number[];
	/** Of this program, to show that it is not what was measured. */
	readonly clientCpuSecondsPer1000: number;
	readonly rssBytes: number | undefined;
	readonly writtenBytesPerOperation: number | undefined;
}

/** The bounds of every measurement. */
export interface Bounds {
	readonly operationsMax: number;
	readonly secondsMax: number;
}

/** Collects the times of one measurement's operations, up to a bound that is known from the start. */
export class Stopwatch {
	readonly #title: string;
	readonly #pids: readonly number[];
	readonly #times: Float64Array;
	readonly #usages: readonly Usage[];
	readonly #ownCpu: NodeJS.CpuUsage;
	readonly #begun: number;
	#count = 0;
	#failures = 0;
	#failure: string | undefined;

	/** Begins at once. `pids` are the servers' processes. */
	constructor(title: string, operationsMax: number, pids: readonly number[]) {
		this.#title = title;
		this.#pids = pids;
		this.#times = new Float64Array(operationsMax);
		this.#usages = pids.map(readUsage);
		this.#ownCpu = process.cpuUsage();
		this.#begun = performance.now();
	}

	/** The milliseconds since the measurement began. */
	get elapsedMs(): number {
		return performance.now() - this.#begun;
	}

	add(milliseconds: number): void {
		this.#times[this.#count] = milliseconds;
		this.#count += 1;
	}

	fail(cause: unknown): void {
		this.#failures += 1;
		this.#failure ??= cause instanceof Error ? cause.message : String(cause);
	}

	/** Ends the measurement. */
	read(): Figures {
		const seconds = this.elapsedMs / 1_000;
		const own = process.cpuUsage(this.#ownCpu);
		const after = this.#pids.map(readUsage);
		const times = this.#times.subarray(0, this.#count).toSorted();
		const operations = Math.max(1, times.length);
		const difference = (key: keyof Usage) =>
			sum(after.map((usage) => usage[key])) - sum(this.#usages.map((usage) => usage[key]));
		const hasMeter = this.#pids.length > 0;
		const each = after.map(({cpuSeconds}, index) => cpuSeconds - (this.#usages[index]?.cpuSeconds ?? 0));
		return {
			title: this.#title,
			operations: times.length,
			failures: this.#failures,
			failure: this.#failure,
			seconds,
			perSecond: times.length / seconds,
			p50: percentile(times, 0.5),
			p95: percentile(times, 0.95),
			p99: percentile(times, 0.99),
			max: percentile(times, 1),
			cpuSecondsPer1000: hasMeter ? (difference('cpuSeconds') / operations) * 1_000 : undefined,
			cpuSecondsPer1000Each: each.map((seconds_) => (seconds_ / operations) * 1_000),
			clientCpuSecondsPer1000: (own.user + own.system) / 1_000 / operations,
			rssBytes: hasMeter ? sum(after.map((usage) => usage.rssBytes)) : undefined,
			writtenBytesPerOperation: hasMeter ? difference('writtenBytes') / operations : undefined,
		};
	}
}

/** A loop that each of `workers` goes round on its own, beginning the next operation when the last is answered. */
export interface Loop extends Bounds {
	readonly title: string;
	readonly pids: readonly number[];
	readonly workers: number;
	/** So many operations go first and are not counted: code is compiled, connections are open. */
	readonly warmUp: number;
	/** One operation; `index` counts all operations, the warm-up's too. @throws where the answer is not the right one. */
	operate(worker: number, index: number): Promise<void>;
}

/** Runs the loop within its bounds. */
export async function measureLoop(loop: Loop): Promise<Figures> {
	await goRound(loop, 0, loop.warmUp, undefined);
	const watch = new Stopwatch(loop.title, loop.operationsMax, loop.pids);
	await goRound(loop, loop.warmUp, loop.warmUp + loop.operationsMax, watch);
	return watch.read();
}

/** After so many failures a measurement says nothing and ends. */
const FAILURES_MAX = 100;

async function goRound(loop: Loop, from: number, to: number, watch: Stopwatch | undefined): Promise<void> {
	const end = performance.now() + loop.secondsMax * 1_000;
	let next = from;
	let failures = 0;
	const work = async (worker: number) => {
		while (next < to && performance.now() < end && failures < FAILURES_MAX) {
			const index = next;
			next += 1;
			const begun = performance.now();
			try {
				await loop.operate(worker, index);
				watch?.add(performance.now() - begun);
			} catch (cause) {
				failures += 1;
				watch?.fail(cause);
			}
		}
	};
	await Promise.all(Array.from({length: loop.workers}, (_, worker) => work(worker)));
}

/** Does `work` for 0 … count−1, at most `limit` at a time. */
export async function forEachOf(count: number, limit: number, work: (index: number) => Promise<void>): Promise<void> {
	let next = 0;
	const worker = async () => {
		while (next < count) {
			const index = next;
			next += 1;
			await work(index);
		}
	};
	await Promise.all(Array.from({length: Math.min(limit, count)}, worker));
}

/** The smallest time that is not less than the share `part` of all; NaN where there is none. */
export function percentile(sorted: Float64Array, part: number): number {
	return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
