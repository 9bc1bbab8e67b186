import {createHmac} from 'node:crypto';
import {newOpaqueId, secretsEqual, type RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';

/** Synapse gives its nonces a minute. */
const NONCE_LIFETIME_MS = 60_000;
const NONCES_MAX = 1_000;

/** A registration by the server's shared secret, as Synapse's tools ask for it. */
export interface SharedSecretRequest {
	readonly nonce: string;
	readonly username: string;
	readonly password: string;
	readonly isAdmin: boolean;
	readonly userType: string | undefined;
	/** HMAC-SHA1 in hexadecimal. */
	readonly mac: string;
}

/** Proofs that somebody knows the shared secret. */
export interface SharedSecret {
	/** Whether the server has a secret at all. */
	readonly isSet: boolean;
	/** Gives a nonce, good for one proof within a minute. */
	createNonce(): string;
	/** Whether the nonce is good (it is no longer afterwards) and the proof is right. */
	check(request: SharedSecretRequest): boolean;
}

/**
 * Makes the check of Synapse's shared-secret registration: HMAC-SHA1 over nonce, name, password, `admin` or `notadmin`
 * and, where given, the user type, with NUL between them.
 */
export function createSharedSecret({
	secret,
	clock,
	random,
}: {
	readonly secret: string | undefined;
	readonly clock: Clock;
	readonly random: RandomBytes;
}): SharedSecret {
	const expiryOfNonce = new Map<string, number>();
	return {
		isSet: secret !== undefined,
		createNonce() {
			const nowMs = clock.monotonic();
			for (const [nonce, expiryMs] of expiryOfNonce) {
				if (expiryMs > nowMs && expiryOfNonce.size < NONCES_MAX) {
					break;
				}
				expiryOfNonce.delete(nonce);
			}
			const nonce = newOpaqueId(random);
			expiryOfNonce.set(nonce, nowMs + NONCE_LIFETIME_MS);
			return nonce;
		},
		check({nonce, username, password, isAdmin, userType, mac}) {
			const expiryMs = expiryOfNonce.get(nonce);
			expiryOfNonce.delete(nonce);
			if (secret === undefined || expiryMs === undefined || expiryMs <= clock.monotonic()) {
				return false;
			}
			const parts = [
				nonce,
				username,
				password,
				isAdmin ? 'admin' : 'notadmin',
				...(userType === undefined ? [] : [userType]),
			];
			// A NUL inside a part could move the border between two parts.
			return (
				!parts.some((part) => part.includes('\0')) &&
				secretsEqual(createHmac('sha1', secret).update(parts.join('\0')).digest('hex'), mac.toLowerCase())
			);
		},
	};
}
