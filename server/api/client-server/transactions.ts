import type {RoomId} from '../../../crypto/index.ts';
import {MatrixError, type UserCaller} from '../../http/index.ts';

/** Transaction ids of real clients are a tenth of this. */
const txnIdCharactersMax = 255;

/**
 * Names a request that a client may repeat: the same device, the same path.
 * @param endpoint what of the path is not the room and the transaction id
 * @see https://spec.matrix.org/v1.19/client-server-api/#transaction-identifiers
 */
export function roomTransaction(caller: UserCaller, endpoint: string, roomId: RoomId, txnId: string) {
	return {...transactionOf(caller, endpoint, txnId), roomId};
}

/** Names a request that is about no room, likewise. */
export function transactionOf({userId, deviceId}: UserCaller, endpoint: string, txnId: string) {
	if (txnId.length > txnIdCharactersMax) {
		throw new MatrixError('M_INVALID_PARAM', `Expected a transaction id of at most ${txnIdCharactersMax} characters`);
	}
	return {userId, deviceId, method: 'PUT', endpoint, roomId: '' as const, txnId};
}
