import {isIP} from 'node:net';

/** For whom browsers make passkeys. @see https://www.w3.org/TR/webauthn-3/#relying-party-identifier */
export interface RelyingParty {
	/** The name of the host. */
	readonly id: string;
	readonly origin: string;
}

/**
 * Gives the relying party that a server is where it is reached by this address; `undefined` where browsers make no passkeys:
 * without https (but for this machine itself), or under an address that is no name.
 */
export function relyingPartyOf(publicUrl: string): RelyingParty | undefined {
	const {protocol, hostname, origin} = new URL(publicUrl);
	const isName = isIP(hostname.replaceAll(/[[\]]/gu, '')) === 0;
	const isHere = hostname === 'localhost' || hostname.endsWith('.localhost');
	return isName && (protocol === 'https:' || isHere) ? {id: hostname, origin} : undefined;
}
