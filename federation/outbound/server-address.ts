import {isIPv4, isIPv6} from 'node:net';

/** A server name taken apart. */
export interface ServerAddress {
	/** Host as it is connected to: a DNS name, or an IP literal without brackets. */
	readonly host: string;
	readonly isIpLiteral: boolean;
	/** The port, if the name has one. */
	readonly port: number | undefined;
}

/** A name of 255 characters and a port of five digits, with the colon between. */
const SERVER_NAME_LENGTH_MAX = 261;
/** One label of a DNS name: letters, digits, hyphens, at most 63. Underscores stand in no host name. */
const LABEL = /^[a-z0-9-]{1,63}$/i;
/**
 * Resolvers of operating systems read names that end so as IPv4 addresses in odd clothes: `127.1`, `0x7f.1`, `2130706433`.
 * No top level domain looks so, so such a name never is a server's.
 */
const NUMERIC_LABEL = /^(?:\d+|0x[0-9a-f]*)$/i;

/**
 * Takes a server name apart; `undefined` for what the grammar does not allow or what no DNS can hold.
 * @see https://spec.matrix.org/v1.19/appendices/#server-name
 */
export function parseServerAddress(serverName: string): ServerAddress | undefined {
	if (serverName.length > SERVER_NAME_LENGTH_MAX) return undefined;
	const match = /^(?:\[([0-9a-fA-F:.]{2,45})\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(serverName);
	if (match === null) return undefined;
	const [, ipv6, name, digits] = match;
	const port = digits === undefined ? undefined : Number(digits);
	if (port !== undefined && (port === 0 || port > 65_535)) return undefined;
	if (ipv6 !== undefined) return isIPv6(ipv6) ? {host: ipv6, isIpLiteral: true, port} : undefined;
	if (name === undefined) return undefined;
	if (isIPv4(name)) return {host: name, isIpLiteral: true, port};
	return isDnsName(name) ? {host: name, isIpLiteral: false, port} : undefined;
}

/** Whether a text can be looked up in DNS as a host, and no resolver could take it for an address. */
export function isDnsName(name: string): boolean {
	if (name.length > 253) return false;
	const labels = (name.endsWith('.') ? name.slice(0, -1) : name).split('.');
	return labels.every((label) => LABEL.test(label)) && !NUMERIC_LABEL.test(labels.at(-1) ?? '');
}

/** Writes host and port as URLs and `Host` headers do: an IPv6 literal in brackets. */
export function formatHost(host: string, port?: number): string {
	const text = host.includes(':') ? `[${host}]` : host;
	return port === undefined ? text : `${text}:${port}`;
}
