import type {createRemoteJWKSet, JWTPayload} from 'jose';
import type {OidcProviderConfig} from '../config/index.ts';
import {IdentityError} from './errors.ts';
import type {ProviderFetch} from './provider-fetch.ts';

/** What a logout token is about. @see https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken */
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Clocks differ, and a provider may try again. */
const AGE_MAX_S = 300;
/** Signatures that a provider's published keys can be asked for: no shared secrets, and never none. */
const ALGORITHMS = [
	'RS256',
	'RS384',
	'RS512',
	'PS256',
	'PS384',
	'PS512',
	'ES256',
	'ES384',
	'ES512',
	'EdDSA',
	'Ed25519',
];
const TIMEOUT_MS = 5_000;
const ID_LENGTH_MAX = 255;

/** The end of a session, as a provider tells of it. */
export interface UpstreamLogout {
	readonly subject: string;
	/** Absent: all sessions of the subject. */
	readonly sessionId: string | undefined;
	/** By which it is known that it was told before. */
	readonly tokenId: string;
}

/** Reads logout tokens. */
export type LogoutTokenReader = (token: string) => Promise<UpstreamLogout>;

/** Makes what reads the logout tokens of a provider. @throws IdentityError 'bad-logout-token', 'unavailable' */
export function createLogoutTokenReader(
	provider: OidcProviderConfig,
	{
		findKeysUrl,
		now,
		ask,
	}: {readonly findKeysUrl: () => Promise<string>; readonly now: () => number; readonly ask: ProviderFetch},
): LogoutTokenReader {
	let keys: ReturnType<typeof createRemoteJWKSet> | undefined;
	return async (token) => {
		// Loaded with the first token: few servers have a provider that sends any.
		const jose = await import('jose');
		keys ??= jose.createRemoteJWKSet(new URL(await findKeysUrl()), {
			timeoutDuration: TIMEOUT_MS,
			[jose.customFetch]: ask,
		});
		try {
			const {payload} = await jose.jwtVerify(token, keys, {
				issuer: provider.issuer,
				audience: provider.clientId,
				algorithms: ALGORITHMS,
				requiredClaims: ['iat', 'jti'],
				maxTokenAge: AGE_MAX_S,
				clockTolerance: 30,
				currentDate: new Date(now()),
			});
			return readPayload(payload);
		} catch (cause) {
			throw new IdentityError('bad-logout-token', 'Expected a logout token that the provider has signed just now', {
				cause,
			});
		}
	};
}

function readPayload({sub, sid, jti, nonce, events}: JWTPayload): UpstreamLogout {
	const isLogout = typeof events === 'object' && events !== null && EVENT in events;
	// A nonce is an ID token's, which must not be taken for the end of a session.
	if (!isLogout || nonce !== undefined) throw new Error('expected a token about the end of a session');
	if (!isShort(sub) || !isShort(jti)) throw new Error('expected sub and jti');
	if (sid !== undefined && !isShort(sid)) throw new Error('expected a shorter sid');
	return {subject: sub, sessionId: sid, tokenId: jti};
}

const isShort = (value: unknown): value is string =>
	typeof value === 'string' && value !== '' && value.length <= ID_LENGTH_MAX;
