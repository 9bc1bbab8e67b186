import {domainToASCII} from 'node:url';

/** RFC 5321, 4.5.3.1: a path of 256 bytes, two of them the brackets. */
const ADDRESS_BYTES_MAX = 254;
const LOCAL_BYTES_MAX = 64;

/** An e-mail address as it was given, and what it is compared by. */
export interface MailAddress {
	readonly address: string;
	readonly canonical: string;
}

/**
 * Reads an e-mail address; `undefined` for what is none, or one that needs quotes. Addresses are compared without regard
 * to case: relays that tell capitals apart are gone, and people do not.
 */
export function readMailAddress(text: string): MailAddress | undefined {
	const address = text.trim();
	const at = address.lastIndexOf('@');
	const local = address.slice(0, at);
	const domain = domainToASCII(address.slice(at + 1));
	const isShort = Buffer.byteLength(address) <= ADDRESS_BYTES_MAX && Buffer.byteLength(local) <= LOCAL_BYTES_MAX;
	const isLocal = /^[^\s\p{C}"(),:;<>@[\\\]]+$/u.test(local) && !local.startsWith('.') && !local.endsWith('.');
	const isDomain = /^(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/u.test(domain);
	if (at < 1 || !isShort || !isLocal || !isDomain) return undefined;
	return {address: `${local}@${domain}`, canonical: `${local.toLowerCase()}@${domain}`};
}
