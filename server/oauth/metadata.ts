import {GRANT_TYPES} from './client-metadata.ts';

/** Where the endpoints are, below the server's public address. */
export const PATHS = {
	authorization: '/oauth2/authorize',
	token: '/oauth2/token',
	registration: '/oauth2/clients/register',
	revocation: '/oauth2/revoke',
	deviceAuthorization: '/oauth2/device',
	/** Where people type the code that their device shows. */
	link: '/oauth2/link',
	/** Where clients send people to manage their account. */
	account: '/oauth2/account',
	/** Where people let a session replace their keys. */
	reset: '/oauth2/reset-identity',
} as const;

/**
 * What people can be sent to the account pages for.
 * @see https://spec.matrix.org/v1.19/client-server-api/#account-management-url-actions
 */
export const ACCOUNT_ACTIONS = [
	'org.matrix.profile',
	'org.matrix.devices_list',
	'org.matrix.device_view',
	'org.matrix.device_delete',
	'org.matrix.account_deactivate',
	'org.matrix.cross_signing_reset',
] as const;

/** What some of them were called before they were specified. */
export const OLDER_ACCOUNT_ACTIONS = [
	'org.matrix.sessions_list',
	'org.matrix.session_view',
	'org.matrix.session_end',
] as const;

/** What people can be sent to the account pages for, in both spellings. */
export type AccountAction = (typeof ACCOUNT_ACTIONS)[number] | (typeof OLDER_ACCOUNT_ACTIONS)[number];

const issuerOf = (publicUrl: string): string => `${publicUrl}/`;

/** Gives what the well-known file says; the issuer is the metadata's, letter for letter. */
export function makeDiscovery(publicUrl: string): {readonly issuer: string; readonly account: string} {
	return {issuer: issuerOf(publicUrl), account: publicUrl + PATHS.account};
}

/**
 * Gives what clients must know to sign people in, without the library: every client asks for it, and many go on in the
 * older way.
 * @param options.isOlder whether it is asked for by a name from before it was specified
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1auth_metadata
 */
export function makeMetadata(
	publicUrl: string,
	{isOlder, offersAccounts}: {readonly isOlder: boolean; readonly offersAccounts: boolean},
): Readonly<Record<string, string | readonly string[] | boolean>> {
	return {
		issuer: issuerOf(publicUrl),
		authorization_endpoint: publicUrl + PATHS.authorization,
		token_endpoint: publicUrl + PATHS.token,
		registration_endpoint: publicUrl + PATHS.registration,
		revocation_endpoint: publicUrl + PATHS.revocation,
		device_authorization_endpoint: publicUrl + PATHS.deviceAuthorization,
		response_types_supported: ['code'],
		response_modes_supported: ['query', 'fragment'],
		grant_types_supported: GRANT_TYPES,
		code_challenge_methods_supported: ['S256'],
		token_endpoint_auth_methods_supported: ['none'],
		revocation_endpoint_auth_methods_supported: ['none'],
		...(offersAccounts && {prompt_values_supported: ['create']}),
		authorization_response_iss_parameter_supported: true,
		account_management_uri: publicUrl + PATHS.account,
		account_management_actions_supported: isOlder ? [...ACCOUNT_ACTIONS, ...OLDER_ACCOUNT_ACTIONS] : ACCOUNT_ACTIONS,
	};
}
