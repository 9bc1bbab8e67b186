import {StorageError} from '../../storage/index.ts';
import {MatrixError} from '../http/index.ts';
import type {Damage} from './health.ts';

/**
 * A database that cannot be used just now is news for the client, who may come again, and so is a thing in it that cannot
 * be read, until somebody mends it; text that no database can hold was sent by mistake. What else may be wrong is a bug.
 */
export function storageErrorMapper(damage: Damage): (error: unknown) => MatrixError | undefined {
	return (error) => {
		if (!(error instanceof StorageError)) return undefined;
		damage.note(error);
		if (error.code === 'unavailable' || error.code === 'outcome_unknown') {
			return unavailable('The server cannot use its database just now', error);
		}
		if (error.code === 'invalid_text') {
			return new MatrixError('M_INVALID_PARAM', 'A name in the request is longer than can be stored', {cause: error});
		}
		return error.code === 'corrupt'
			? unavailable('What was asked for cannot be read back from the database', error)
			: undefined;
	};
}

function unavailable(text: string, cause: StorageError): MatrixError {
	return new MatrixError('M_UNKNOWN', text, {status: 503, headers: {'retry-after': '5'}, cause});
}
