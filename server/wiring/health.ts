import {setTimeout as wait} from 'node:timers/promises';
import {type Storage, StorageError} from '../../storage/index.ts';
import type {Health} from '../services.ts';

/** A database that has not answered the smallest of questions by then is not one that people can be served from. */
const ANSWER_MS_MAX = 2_000;

/** What was found in the database since the start that cannot be read back. */
export class Damage {
	#count = 0;

	get count(): number {
		return this.#count;
	}

	/** Counts an error that says so; others are none of its business. */
	note(cause: unknown): void {
		if (cause instanceof StorageError && cause.code === 'corrupt') this.#count += 1;
	}

	/** Counts a stored event that is none. */
	noteEvent(): void {
		this.#count += 1;
	}
}

/** Gives what `/health` asks: whether the database answers, and whether what it holds can be read. Never throws. */
export function createHealth(storage: Pick<Storage, 'meta'>, damage: Pick<Damage, 'count'>): () => Promise<Health> {
	// Many may ask at once; the database is asked once.
	let asking: Promise<Health> | undefined;
	return () => {
		asking ??= ask(storage, damage).finally(() => {
			asking = undefined;
		});
		return asking;
	};
}

/** Adds to what `/health` asks whether there is too much to do: then some is refused, and the rest is served. */
export function withLoad(health: () => Promise<Health>, isLate: () => boolean): () => Promise<Health> {
	return async () => {
		const found = await health();
		return isLate() ? {...found, status: 'degraded', problems: [...found.problems, 'overloaded']} : found;
	};
}

async function ask(storage: Pick<Storage, 'meta'>, damage: Pick<Damage, 'count'>): Promise<Health> {
	const given = new AbortController();
	const late = wait(ANSWER_MS_MAX, 'late', {signal: given.signal, ref: false}).catch(() => 'late');
	const answered = storage.meta.find('health').then(
		() => 'answered',
		(error: unknown) => (error instanceof StorageError ? error.code : 'failed'),
	);
	const outcome = await Promise.race([answered, late]);
	given.abort();
	if (outcome !== 'answered') return {status: 'degraded', canServe: false, problems: [`database ${outcome}`]};
	// What is damaged fails alone; all else is served.
	if (damage.count > 0) return {status: 'degraded', canServe: true, problems: ['damaged rows']};
	return {status: 'ok', canServe: true, problems: []};
}
