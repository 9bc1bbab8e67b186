/** Schemes that browsers do something of their own with, or that carry a token where others can read it. */
const REFUSED = new Set([
	'about:',
	'blob:',
	'data:',
	'file:',
	'filesystem:',
	'ftp:',
	'intent:',
	'javascript:',
	'vbscript:',
	'view-source:',
	'ws:',
	'wss:',
]);

/** An address of a client, to which its person is sent back with a token. */
export interface ClientAddress {
	/** What people are shown of it: the host, or the scheme of an app. */
	readonly host: string;
	/** What a page's policy must name so that the answer to its form may lead there. */
	readonly formTarget: string;
	/** Gives the address with a token, and no other one. */
	with(loginToken: string): string;
}

/**
 * Reads the `redirectUrl` of a client: an https address, one of this very machine, or one of an app.
 * @returns `undefined` for what nobody may be sent to
 * @see https://spec.matrix.org/v1.19/client-server-api/#handling-the-callback-from-the-authentication-server
 */
export function readClientAddress(text: string): ClientAddress | undefined {
	if (!URL.canParse(text)) return undefined;
	const url = new URL(text);
	const isWeb = url.protocol === 'https:' || url.protocol === 'http:';
	if (REFUSED.has(url.protocol) || (url.protocol === 'http:' && !isLoopback(url.hostname))) return undefined;
	// A name before the host is there to be taken for it.
	if (url.username !== '' || url.password !== '') return undefined;
	return {
		host: isWeb ? url.host : url.protocol,
		// A policy cannot name a host that is an address in brackets.
		formTarget: isWeb && !url.hostname.startsWith('[') ? url.origin : url.protocol,
		with(loginToken) {
			url.searchParams.set('loginToken', loginToken);
			return url.href;
		},
	};
}

/** Nothing leaves the machine, so nobody reads along; elsewhere no client works without https anyway. */
function isLoopback(hostname: string): boolean {
	return hostname === 'localhost' || hostname === '[::1]' || /^127(?:\.\d{1,3}){3}$/u.test(hostname);
}
