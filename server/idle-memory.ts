import {getHeapStatistics} from 'node:v8';
import {collectGarbage} from './startup-memory.ts';

/** A busy server collects its garbage itself, a little at a time; a quiet one would keep for good what a burst has left. */
const LOOK_MS = 1_000;
/** A server that is quiet uses less than this part of a processor. */
const QUIET = 0.05;
/** So many looks in a row find it quiet: nobody is in the middle of something. */
const QUIET_LOOKS = 2;
/** Less is not worth stopping for. */
const GROWN_BYTES_MIN = 10 * 1_048_576;
/** Collecting everything stops the program for a millisecond or two for each MiB: a larger heap is left to V8, which takes steps. */
const HEAP_BYTES_MAX = 192 * 1_048_576;
/** A server that is used a little all the time stops no oftener. */
const BETWEEN_MS = 30_000;

/** What a look at the process sees. */
export interface MemoryLook {
	readonly nowMs: number;
	/** Used by all threads since the process began. */
	readonly processorMs: number;
	/** What the heap takes up, garbage and free space in it included. */
	readonly heapBytes: number;
}

/**
 * Finds the moments in which collecting all garbage disturbs nobody and gives much back. A collection has two halves, half a
 * minute apart: what connections and timers of the burst held is garbage only when they have ended.
 */
export class QuietMoments {
	#last: MemoryLook;
	/** As the last collection left it. */
	#collected: MemoryLook;
	#quietLooks = 0;
	#isHalfDone = false;

	constructor(first: MemoryLook) {
		this.#last = first;
		this.#collected = first;
	}

	/** Whether half a collection is due. */
	isDue(look: MemoryLook): boolean {
		const used = (look.processorMs - this.#last.processorMs) / (look.nowMs - this.#last.nowMs);
		this.#last = look;
		this.#quietLooks = used < QUIET ? this.#quietLooks + 1 : 0;
		if (this.#quietLooks < QUIET_LOOKS || look.heapBytes > HEAP_BYTES_MAX) return false;
		const {nowMs, heapBytes} = this.#collected;
		if (look.nowMs - nowMs < BETWEEN_MS) return false;
		return this.#isHalfDone || look.heapBytes - heapBytes >= GROWN_BYTES_MIN;
	}

	/** Notes that it was done. The time that it took itself is not taken for work. */
	noteCollected(look: MemoryLook): void {
		this.#isHalfDone = !this.#isHalfDone;
		this.#last = look;
		this.#collected = look;
	}
}

/** Gives back in quiet moments what a burst of requests has left behind. It keeps no process alive. */
export function keepMemorySmall(): void {
	const moments = new QuietMoments(readMemory());
	setInterval(() => {
		if (!moments.isDue(readMemory())) return;
		collectGarbage();
		moments.noteCollected(readMemory());
	}, LOOK_MS).unref();
}

function readMemory(): MemoryLook {
	const {user, system} = process.cpuUsage();
	return {
		nowMs: performance.now(),
		processorMs: (user + system) / 1_000,
		heapBytes: getHeapStatistics().total_physical_size,
	};
}
