import {
	decodeBase64,
	findSignedMessage,
	isServerName,
	type ServerName,
	type SignedMessage,
} from '../../crypto/index.ts';
import {signedForm} from './event-hashes.ts';
import {isJsonObject} from './json-object.ts';
import type {Pdu} from './pdu.ts';

/** The key id under which a policy server signs; the key itself stands in the room's state. */
export const POLICY_KEY_ID = 'ed25519:policy_server';

/** A server that recommends a room's events. */
export interface PolicyServer {
	readonly name: ServerName;
	/** Absent where the room names a key that is none: nothing is recommended then. */
	readonly publicKey: Uint8Array | undefined;
}

/**
 * Gives the policy server that a room's `m.room.policy` names. It is in use only while somebody of it is in the room.
 * @see https://spec.matrix.org/v1.19/server-server-api/#determining-if-a-policy-server-is-enabled-in-a-room
 */
export function policyServerOf(event: Pdu | undefined): PolicyServer | undefined {
	const {via, public_keys: keys} = event?.content ?? {};
	const key = isJsonObject(keys) ? keys['ed25519'] : undefined;
	if (!isServerName(via) || typeof key !== 'string') return undefined;
	return {name: via, publicKey: decodeBase64(key, {padding: true})};
}

/** Whether a policy server is asked about an event: about all but the one that names it, so that it can be got rid of. */
export function isForPolicyServer({type, stateKey}: Pick<Pdu, 'type' | 'stateKey'>): boolean {
	return type !== 'm.room.policy' || stateKey !== '';
}

/** Gives what has to be verified for an event to be recommended; absent where it carries no such signature. */
export function findRecommendation(pdu: Pdu, {name, publicKey}: PolicyServer): SignedMessage | undefined {
	if (publicKey === undefined) return undefined;
	const signed = {...signedForm(pdu.roomVersion, pdu.json), signatures: pdu.signatures};
	return findSignedMessage(signed, name, POLICY_KEY_ID, publicKey);
}

/** Puts a policy server's signature onto an event, in place of one that is there already. */
export function withRecommendation(pdu: Pdu, server: ServerName, signature: string): Pdu {
	const signatures = {...pdu.signatures, [server]: {...pdu.signatures[server], [POLICY_KEY_ID]: signature}};
	return {...pdu, signatures, json: {...pdu.json, signatures}};
}
