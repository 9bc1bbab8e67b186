import {generateKeyPairSync} from 'node:crypto';
import type {Configuration, KoaContextWithOIDC, ResponseType} from 'oidc-provider';
import {CODE_LIFETIME_MS, createAdapter, DEVICE_CODE_LIFETIME_MS} from './adapter.ts';
import type {OAuthDependencies} from './dependencies.ts';
import {currentFlow} from './flow.ts';
import {createGrants, toHandler} from './grants.ts';
import {PATHS} from './metadata.ts';
import {type ProtocolAnswer, type ProtocolRequest, serve} from './serve.ts';
import {API_SCOPES, readScope, WHOLE_SCOPE} from './scopes.ts';

/** The library, made ready. */
export interface LoadedProvider {
	/** The name of the cookie by which the library finds what it interrupted to have somebody consent. */
	readonly resumeCookie: string;
	answer(request: ProtocolRequest): Promise<ProtocolAnswer>;
}

/** Whatever the library keeps for the length of a request needs some length. */
const FLOW_SECONDS = 60;

/** Loads the library, which takes some tens of megabytes: once, when somebody comes that needs it. */
export async function loadProvider(dependencies: OAuthDependencies): Promise<LoadedProvider> {
	const library = await importQuietly();
	const {Provider, errors, interactionPolicy} = library;
	const policy = new interactionPolicy.Prompt(
		{name: 'consent', requestable: false},
		new interactionPolicy.Check('consent_missing', 'nobody has consented', (ctx: KoaContextWithOIDC) =>
			ctx.oidc.result?.consent === undefined
				? interactionPolicy.Check.REQUEST_PROMPT
				: interactionPolicy.Check.NO_NEED_TO_PROMPT,
		),
	);
	const checkScope = (_ctx: KoaContextWithOIDC, scope: string | undefined): void => {
		const granted = readScope(scope ?? '');
		if (typeof granted === 'string') throw new errors.InvalidScope(granted, scope ?? '');
	};
	const provider = new Provider(`${dependencies.publicUrl}/`, {
		...makeConfiguration(dependencies),
		interactions: {policy: [policy], url: () => PATHS.authorization},
		extraParams: {[WHOLE_SCOPE]: checkScope},
	});
	for (const grant of createGrants(dependencies, errors)) {
		provider.registerGrantType(grant.type, toHandler(grant), [...grant.parameters]);
	}
	provider.on('server_error', (_ctx, error) => {
		currentFlow().cause = error;
	});
	const callback = provider.callback();
	const publicUrl = new URL(dependencies.publicUrl);
	return {
		resumeCookie: provider.cookieName('resume'),
		answer: (request) => serve(callback, publicUrl, request),
	};
}

function makeConfiguration(dependencies: OAuthDependencies): Configuration {
	const off = {enabled: false};
	return {
		adapter: createAdapter(dependencies),
		clientAuthMethods: ['none'],
		clientDefaults: {id_token_signed_response_alg: 'EdDSA'},
		cookies: {long: {signed: false}, short: {signed: false}},
		features: {
			claimsParameter: off,
			deviceFlow: {enabled: true},
			devInteractions: off,
			dPoP: off,
			introspection: off,
			pushedAuthorizationRequests: off,
			registration: {
				enabled: true,
				issueRegistrationAccessToken: false,
				// Registered is what the check has passed, by ourselves.
				idFactory: () => 'checked',
			},
			resourceIndicators: off,
			revocation: off,
			rpInitiatedLogout: off,
			userinfo: off,
		},
		findAccount: (_ctx, accountId) => ({accountId, claims: () => Promise.resolve({sub: accountId})}),
		async loadExistingGrant(ctx) {
			const {client, session, provider} = ctx.oidc;
			if (client === undefined || session?.accountId === undefined) return undefined;
			const grant = new provider.Grant({accountId: session.accountId, clientId: client.clientId});
			grant.addOIDCScope(API_SCOPES.join(' '));
			await grant.save();
			return grant;
		},
		issueRefreshToken: () => Promise.resolve(true),
		// The library wants a key for tokens that are signed; there are none here, so it is never shown or stored.
		jwks: {keys: [makeKey()]},
		pkce: {required: () => true},
		renderError(ctx, {error, error_description: description}) {
			currentFlow().failure = {error, error_description: description};
			ctx.body = '';
		},
		responseTypes: ['code'] satisfies ResponseType[],
		routes: {
			authorization: PATHS.authorization,
			token: PATHS.token,
			registration: PATHS.registration,
			device_authorization: PATHS.deviceAuthorization,
			code_verification: PATHS.link,
		},
		scopes: [...API_SCOPES],
		ttl: {
			AuthorizationCode: CODE_LIFETIME_MS / 1000,
			DeviceCode: DEVICE_CODE_LIFETIME_MS / 1000,
			Grant: FLOW_SECONDS,
			Interaction: FLOW_SECONDS,
			Session: FLOW_SECONDS,
		},
	};
}

function makeKey() {
	const {privateKey} = generateKeyPairSync('ed25519');
	return {...(privateKey.export({format: 'jwk'}) as {kty: 'OKP'; crv: string; x: string; d: string}), use: 'sig'};
}

/**
 * The library says at every start that Node.js 20 is not what it is made for. It works there, as its tests and ours show,
 * and whoever reads the log can do nothing about it.
 */
async function importQuietly() {
	const {warn} = console;
	console.warn = (...words: unknown[]) => {
		if (!String(words[0]).includes('Unsupported runtime')) warn(...words);
	};
	try {
		return await import('oidc-provider');
	} finally {
		console.warn = warn;
	}
}
