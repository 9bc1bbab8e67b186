import {readClientJson} from '../../crypto/index.ts';
import {v} from '../validation/index.ts';
import {SearchError} from './errors.ts';

/** What results can be grouped by. */
export type GroupKey = 'room_id' | 'sender';

/** Where a search goes on. */
export interface SearchToken {
	/** After the result with this place in the index, for results by time. */
	readonly before?: number | undefined;
	/** After so many results, for results by rank. */
	readonly offset?: number | undefined;
	/** Only results of one group. */
	readonly group?: {readonly key: GroupKey; readonly value: string} | undefined;
}

const schema = v.object({
	before: v.optional(v.integer({min: 0})),
	offset: v.optional(v.integer({min: 0})),
	group: v.optional(v.object({key: v.literal('room_id', 'sender'), value: v.string({max: 255})})),
});

/** Writes down where a search goes on. */
export function writeSearchToken(token: SearchToken): string {
	return Buffer.from(JSON.stringify(token)).toString('base64url');
}

/** @throws SearchError 'invalid-token' */
export function readSearchToken(text: string | undefined): SearchToken {
	if (text === undefined || text === '') return {};
	try {
		return schema.check(readClientJson(Buffer.from(text, 'base64url').toString('utf8')), 'next_batch');
	} catch (cause) {
		throw new SearchError('invalid-token', 'next_batch: not a token of this server', {cause});
	}
}
