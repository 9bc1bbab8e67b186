import type {ServerName} from '../../crypto/index.ts';
import type {Clock, PolicyAnswer, PolicyRefusal, PolicyServers} from '../engine/index.ts';
import {POLICY_KEY_ID, toFederationEvent} from '../rooms/index.ts';
import type {FederationClient} from './client.ts';
import {OutboundError, RemoteError} from './errors.ts';
import {asObject} from './key-document.ts';

/** People wait for it, and so do the other events of a room while one from outside is asked about. */
const LIMITS = {timeoutMs: 10_000, responseBytesMax: 65_536} as const;
/** How long a policy server that gave no answer is not asked: one that is down must not hold every event up. */
const PAUSE_MS = 30_000;
/** Servers whose silence is remembered; a room names one. */
const PAUSED_MAX = 1_000;

const SILENT: PolicyRefusal = {
	status: 502,
	errcode: 'M_UNKNOWN',
	error: 'The policy server of the room does not answer',
};
const NOT_ASKED: PolicyRefusal = {
	status: 403,
	errcode: 'M_FORBIDDEN',
	error: 'This server does not talk with the policy server of the room',
};
const UNCLEAR: PolicyRefusal = {status: 403, errcode: 'M_FORBIDDEN', error: 'The policy server of the room said no'};

/**
 * Makes what asks policy servers to sign events.
 * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixpolicyv1sign
 */
export function createPolicyServers(
	client: Pick<FederationClient, 'request'>,
	clock: Pick<Clock, 'monotonic'>,
): PolicyServers {
	const pausedUntil = new Map<ServerName, number>();
	const pause = (server: ServerName): void => {
		pausedUntil.delete(server);
		const oldest = pausedUntil.size >= PAUSED_MAX ? pausedUntil.keys().next().value : undefined;
		if (oldest !== undefined) pausedUntil.delete(oldest);
		pausedUntil.set(server, clock.monotonic() + PAUSE_MS);
	};
	return {
		async ask(server, pdu): Promise<PolicyAnswer> {
			if ((pausedUntil.get(server) ?? 0) > clock.monotonic()) return {refusal: SILENT};
			try {
				const {body} = await client.request({
					destination: server,
					method: 'POST',
					path: '/_matrix/policy/v1/sign',
					body: toFederationEvent(pdu),
					limits: LIMITS,
				});
				const signature = asObject(asObject(body)?.[server])?.[POLICY_KEY_ID];
				return typeof signature === 'string' ? {signature} : {refusal: UNCLEAR};
			} catch (error) {
				if (!(error instanceof OutboundError)) throw error;
				const refusal = toRefusal(error);
				if (refusal === SILENT) pause(server);
				return {refusal};
			}
		},
	};
}

/** What a policy server says is told to whoever wants to send the event as it says it; that it says nothing, by us. */
function toRefusal(error: OutboundError): PolicyRefusal {
	if (error.code === 'not_allowed') return NOT_ASKED;
	if (!(error instanceof RemoteError) || error.status >= 500) return SILENT;
	// Our standing with that server is not the sender's: its 401 is not ours.
	if (error.status < 400 || error.status === 401 || error.errcode === undefined) return UNCLEAR;
	const {status, errcode, retryAfterMs} = error;
	return {status, errcode, error: error.text ?? UNCLEAR.error, retryAfterMs};
}
