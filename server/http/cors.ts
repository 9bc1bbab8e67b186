/**
 * Web clients of any origin may call this server: it knows people by tokens they send, never by cookies.
 * @see https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients
 */
const corsHeaders: Readonly<Record<string, string>> = {
	'access-control-allow-origin': '*',
	'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
	'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
	'access-control-expose-headers': 'Retry-After, ETag, Content-Disposition',
};

/** Browsers may keep the answer to a preflight for a day. */
export const preflightHeaders: Readonly<Record<string, string>> = {'access-control-max-age': '86400'};

/** On every response; routes may replace them. No header names the program or its version. */
const securityHeaders: Readonly<Record<string, string>> = {
	'cache-control': 'no-store',
	'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
	'referrer-policy': 'no-referrer',
	'x-content-type-options': 'nosniff',
};

/** Headers that every response starts from, and that a response's own headers replace. */
export const standingHeaders: Readonly<Record<string, string>> = {...corsHeaders, ...securityHeaders};

/** Over TLS browsers are told for half a year to come back by TLS only. */
export const tlsHeaders: Readonly<Record<string, string>> = {
	...standingHeaders,
	'strict-transport-security': 'max-age=15552000',
};
