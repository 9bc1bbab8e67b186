import type {OidcProviderConfig} from '../config/index.ts';
import {IdentityError} from './errors.ts';
import type {IdentityProvidersDependencies, ShownProvider} from './identity-providers.ts';
import {createLogoutTokenReader, type LogoutTokenReader} from './logout-token.ts';
import {createOidcClient, type OidcClient} from './oidc-client.ts';
import {createProviderFetch} from './provider-fetch.ts';

/** A provider that browsers are sent to. */
export interface Provider {
	readonly config: OidcProviderConfig;
	readonly client: OidcClient;
	readonly readLogoutToken: LogoutTokenReader;
}

/** The providers of the configuration that browsers are sent to. */
export interface Providers {
	readonly shown: readonly ShownProvider[];
	/** @throws IdentityError 'unknown-provider' */
	get(providerId: string): Provider;
}

/** Where a browser comes back to from a provider. */
export const callbackOf = (providerId: string): string => `/account/upstream/${providerId}/callback`;

/** Makes what speaks with them; nothing is asked of them before somebody goes there. */
export function openProviders({
	providers: configs,
	publicUrl,
	clock,
	fetchElsewhere,
}: Pick<IdentityProvidersDependencies, 'providers' | 'publicUrl' | 'clock' | 'fetchElsewhere'>): Providers {
	const now = () => clock.now();
	const providers = new Map<string, Provider>();
	for (const config of configs) {
		if (config.kind !== 'oidc') continue;
		const ask = createProviderFetch(config, fetchElsewhere);
		const client = createOidcClient(config, {redirectUri: publicUrl + callbackOf(config.id), now, ask});
		const findKeysUrl = () => client.findKeysUrl();
		providers.set(config.id, {
			config,
			client,
			readLogoutToken: createLogoutTokenReader(config, {findKeysUrl, now, ask}),
		});
	}
	return {
		shown: [...providers.values()].map(({config: {id, name}}) => ({id, name})),
		get(providerId) {
			const provider = providers.get(providerId);
			if (provider === undefined) throw new IdentityError('unknown-provider', 'There is no such provider');
			return provider;
		},
	};
}
