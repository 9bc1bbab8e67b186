import {EDUS_MAX, PDUS_MAX, takeTransaction} from '../../../federation/inbound/index.ts';
import {limitExceeded, MatrixError} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** 50 events of 65,536 bytes, 100 EDUs, and room for their envelopes. */
const BODY_BYTES_MAX = 10 * 1024 * 1024;
/** When staging is full, how long a partner server is asked to wait. */
const FULL_RETRY_MS = 10_000;
const TXN_ID_LENGTH_MAX = 255;

/** Takes events and ephemeral data of another server. @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1sendtxnid */
export const sendTransaction = route({
	id: 'sendTransaction',
	method: 'PUT',
	path: '/_matrix/federation/v1/send/:txnId',
	auth: 'server',
	rateLimit: 'federation',
	body: v.object({
		pdus: v.array(v.any(), {max: PDUS_MAX}),
		edus: v.optional(v.array(v.any(), {max: EDUS_MAX})),
	}),
	bodyBytesMax: BODY_BYTES_MAX,
	allowsDefects: true,
	handle({caller, parameters, body, defects}, {federation}) {
		if (parameters.txnId.length > TXN_ID_LENGTH_MAX)
			throw new MatrixError('M_INVALID_PARAM', 'The transaction id is too long');
		if (!federation.transactions.staging.hasRoomFor(caller.origin)) throw limitExceeded(FULL_RETRY_MS);
		const outside = defects.find(({path}) => (path[0] !== 'pdus' && path[0] !== 'edus') || path.length < 2);
		if (outside) throw new MatrixError('M_BAD_JSON', 'The transaction itself is broken');
		const brokenIn = (list: string): ReadonlySet<number> =>
			new Set(defects.filter(({path}) => path[0] === list).map(({path}) => Number(path[1])));
		return takeTransaction(federation.transactions, {
			origin: caller.origin,
			txnId: parameters.txnId,
			pdus: body.pdus,
			edus: body.edus ?? [],
			brokenPdus: brokenIn('pdus'),
			brokenEdus: brokenIn('edus'),
		});
	},
});
