import {type Condition, ConflictError, DuplicateError} from '../../storage/index.ts';
import {EncryptionError} from './errors.ts';

/** Other processes may change the same at the same time; so many times in a row is no coincidence. */
const ATTEMPTS_MAX = 40;

/** What tells that somebody else changed the same first. */
export interface Overtaken {
	readonly condition: Condition;
	/** Whose key exists already. */
	readonly table: string;
}

/** Whether a commit failed because somebody else changed the same first. */
export function isOvertaken(error: unknown, {condition, table}: Overtaken): boolean {
	return (
		(error instanceof ConflictError && error.condition === condition) ||
		(error instanceof DuplicateError && error.table === table)
	);
}

/** Makes a change again, from its reading on, for as long as others come first. @throws EncryptionError 'contended' */
export async function retryOvertaken<T>(by: Overtaken, attempt: () => Promise<T>): Promise<T> {
	for (let attempts = 1; ; attempts += 1) {
		try {
			return await attempt();
		} catch (error) {
			if (!isOvertaken(error, by)) throw error;
			if (attempts === ATTEMPTS_MAX) {
				throw new EncryptionError('contended', 'This is being changed by others: try again', {cause: error});
			}
		}
	}
}
