import type {UserId} from '../../../crypto/index.ts';
import {MatrixError, type UserCaller} from '../../http/index.ts';

/** Refuses, before anything is looked up, whoever asks for what is another user's. */
export function checkOwn(caller: UserCaller, userId: UserId): void {
	if (caller.userId !== userId) throw new MatrixError('M_FORBIDDEN', 'This belongs to another user');
}
