import {readFileSync} from 'node:fs';
import {createAddressPolicy} from './addresses.ts';
import {createTrust, type Network} from './connect.ts';
import {createDiscovery, type Discovery} from './discovery.ts';
import {createDnsResolver, parseHostsFile} from './dns.ts';
import {fetchPublic} from './fetch-public.ts';
import {WELL_KNOWN_LIMITS, WellKnown} from './well-known.ts';

/** The settings of `federation` that concern connections. */
export interface NetworkSettings {
	/** `federation.allow_private_addresses`. */
	readonly allowPrivateAddresses: readonly string[];
	/** The contents of the files of `federation.trusted_certificates`, PEM. */
	readonly trustedCertificates: readonly string[];
	/** `federation.resolvers`; empty: the system's, its hosts file included. */
	readonly resolvers: readonly string[];
}

const CONNECT_TIMEOUT_MS = 10_000;
const HOSTS_FILE = '/etc/hosts';

/**
 * Gives what all outbound connections of this server are made with: federation, and through its connector
 * whatever else reaches out.
 *
 * @throws RangeError for an entry of `allowPrivateAddresses` that is no range; Error for a certificate that is none.
 */
export function createNetwork(settings: NetworkSettings): Network {
	const {allowPrivateAddresses, trustedCertificates, resolvers} = settings;
	return {
		policy: createAddressPolicy(allowPrivateAddresses),
		resolver: createDnsResolver({resolvers, ...(resolvers.length === 0 && {hosts: readHosts()})}),
		secureContext: createTrust(trustedCertificates),
		connectTimeoutMs: CONNECT_TIMEOUT_MS,
	};
}

/** Gives the discovery of servers over a network. */
export function createNetworkDiscovery(network: Network): Discovery {
	const wellKnown = new WellKnown({
		fetch: (host) => fetchPublic(network, new URL(`https://${host}/.well-known/matrix/server`), WELL_KNOWN_LIMITS),
		now: () => Date.now(),
	});
	return createDiscovery({
		resolver: network.resolver,
		findDelegate: (host) => wellKnown.findDelegate(host),
		random: () => Math.random(),
	});
}

function readHosts(): ReadonlyMap<string, readonly string[]> {
	try {
		return parseHostsFile(readFileSync(HOSTS_FILE, 'utf8'));
	} catch {
		// A system without such a file has no such names.
		return new Map();
	}
}
