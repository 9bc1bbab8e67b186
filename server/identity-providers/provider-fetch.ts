import type {OidcProviderConfig} from '../config/index.ts';

/** What the libraries that speak with providers ask. */
export interface ProviderRequest {
	readonly method: string;
	readonly headers: Readonly<Record<string, string>> | Headers;
	readonly body?: unknown;
	readonly redirect: 'manual';
	readonly signal?: AbortSignal;
}

/** Sends a request of such a library; no redirect is followed. */
export type ProviderFetch = (url: string, request: ProviderRequest) => Promise<Response>;

/**
 * Gives what asks a provider. Where the provider itself is, the administrator has written, be it on this machine or in
 * the house. Where else its documents lead, it says by itself: there, public addresses alone are asked.
 */
export function createProviderFetch({issuer}: OidcProviderConfig, fetchElsewhere: ProviderFetch): ProviderFetch {
	const {origin} = new URL(issuer);
	return (url, request) =>
		new URL(url).origin === origin ? fetch(url, request as RequestInit) : fetchElsewhere(url, request);
}
