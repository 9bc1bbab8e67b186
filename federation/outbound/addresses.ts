import {BlockList, isIP, isIPv4, isIPv6} from 'node:net';

/**
 * IPv4 ranges that are not the public internet.
 * @see https://www.iana.org/assignments/iana-ipv4-special-registry/
 */
const SPECIAL_IPV4: readonly string[] = [
	'0.0.0.0/8', // this network
	'10.0.0.0/8', // private
	'100.64.0.0/10', // carrier-grade NAT
	'127.0.0.0/8', // loopback
	'169.254.0.0/16', // link-local, and the metadata services of clouds
	'172.16.0.0/12', // private
	'192.0.0.0/24', // IETF protocol assignments
	'192.0.2.0/24', // documentation
	'192.31.196.0/24', // AS112
	'192.52.193.0/24', // AMT
	'192.88.99.0/24', // 6to4 relay
	'192.168.0.0/16', // private
	'192.175.48.0/24', // AS112
	'198.18.0.0/15', // benchmarks
	'198.51.100.0/24', // documentation
	'203.0.113.0/24', // documentation
	'224.0.0.0/4', // multicast
	'240.0.0.0/4', // reserved, and broadcast
];

/** All that IANA has given out as global unicast; whatever is outside of it (loopback, mapped, ULA, NAT64…) is special. */
const GLOBAL_UNICAST_IPV6 = '2000::/3';

/**
 * The parts of global unicast that are not the public internet.
 * @see https://www.iana.org/assignments/iana-ipv6-special-registry/
 */
const SPECIAL_IPV6: readonly string[] = [
	'2001::/23', // IETF protocol assignments: Teredo, benchmarks, ORCHID
	'2001:db8::/32', // documentation
	'2002::/16', // 6to4: carries any IPv4 address
	'2620:4f:8000::/48', // AS112
	'3fff::/20', // documentation
];

/** IPv6 ranges whose last 32 bits are an IPv4 address that the connection ends at. */
const IPV4_IN_IPV6: readonly string[] = ['::/96', '::ffff:0:0/96', '::ffff:0:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48'];

/** Decides which addresses outbound connections may reach. */
export interface AddressPolicy {
	/** Whether a connection to this address, an IPv4 or IPv6 literal without brackets, is allowed. Anything else is refused. */
	isAllowed(address: string): boolean;
}

/**
 * Gives the rule for outbound connections: the public internet, and the ranges that the administrator opened.
 *
 * @param allowPrivateAddresses CIDR ranges or single addresses of `federation.allow_private_addresses`.
 * @throws RangeError naming the entry that is not an address or a range.
 */
export function createAddressPolicy(allowPrivateAddresses: readonly string[]): AddressPolicy {
	// One list for each family: BlockList would match a mapped IPv6 address against IPv4 rules.
	const special = {ipv4: listRanges(SPECIAL_IPV4), ipv6: listRanges(SPECIAL_IPV6)};
	const globalUnicast = listRanges([GLOBAL_UNICAST_IPV6]);
	const embedding = listRanges(IPV4_IN_IPV6);
	const opened = {
		ipv4: listRanges(allowPrivateAddresses.filter((range) => !range.includes(':'))),
		ipv6: listRanges(allowPrivateAddresses.filter((range) => range.includes(':'))),
	};
	const isIpv4Allowed = (address: string): boolean =>
		!special.ipv4.check(address, 'ipv4') || opened.ipv4.check(address, 'ipv4');
	const isIpv6Allowed = (address: string): boolean => {
		if (globalUnicast.check(address, 'ipv6') && !special.ipv6.check(address, 'ipv6')) return true;
		if (!opened.ipv6.check(address, 'ipv6')) return false;
		// Who opens a translation prefix (NAT64) still does not open the private addresses behind it.
		return !embedding.check(address, 'ipv6') || address === '::1' || isIpv4Allowed(lastFourBytes(address));
	};
	return {
		isAllowed(address) {
			// A zone (fe80::1%eth0) names an interface of ours: never something a peer may say.
			if (address.includes('%')) return false;
			if (isIPv4(address)) return isIpv4Allowed(address);
			return isIPv6(address) && isIpv6Allowed(canonicalIpv6(address));
		},
	};
}

/** Gives an IPv6 address in the one form of RFC 5952: lower case, shortened, the last four bytes in hexadecimal. */
function canonicalIpv6(address: string): string {
	return new URL(`http://[${address}]`).hostname.slice(1, -1);
}

/** Gives the last 32 bits of a canonical IPv6 address as an IPv4 address. */
function lastFourBytes(address: string): string {
	const [head = '', tail = ''] = address.split('::');
	const groups = tail === '' && !address.includes('::') ? head.split(':') : ['0', '0', ...tail.split(':')];
	const [high, low] = groups.slice(-2).map((group) => Number.parseInt(group || '0', 16)) as [number, number];
	return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function listRanges(ranges: readonly string[]): BlockList {
	const list = new BlockList();
	for (const range of ranges) {
		const [address = '', prefix, ...rest] = range.split('/');
		const family = isIP(address) === 4 ? 'ipv4' : 'ipv6';
		const bits = family === 'ipv4' ? 32 : 128;
		const length = prefix === undefined ? bits : Number(prefix);
		const isLength = prefix === undefined || /^\d{1,3}$/.test(prefix);
		if (isIP(address) === 0 || address.includes('%') || rest.length > 0 || !isLength || length > bits) {
			throw new RangeError(`Expected an IP address or a CIDR range, got ${JSON.stringify(range)}`);
		}
		list.addSubnet(address, length, family);
	}
	return list;
}
