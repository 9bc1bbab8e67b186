import type {JsonObject, JsonValue} from '../../crypto/index.ts';
import {OAuthError} from './errors.ts';

/** What a program says of itself, as far as it is kept. Logos are not: none is ever loaded. */
export interface ClientMetadata {
	readonly client_uri: string;
	readonly client_name?: string;
	readonly tos_uri?: string;
	readonly policy_uri?: string;
	readonly redirect_uris: readonly string[];
	readonly response_types: readonly string[];
	readonly grant_types: readonly string[];
	readonly token_endpoint_auth_method: 'none';
	readonly application_type: 'web' | 'native';
}

/** The grant by which a device without a browser signs in. */
export const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code';

/** The grants there are here. */
export const GRANT_TYPES: readonly string[] = ['authorization_code', 'refresh_token', DEVICE_GRANT];

/** Nobody reads a longer name. */
const NAME_MAX = 100;
/** As long as browsers and proxies carry. */
const URI_MAX = 2_000;
/** A program has one or two for each system it runs on. */
const REDIRECT_URIS_MAX = 16;

/**
 * Reads what a program says of itself; what the server does not understand is left out.
 * @see https://spec.matrix.org/v1.19/client-server-api/#client-metadata
 * @throws OAuthError 'invalid_client_metadata', 'invalid_redirect_uri'
 */
export function readClientMetadata(body: JsonObject): ClientMetadata {
	const clientUri = webUriOf(body, 'client_uri');
	if (clientUri === undefined) throw invalid('client_uri: missing, expected an https URL');
	const {hostname} = new URL(clientUri);
	const ofHost = (key: string) => {
		const uri = webUriOf(body, key);
		if (uri !== undefined && !isBelow(new URL(uri).hostname, hostname)) {
			throw invalid(`${key}: expected the host of client_uri or a part of it`);
		}
		return uri;
	};
	const [tosUri, policyUri] = [ofHost('tos_uri'), ofHost('policy_uri')];
	const applicationType = body['application_type'] ?? 'web';
	if (applicationType !== 'web' && applicationType !== 'native')
		throw invalid('application_type: expected web or native');
	if ((body['token_endpoint_auth_method'] ?? 'none') !== 'none') {
		throw invalid('token_endpoint_auth_method: expected none');
	}
	const clientName = textOf(body, 'client_name', NAME_MAX);
	const redirectUris = textsOf(body, 'redirect_uris') ?? [];
	const grantTypes = (textsOf(body, 'grant_types') ?? ['authorization_code', 'refresh_token']).filter((type) =>
		GRANT_TYPES.includes(type),
	);
	if (redirectUris.length > REDIRECT_URIS_MAX) throw invalid(`redirect_uris: expected at most ${REDIRECT_URIS_MAX}`);
	if (redirectUris.length === 0 && grantTypes.includes('authorization_code')) {
		throw new OAuthError('invalid_redirect_uri', 'redirect_uris: expected at least one');
	}
	for (const uri of redirectUris) {
		if (!isRedirectUri(uri, hostname, applicationType)) {
			throw new OAuthError('invalid_redirect_uri', 'redirect_uris: expected addresses of the host of client_uri');
		}
	}
	return {
		client_uri: clientUri,
		...(clientName !== undefined && {client_name: clientName}),
		...(tosUri !== undefined && {tos_uri: tosUri}),
		...(policyUri !== undefined && {policy_uri: policyUri}),
		redirect_uris: redirectUris,
		response_types: redirectUris.length === 0 ? [] : ['code'],
		grant_types: grantTypes,
		token_endpoint_auth_method: 'none',
		application_type: applicationType,
	};
}

/**
 * Whether a program that is at home at a host may have people sent to an address.
 * @see https://spec.matrix.org/v1.19/client-server-api/#redirect-uri-validation
 */
function isRedirectUri(uri: string, clientHostname: string, applicationType: 'web' | 'native'): boolean {
	if (uri.length > URI_MAX || uri.includes('#') || !URL.canParse(uri)) return false;
	const {protocol, hostname, port, username, password} = new URL(uri);
	if (protocol === 'https:') return username + password === '' && isBelow(hostname, clientHostname);
	if (applicationType === 'web') return false;
	if (protocol === 'http:') {
		const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(hostname);
		// A port, even the usual one, may not be said: any is accepted later.
		return isLoopback && port === '' && username + password === '' && /^http:\/\/[^/?]*(?<!:\d+)(?:[/?]|$)/u.test(uri);
	}
	const reversed = clientHostname.split('.').toReversed().join('.');
	const scheme = protocol.slice(0, -1);
	const isOfHost = scheme === reversed || scheme.startsWith(`${reversed}.`);
	return isOfHost && reversed.includes('.') && !uri.slice(protocol.length).startsWith('//');
}

/** Whether a host is another or a part of it; nobody is at home at all of `com`. */
function isBelow(hostname: string, ofHostname: string): boolean {
	return hostname === ofHostname || (ofHostname.includes('.') && hostname.endsWith(`.${ofHostname}`));
}

function webUriOf(body: JsonObject, key: string): string | undefined {
	const uri = textOf(body, key, URI_MAX);
	if (uri === undefined) return undefined;
	const {protocol, username, password} = URL.canParse(uri) ? new URL(uri) : {protocol: '', username: '', password: ''};
	if (protocol !== 'https:' || username + password !== '') throw invalid(`${key}: expected an https URL`);
	return uri;
}

function textOf(body: JsonObject, key: string, lengthMax: number): string | undefined {
	const value = body[key];
	if (value === undefined || value === null) return undefined;
	if (typeof value !== 'string' || value.length > lengthMax) {
		throw invalid(`${key}: expected a text of at most ${lengthMax} characters`);
	}
	return value;
}

function textsOf(body: JsonObject, key: string): string[] | undefined {
	const value: JsonValue | undefined = body[key];
	if (value === undefined || value === null) return undefined;
	if (!Array.isArray(value) || !value.every((item) => typeof item === 'string')) {
		throw invalid(`${key}: expected a list of texts`);
	}
	return value;
}

function invalid(text: string): OAuthError {
	return new OAuthError('invalid_client_metadata', text);
}
