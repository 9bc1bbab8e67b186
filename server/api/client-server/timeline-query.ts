import {readPlaceToken, type TimelinePoint} from '../../events/index.ts';
import {MatrixError} from '../../http/index.ts';

/** Events of one answer where the client does not say. */
const limitDefault = 10;
/** Events of one answer at most. */
const limitMax = 1_000;

/**
 * Reads a pagination token.
 * @throws MatrixError M_INVALID_PARAM for what this server has never given out
 */
export function readPoint(name: string, token: string | undefined): TimelinePoint | undefined {
	if (token === undefined || token === '') return undefined;
	const point = readPlaceToken(token);
	if (!point) throw new MatrixError('M_INVALID_PARAM', `'${name}' is no token of this server`);
	return point;
}

/** Reads how many events are wanted. */
export function readLimit(limit: number | undefined): number {
	return Math.min(limit ?? limitDefault, limitMax);
}
