import type {Clock, Timer} from '../../federation/engine/index.ts';

/** Steps after which a simulation that never comes to rest is given up. */
const STEPS_MAX = 1_000_000;

interface Task {
	readonly dueAt: number;
	/** Tasks of one moment run in the order in which they were set. */
	readonly order: number;
	readonly run: () => void;
	isCancelled: boolean;
}

/**
 * One time for all nodes of a simulation. It stands still while code runs and jumps to the next timer when nothing else is
 * left to do, so an hour of retries takes no time, and every run sees the same order of things.
 */
export class VirtualTime {
	#nowMs = 0;
	#order = 0;
	#outside = 0;
	/** A binary heap, the next task first. */
	readonly #tasks: Task[] = [];

	/** Milliseconds since the simulation began. */
	get nowMs(): number {
		return this.#nowMs;
	}

	/** How many timers are pending. */
	get pending(): number {
		return this.#tasks.filter((task) => !task.isCancelled).length;
	}

	setTimer(delayMs: number, run: () => void): Timer {
		const task: Task = {dueAt: this.#nowMs + Math.max(0, delayMs), order: this.#order++, run, isCancelled: false};
		this.#push(task);
		return {
			cancel: () => {
				task.isCancelled = true;
			},
		};
	}

	/**
	 * Lets time stand still until real work has ended: a disk, a worker thread. Its outcome must not depend on how long it
	 * takes; two such works at once end in an order that no seed decides.
	 */
	async holdFor<Value>(work: Promise<Value>): Promise<Value> {
		this.#outside++;
		try {
			return await work;
		} finally {
			this.#outside--;
		}
	}

	/** Runs until `isDone` says so, until no timer is pending, or until the given moment; says whether `isDone` did. */
	async run(options: {readonly untilMs?: number; readonly isDone?: () => boolean} = {}): Promise<boolean> {
		const {untilMs = Number.POSITIVE_INFINITY, isDone = () => false} = options;
		for (let step = 0; step < STEPS_MAX; step++) {
			// Each step must see all that the one before it brought about.
			// oxlint-disable-next-line no-await-in-loop
			await this.#settle();
			if (isDone()) return true;
			const task = this.#tasks[0];
			if (task === undefined || task.dueAt > untilMs) {
				if (untilMs !== Number.POSITIVE_INFINITY) this.#nowMs = Math.max(this.#nowMs, untilMs);
				return false;
			}
			this.#pop();
			if (task.isCancelled) continue;
			this.#nowMs = Math.max(this.#nowMs, task.dueAt);
			task.run();
		}
		throw new Error(`Expected the simulation to come to rest within ${STEPS_MAX} steps, got no end`);
	}

	/**
	 * Gives every promise that can go on the chance to do so: setImmediate comes after all of them. What runs then may call
	 * setImmediate in turn, and is waited for as well.
	 */
	async #settle(): Promise<void> {
		do {
			// oxlint-disable-next-line no-await-in-loop
			await settleOnce();
		} while (this.#outside > 0 || hasImmediates());
	}

	#push(task: Task): void {
		let at = this.#tasks.length;
		this.#tasks.push(task);
		while (at > 0) {
			const parentAt = (at - 1) >> 1;
			const parent = this.#tasks[parentAt] as Task;
			if (isBefore(parent, task)) break;
			this.#tasks[at] = parent;
			at = parentAt;
		}
		this.#tasks[at] = task;
	}

	#pop(): void {
		const last = this.#tasks.pop();
		if (last === undefined || this.#tasks.length === 0) return;
		let at = 0;
		for (;;) {
			let childAt = 2 * at + 1;
			const left = this.#tasks[childAt];
			const right = this.#tasks[childAt + 1];
			if (left === undefined) break;
			if (right !== undefined && isBefore(right, left)) childAt++;
			const child = this.#tasks[childAt] as Task;
			if (isBefore(last, child)) break;
			this.#tasks[at] = child;
			at = childAt;
		}
		this.#tasks[at] = last;
	}
}

/** Simulations of this process that wait for all else to be done. */
let settling = 0;

async function settleOnce(): Promise<void> {
	settling++;
	await new Promise<void>((resolve) => {
		setImmediate(resolve);
	});
	settling--;
}

/** Whether setImmediate was called by anybody but simulations that wait, of which each would wait for the others. */
function hasImmediates(): boolean {
	return process.getActiveResourcesInfo().filter((resource) => resource === 'Immediate').length > settling;
}

/** How a node's clock shows the simulation's time. */
export interface ClockOptions {
	/** What the clock shows when the simulation begins, in milliseconds since the Unix epoch. */
	readonly startsAt: number;
	/** Nothing but this moment's process may run timers and see them fire. */
	readonly isAlive: () => boolean;
}

/** Gives a node its clock. Timers of a node that crashed never run. */
export function createVirtualClock(time: VirtualTime, {startsAt, isAlive}: ClockOptions): Clock {
	return {
		now: () => startsAt + time.nowMs,
		monotonic: () => time.nowMs,
		setTimer: (delayMs, run) =>
			time.setTimer(delayMs, () => {
				if (isAlive()) run();
			}),
	};
}

function isBefore(a: Task, b: Task): boolean {
	return a.dueAt === b.dueAt ? a.order < b.order : a.dueAt < b.dueAt;
}
