/** Counts what a server reads of its database: two answers that cost the same number of reads differ in no clock for long. */
import type {Storage} from '../../storage/index.ts';

/** Counts calls of the repositories of one storage. */
export interface ReadCounter {
	/** Runs something a few times, and gives how many reads there were at least: those of the server's own work are not its. */
	count(run: () => Promise<unknown>): Promise<number>;
}

/** Verbs that ask the database; the others fill batches or are about memory. */
const READS = /^(?:find|list|count|get|is|has)/u;

/** Rounds of which one is free of other work. */
const ROUNDS = 4;

/** Puts a counter between a storage's repositories and those who ask them; it stays there. */
export function countReads(storage: Storage): ReadCounter {
	let reads = 0;
	for (const repository of Object.values(storage)) {
		if (typeof repository !== 'object' || repository === null) continue;
		const methods = repository as Record<string, unknown>;
		for (const [name, method] of Object.entries(methods)) {
			if (typeof method !== 'function' || !READS.test(name)) continue;
			methods[name] = (...parameters: unknown[]): unknown => {
				reads += 1;
				return Reflect.apply(method, repository, parameters);
			};
		}
	}
	return {
		async count(run) {
			let least = Number.POSITIVE_INFINITY;
			for (let round = 0; round < ROUNDS; round += 1) {
				const before = reads;
				await run();
				least = Math.min(least, reads - before);
			}
			return least;
		},
	};
}
