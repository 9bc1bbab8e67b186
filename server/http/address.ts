import type {IncomingMessage} from 'node:http';
import {BlockList, isIP} from 'node:net';
import {parseServerName, type ServerName} from '../../crypto/index.ts';

/** Which peers are proxies, whose X-Forwarded-For is believed. */
export type TrustedProxies = (address: string) => boolean;

/**
 * Makes the test from addresses and CIDR ranges.
 * @throws RangeError naming the entry that is neither
 */
export function trustedProxies(ranges: readonly string[]): TrustedProxies {
	const list = new BlockList();
	for (const range of ranges) {
		const [address = '', prefix] = range.split('/', 2);
		const version = isIP(address);
		const family = version === 6 ? 'ipv6' : 'ipv4';
		const bitsMax = version === 6 ? 128 : 32;
		const bits = prefix === undefined ? bitsMax : /^\d{1,3}$/u.test(prefix) ? Number(prefix) : Number.NaN;
		if (version === 0 || !(bits >= 0 && bits <= bitsMax)) {
			throw new RangeError(`Expected an address or a CIDR range, got ${JSON.stringify(range)}`);
		}
		list.addSubnet(address, bits, family);
	}
	return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** An IPv4 address that a dual-stack socket shows as IPv6, in its own form. */
function unmap(address: string): string {
	return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address;
}

/**
 * The address of the client: the peer's own, or, when the peer is a trusted proxy (or came by a Unix socket), the last
 * one of X-Forwarded-For that is not a trusted proxy itself. What stands before that one is whatever the client wrote.
 */
export function addressOf(request: IncomingMessage, isTrusted: TrustedProxies): string {
	const peer = unmap(request.socket.remoteAddress ?? '');
	if (peer !== '' && !isTrusted(peer)) {
		return peer;
	}
	const forwarded = request.headers['x-forwarded-for'];
	const hops = (typeof forwarded === 'string' ? forwarded : '').split(',');
	for (let index = hops.length - 1; index >= 0; index--) {
		const hop = unmap(hops[index]!.trim());
		if (isIP(hop) === 0) {
			break;
		}
		if (!isTrusted(hop)) {
			return hop;
		}
	}
	return peer;
}

/** What an address is limited by: IPv4 whole, IPv6 by its /64, which one household or host has to itself. */
export function networkOf(address: string): string {
	if (isIP(address) !== 6) {
		return address;
	}
	const [head = '', tail] = address.split('%', 1)[0]!.split('::', 2);
	const groups = head === '' ? [] : head.split(':');
	if (tail !== undefined) {
		const after = tail === '' ? 0 : tail.split(':').length + (tail.includes('.') ? 1 : 0);
		while (groups.length + after < 8) {
			groups.push('0');
		}
		groups.push(...tail.split(':'));
	}
	return groups
		.slice(0, 4)
		.map((group) => Number.parseInt(group, 16).toString(16))
		.join(':');
}

/** The place that a network is of, for what counts by the day: IPv4 whole, IPv6 by the /48 that a customer gets at most. */
export function siteOf(network: string): string {
	return network.split(':').slice(0, 3).join(':');
}

/**
 * The host that a server name is on, for whatever counts by server: who has the host has as many names there as there are
 * ports, ways to write it, and addresses in a /48. It is a server name itself.
 */
export function hostOf(server: ServerName): ServerName {
	const {host, kind} = parseServerName(server) ?? {host: server, kind: 'dns'};
	const whole = kind === 'ipv6' ? `[${siteOf(networkOf(host))}::]` : host.toLowerCase().replace(/\.$/u, '');
	return whole as ServerName;
}
