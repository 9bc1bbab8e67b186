import {setTimeout as wait} from 'node:timers/promises';
import {type Storage, StorageError} from '../../storage/index.ts';
import type {Health} from '../services.ts';

/** A database that has not answered the smallest of questions by then is not one that people can be served from. */
const ANSWER_MS_MAX = 2_000;

/** Gives what `/health` asks: whether the database answers. Never throws. */
export function createHealth(storage: Pick<Storage, 'meta'>): () => Promise<Health> {
	// Many may ask at once; the database is asked once.
	let asking: Promise<Health> | undefined;
	return () => {
		asking ??= ask(storage).finally(() => {
			asking = undefined;
		});
		return asking;
	};
}

async function ask(storage: Pick<Storage, 'meta'>): Promise<Health> {
	const given = new AbortController();
	const late = wait(ANSWER_MS_MAX, 'late', {signal: given.signal, ref: false}).catch(() => 'late');
	const answered = storage.meta.find('health').then(
		() => 'answered',
		(error: unknown) => (error instanceof StorageError ? error.code : 'failed'),
	);
	const outcome = await Promise.race([answered, late]);
	given.abort();
	return outcome === 'answered'
		? {status: 'ok', problems: []}
		: {status: 'degraded', problems: [`database ${outcome}`]};
}
