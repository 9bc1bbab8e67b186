import {sql} from 'drizzle-orm';
import type {UserId} from '../../crypto/index.ts';
import type {Batch} from '../batch.ts';
import {equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import {tables} from '../schema/index.ts';

const {accounts} = tables;

/**
 * Makes what lets batches about one account wait for each other until they are committed: what a later statement of the
 * batch counts, nobody changes meanwhile. ConflictError('account') where there is no such account.
 */
export function createAccountLock(core: Core): (batch: Batch, userId: UserId) => void {
	const lock = core.put(
		core.catalog.write<{userId: UserId}>(
			(p) => sql`update ${accounts} set created_day = created_day where ${equals(accounts.userId, p.userId)}`,
		),
		{expect: {changes: 1, condition: 'account'}},
	);
	return (batch, userId) => lock(batch, {userId});
}
