import type * as openidClient from 'openid-client';
import type {OidcProviderConfig} from '../config/index.ts';
import {IdentityError} from './errors.ts';
import type {ProviderFetch} from './provider-fetch.ts';

/** A provider answers at once, or somebody waits before a browser. */
const TIMEOUT_S = 10;
/** Keys and addresses of a provider change seldom; they are looked at anew after so long. */
const KNOWN_MS = 60 * 60 * 1000;
/** So far a provider's clock may be behind, and it tells whole seconds alone. */
const CLOCK_ALLOWANCE_MS = 60 * 1000;

type Library = typeof openidClient;

/** What a provider says of whoever came back from it, checked. */
export interface UpstreamPerson {
	readonly subject: string;
	/** The provider's session. */
	readonly sessionId: string | undefined;
	/** A name that the provider suggests. */
	readonly suggestion: string | undefined;
	/** When the provider has asked who it is, in milliseconds; absent: it does not say. */
	readonly askedTs: number | undefined;
}

/** What a way to a provider and back hangs on. */
export interface FlowSecrets {
	readonly state: string;
	readonly nonce: string;
	readonly codeVerifier: string;
}

/** Speaks with one provider. The library is loaded with the first one who goes there. */
export interface OidcClient {
	/**
	 * Gives the address that a browser is sent to.
	 * @param options.isRepeated whether the provider is to ask once more who it is, although it knows
	 * @throws IdentityError 'unavailable'
	 */
	begin(secrets: FlowSecrets, options: {readonly isRepeated: boolean}): Promise<string>;
	/**
	 * Asks who came back. The answer must be for this flow: state, nonce, code verifier, issuer, audience and the
	 * signature of the ID token are checked.
	 * @param options.askedAnewTs when the provider was to ask once more who it is, in milliseconds; absent: it was not
	 * @throws IdentityError 'refused', 'not-asked-anew', 'unavailable'
	 */
	finish(
		url: string,
		secrets: FlowSecrets,
		options: {readonly askedAnewTs: number | undefined},
	): Promise<UpstreamPerson>;
	/** Where the provider's keys are. @throws IdentityError 'unavailable' */
	findKeysUrl(): Promise<string>;
}

/** Makes what speaks with a provider. */
export function createOidcClient(
	provider: OidcProviderConfig,
	{redirectUri, now, ask}: {readonly redirectUri: string; readonly now: () => number; readonly ask: ProviderFetch},
): OidcClient {
	let known: {readonly configuration: openidClient.Configuration; readonly untilMs: number} | undefined;

	async function discover(): Promise<{library: Library; configuration: openidClient.Configuration}> {
		const library = await import('openid-client');
		if (known === undefined || known.untilMs < now()) {
			const {issuer, clientId, clientSecret} = provider;
			const method = clientSecret === undefined ? library.None() : library.ClientSecretBasic(clientSecret);
			const execute = [
				// A signature is asked for even though the token comes straight from the provider.
				library.enableNonRepudiationChecks,
				// The configuration allows it for this machine alone.
				...(issuer.startsWith('http:') ? [library.allowInsecureRequests] : []),
			];
			const configuration = await library
				.discovery(new URL(issuer), clientId, undefined, method, {
					timeout: TIMEOUT_S,
					execute,
					[library.customFetch]: ask,
				})
				.catch((cause: unknown) => {
					throw new IdentityError('unavailable', 'The provider could not be asked for its addresses', {cause});
				});
			known = {configuration, untilMs: now() + KNOWN_MS};
		}
		return {library, configuration: known.configuration};
	}

	return {
		async begin({state, nonce, codeVerifier}, {isRepeated}) {
			const {library, configuration} = await discover();
			const url = library.buildAuthorizationUrl(configuration, {
				redirect_uri: redirectUri,
				response_type: 'code',
				scope: provider.scopes.join(' '),
				state,
				nonce,
				code_challenge: await library.calculatePKCECodeChallenge(codeVerifier),
				code_challenge_method: 'S256',
				// With `max_age` the provider must say when it has asked, with `prompt` alone it need not.
				...(isRepeated && {prompt: 'login', max_age: '0'}),
			});
			return url.href;
		},
		async finish(url, {state, nonce, codeVerifier}, {askedAnewTs}) {
			const {library, configuration} = await discover();
			const read = async () => {
				const tokens = await library.authorizationCodeGrant(configuration, new URL(url), {
					expectedState: state,
					expectedNonce: nonce,
					pkceCodeVerifier: codeVerifier,
					idTokenExpected: true,
				});
				return readClaims(tokens.claims(), provider);
			};
			const person = await read().catch((cause: unknown) => {
				throw new IdentityError('refused', 'The provider vouches for nobody', {cause});
			});
			if (askedAnewTs !== undefined && (person.askedTs ?? 0) < askedAnewTs - CLOCK_ALLOWANCE_MS) {
				throw new IdentityError('not-asked-anew', 'The provider does not say that it has asked anew who somebody is');
			}
			return person;
		},
		async findKeysUrl() {
			const {configuration} = await discover();
			const {jwks_uri: url} = configuration.serverMetadata();
			if (url === undefined) throw new IdentityError('unavailable', 'The provider says nothing of its keys');
			return url;
		},
	};
}

/** A subject is at most 255 characters; a longer one is nobody's. @see https://openid.net/specs/openid-connect-core-1_0.html#IDToken */
const SUBJECT_MAX = 255;

function readClaims(claims: openidClient.IDToken | undefined, {localpartFrom}: OidcProviderConfig): UpstreamPerson {
	if (claims === undefined) throw new Error('expected an ID token');
	const {sub, sid, auth_time: authTime} = claims;
	if (sub === '' || sub.length > SUBJECT_MAX) throw new Error('expected a subject');
	const suggestion = localpartFrom === undefined ? undefined : claims[localpartFrom];
	return {
		subject: sub,
		sessionId: typeof sid === 'string' && sid.length <= SUBJECT_MAX ? sid : undefined,
		suggestion: typeof suggestion === 'string' ? suggestion : undefined,
		askedTs: typeof authTime === 'number' ? authTime * 1000 : undefined,
	};
}
