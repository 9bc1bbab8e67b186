import type {ServerName} from '../../crypto/index.ts';
import type {Target} from './connect.ts';
import type {DnsResolver, ServiceRecord} from './dns.ts';
import {OutboundError} from './errors.ts';
import {formatHost, parseServerAddress, type ServerAddress} from './server-address.ts';

/** How a server is reached. */
export interface Route {
	/** The `Host` header that requests carry. */
	readonly hostHeader: string;
	/** The DNS name or IP address that the certificate must prove; a DNS name is also the SNI. */
	readonly certificateName: string;
	/** Where to connect, in order of preference; names are resolved, and addresses checked, by the connector. */
	readonly targets: readonly Target[];
}

/** The port of a server that names none. */
const DEFAULT_PORT = 8448;
const SERVICES = ['_matrix-fed._tcp', '_matrix._tcp'] as const;

export interface DiscoveryOptions {
	readonly resolver: DnsResolver;
	/** Step 3: whom a host delegates to; `undefined` where there is no valid answer. */
	readonly findDelegate: (host: string) => Promise<ServerAddress | undefined>;
	/** A number in [0, 1), for the weights of SRV records. */
	readonly random: () => number;
}

/** Finds how to reach servers by their names. */
export interface Discovery {
	/**
	 * Gives the route to a server. Cheap when repeated: what lies behind it is cached.
	 * @throws OutboundError `unreachable` for what is not a server name, and where DNS fails.
	 */
	findRoute(serverName: ServerName): Promise<Route>;
}

/**
 * Gives the discovery of the specification. Numbers in the code are its steps.
 * @see https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
 */
export function createDiscovery({resolver, findDelegate, random}: DiscoveryOptions): Discovery {
	return {
		async findRoute(serverName) {
			const address = parseServerAddress(serverName);
			if (address === undefined) throw new OutboundError('unreachable', 'Expected a valid server name');
			// 1 and 2: an IP literal or an explicit port says all.
			if (isComplete(address)) return directRoute(address);
			const delegate = await findDelegate(address.host);
			if (delegate === undefined) return findServiceRoute(address.host, resolver, random);
			// 3.1 and 3.2, then 3.3 to 3.5.
			if (isComplete(delegate)) return directRoute(delegate);
			return findServiceRoute(delegate.host, resolver, random);
		},
	};
}

function isComplete({isIpLiteral, port}: ServerAddress): boolean {
	return isIpLiteral || port !== undefined;
}

function directRoute({host, port}: ServerAddress): Route {
	return {
		hostHeader: formatHost(host, port),
		certificateName: certificateNameOf(host),
		targets: [{host, port: port ?? DEFAULT_PORT}],
	};
}

/** Steps 3.3 to 3.5 and 4 to 6, which differ only in the host that they start from. */
async function findServiceRoute(host: string, resolver: DnsResolver, random: () => number): Promise<Route> {
	const route = {hostHeader: host, certificateName: certificateNameOf(host)};
	for (const service of SERVICES) {
		const records = await resolver.resolveService(`${service}.${host}`);
		if (records.length === 0) continue;
		const targets = orderRecords(records, random).map(({name, port}) => ({host: name, port}));
		if (targets.length === 0) {
			// RFC 2782: the target "." says that the service is decidedly not offered here.
			throw new OutboundError('unreachable', 'Expected a federation service, its SRV record says there is none');
		}
		return {...route, targets};
	}
	return {...route, targets: [{host, port: DEFAULT_PORT}]};
}

/** A certificate names a host without the dot that ends a fully qualified name. */
function certificateNameOf(host: string): string {
	return host.endsWith('.') ? host.slice(0, -1) : host;
}

/** Orders records by priority, and within one priority at random by weight (RFC 2782). */
function orderRecords(records: readonly ServiceRecord[], random: () => number): ServiceRecord[] {
	const usable = records.filter(({name, port}) => name !== '' && name !== '.' && port > 0 && port <= 65_535);
	const ordered: ServiceRecord[] = [];
	for (const priority of [...new Set(usable.map((record) => record.priority))].toSorted((a, b) => a - b)) {
		const group = usable.filter((record) => record.priority === priority);
		while (group.length > 0) {
			// A weight of zero still gets a small chance.
			const total = group.reduce((sum, {weight}) => sum + weight + 1, 0);
			let point = random() * total;
			const index = group.findIndex(({weight}) => {
				point -= weight + 1;
				return point < 0;
			});
			ordered.push(...group.splice(Math.max(index, 0), 1));
		}
	}
	return ordered;
}
