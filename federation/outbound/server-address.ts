import {parseServerName} from '../../crypto/index.ts';

/** A server name taken apart. */
export interface ServerAddress {
	/** Host as it is connected to: a DNS name, or an IP literal without brackets. */
	readonly host: string;
	readonly isIpLiteral: boolean;
	/** The port, if the name has one. */
	readonly port: number | undefined;
}

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
	const parts = parseServerName(serverName);
	if (parts === undefined || parts.port === 0) return undefined;
	const {host, kind, port} = parts;
	if (kind === 'dns' && !isDnsName(host)) return undefined;
	return {host, isIpLiteral: kind !== 'dns', port};
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
