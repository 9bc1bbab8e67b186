/** What answering costs the server, counted inside it: password hashes, reads of the database, writes. */
import {PasswordHasher} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';

/** How much work was done since the start. */
export interface Counts {
	readonly hashes: number;
	readonly reads: number;
	readonly writes: number;
}

/** Counts hashes, whether they are made or checked. */
export class CountingPasswords extends PasswordHasher {
	count = 0;
	readonly #inner: PasswordHasher;

	/** @param inner what hashes; default: as a server does that nobody configured */
	constructor(inner: PasswordHasher = new PasswordHasher()) {
		super();
		this.#inner = inner;
	}

	override hash(password: string): Promise<string> {
		this.count += 1;
		return this.#inner.hash(password);
	}

	override verify(password: string, stored: string | undefined): Promise<boolean> {
		this.count += 1;
		return this.#inner.verify(password, stored);
	}

	override needsRehash(stored: string): boolean {
		return this.#inner.needsRehash(stored);
	}
}

/** Verbs that ask the database; the others fill batches or are about memory. */
const READS = /^(?:find|list|count|get|is|has)/u;

/** Puts counters between a storage and those who use it, and gives what they have counted so far. */
export function countWork(storage: Storage): () => Omit<Counts, 'hashes'> {
	const counted = {reads: 0, writes: 0};
	for (const repository of Object.values(storage)) {
		if (typeof repository !== 'object' || repository === null) continue;
		const methods = repository as Record<string, unknown>;
		for (const [name, method] of Object.entries(methods)) {
			if (typeof method !== 'function' || !READS.test(name)) continue;
			methods[name] = (...parameters: unknown[]): unknown => {
				counted.reads += 1;
				return Reflect.apply(method, repository, parameters);
			};
		}
	}
	const commit = storage.commit.bind(storage);
	(storage as {commit: Storage['commit']}).commit = (batch) => {
		counted.writes += 1;
		return commit(batch);
	};
	return () => ({...counted});
}
