import {MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** An event, and what signs it. */
const BODY_BYTES_MAX = 128 * 1024;

/**
 * Nobody of this server is invited by an address, and nobody is let into its rooms by one: whatever room it is about, the
 * answer is the same.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid
 */
export const exchangeThirdPartyInvite = route({
	id: 'exchangeThirdPartyInvite',
	method: 'PUT',
	path: '/_matrix/federation/v1/exchange_third_party_invite/:roomId',
	auth: 'server',
	rateLimit: 'federation',
	body: v.jsonObject(),
	bodyBytesMax: BODY_BYTES_MAX,
	handle() {
		throw new MatrixError('M_FORBIDDEN', 'This server lets nobody in by an address');
	},
});

/**
 * No account of this server has an address that an identity server could tell of.
 * @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv13pidonbind
 */
export const onBindThirdPartyIdentifier = route({
	id: 'onBindThirdPartyIdentifier',
	method: 'PUT',
	path: '/_matrix/federation/v1/3pid/onbind',
	auth: 'none',
	rateLimit: 'federation-unsigned',
	body: v.jsonObject(),
	bodyBytesMax: BODY_BYTES_MAX,
	handle() {
		throw new MatrixError('M_FORBIDDEN', 'This server takes no news of addresses');
	},
});
