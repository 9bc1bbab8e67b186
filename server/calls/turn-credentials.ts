import {createHmac} from 'node:crypto';
import {newOpaqueId, type RandomBytes} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';

/** A relay, and the secret that it shares with this server. */
export interface TurnRelay {
	readonly uris: readonly string[];
	readonly secret: string;
	readonly lifetimeMs: number;
}

/** What a client shows the relay. */
export interface TurnCredentials {
	readonly username: string;
	readonly password: string;
	readonly uris: readonly string[];
	readonly expiresInMs: number;
}

/**
 * Makes credentials that the relay believes without asking: a name that begins with the time at which they end, and its
 * HMAC-SHA1. The rest of the name is random each time, so that the relay's log does not say who called.
 * @see https://datatracker.ietf.org/doc/html/draft-uberti-behave-turn-rest-00
 */
export function createTurnCredentials(
	{uris, secret, lifetimeMs}: TurnRelay,
	{clock, random}: {readonly clock: Pick<Clock, 'now'>; readonly random: RandomBytes},
): TurnCredentials {
	const username = `${Math.floor((clock.now() + lifetimeMs) / 1000)}:${newOpaqueId(random)}`;
	const password = createHmac('sha1', secret).update(username).digest('base64');
	return {username, password, uris, expiresInMs: lifetimeMs};
}
