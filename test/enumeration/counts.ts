/** What answering costs the server, counted inside it for each request: password hashes, reads of the database, writes. */
import {AsyncLocalStorage} from 'node:async_hooks';
import {subscribe, unsubscribe} from 'node:diagnostics_channel';
import type {IncomingMessage} from 'node:http';
import {PasswordHasher} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';

/** How much work a request was. */
export interface Counts {
	hashes: number;
	reads: number;
	writes: number;
}

/** Says which request it is, so that its work is found again; the server does not read it. */
export const COUNTED_HEADER = 'x-counted-as';

const current = new AsyncLocalStorage<Counts>();
const note = (kind: keyof Counts): void => {
	const counts = current.getStore();
	if (counts !== undefined) counts[kind] += 1;
};

/** The work of each request that named itself. */
export class WorkCounter {
	readonly #byName = new Map<string, Counts>();
	readonly #begin = (message: unknown): void => {
		const {request} = message as {request: IncomingMessage};
		const name = request.headers[COUNTED_HEADER];
		if (typeof name !== 'string') return;
		const counts = {hashes: 0, reads: 0, writes: 0};
		this.#byName.set(name, counts);
		current.enterWith(counts);
	};

	constructor() {
		subscribe('http.server.request.start', this.#begin);
	}

	/** Gives what a request has cost until it was answered, once. */
	take(name: string): Counts | undefined {
		const counts = this.#byName.get(name);
		this.#byName.delete(name);
		return counts;
	}

	/** Counts no more. */
	stop(): void {
		unsubscribe('http.server.request.start', this.#begin);
	}
}

/** Counts hashes, whether they are made or checked. */
export class CountingPasswords extends PasswordHasher {
	readonly #inner: PasswordHasher;

	/** @param inner what hashes; default: as a server does that nobody configured */
	constructor(inner: PasswordHasher = new PasswordHasher()) {
		super();
		this.#inner = inner;
	}

	override hash(password: string): Promise<string> {
		note('hashes');
		return this.#inner.hash(password);
	}

	override verify(password: string, stored: string | undefined): Promise<boolean> {
		note('hashes');
		return this.#inner.verify(password, stored);
	}

	override needsRehash(stored: string): boolean {
		return this.#inner.needsRehash(stored);
	}
}

/** Verbs that ask the database; the others fill batches or are about memory. */
const READS = /^(?:find|list|count|get|is|has)/u;

/** Puts counters between a storage and those who use it; they stay there. */
export function countStorage(storage: Storage): void {
	for (const repository of Object.values(storage)) {
		if (typeof repository !== 'object' || repository === null) continue;
		const methods = repository as Record<string, unknown>;
		for (const [name, method] of Object.entries(methods)) {
			if (typeof method !== 'function' || !READS.test(name)) continue;
			methods[name] = (...parameters: unknown[]): unknown => {
				note('reads');
				return Reflect.apply(method, repository, parameters);
			};
		}
	}
	const commit = storage.commit.bind(storage);
	(storage as {commit: Storage['commit']}).commit = (batch) => {
		note('writes');
		return commit(batch);
	};
}
