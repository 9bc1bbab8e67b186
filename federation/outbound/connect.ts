import {isIP, connect as openTcp, type Socket} from 'node:net';
import {connect as openTls, createSecureContext, rootCertificates, type SecureContext, type TLSSocket} from 'node:tls';
import type {buildConnector} from 'undici';
import {abortable} from './abortable.ts';
import type {AddressPolicy} from './addresses.ts';
import type {DnsResolver} from './dns.ts';
import {OutboundError} from './errors.ts';
import {isDnsName} from './server-address.ts';

/** Where a connection may go: a DNS name or an IP literal without brackets, and a port. */
export interface Target {
	readonly host: string;
	readonly port: number;
}

/** What every outbound connection of this server, of whatever kind, is made with. */
export interface Network {
	readonly policy: AddressPolicy;
	readonly resolver: DnsResolver;
	readonly secureContext: SecureContext;
	/** The whole of a connection attempt, from the name to the verified certificate. */
	readonly connectTimeoutMs: number;
}

/** Time after which the next address is tried beside one that does not answer (RFC 8305 recommends 250 ms). */
const ATTEMPT_DELAY_MS = 250;
/** Addresses that one connection attempt tries, over all targets. */
const ADDRESSES_MAX = 16;

/**
 * Gives the TLS settings that peers are verified with: Node's certificate authorities, and the administrator's.
 *
 * @param trustedCertificates PEM texts of `federation.trusted_certificates`, each one or several certificates.
 */
export function createTrust(trustedCertificates: readonly string[]): SecureContext {
	if (trustedCertificates.length === 0) return createSecureContext({minVersion: 'TLSv1.2'});
	// Giving `ca` replaces Node's own list, so both are given. Parsed once here: for each connection it would cost 10 ms.
	return createSecureContext({ca: [...rootCertificates, ...trustedCertificates], minVersion: 'TLSv1.2'});
}

/**
 * Gives the connector for undici that every outbound connection passes through. Each address, whether it was given as a
 * literal or came from DNS, is checked against the policy and then connected to as that very address: what was checked is
 * what is reached. (undici's and Node's `lookup` hooks are not called for literals.) Only TLS is spoken.
 *
 * @param route Fixed targets and the name that the certificate must prove; without it, the URL says both.
 */
export function createConnector(
	network: Network,
	route?: {readonly targets: readonly Target[]; readonly certificateName: string},
): buildConnector.connector {
	return (options, callback) => {
		if (options.protocol !== 'https:') {
			callback(new OutboundError('not_allowed', `Expected https, got ${options.protocol}`), null);
			return;
		}
		const host = options.hostname.replace(/^\[(.*)\]$/, '$1');
		const {targets, certificateName} = route ?? {
			targets: [{host, port: Number(options.port || 443)}],
			certificateName: host,
		};
		openConnection(network, targets, certificateName).then(
			(socket) => callback(null, socket),
			(error: unknown) => callback(error as Error, null),
		);
	};
}

/** Opens a TLS connection to the first target that answers and proves `certificateName`. */
export async function openConnection(
	network: Network,
	targets: readonly Target[],
	certificateName: string,
): Promise<TLSSocket> {
	const deadline = AbortSignal.timeout(network.connectTimeoutMs);
	try {
		const addresses = await abortable(listAddresses(network, targets), deadline);
		let failure: unknown;
		for (let rest = addresses; rest.length > 0; ) {
			const {socket, untried} = await raceTcp(rest, deadline, failure);
			rest = untried;
			try {
				return await secure(socket, certificateName, network.secureContext, deadline);
			} catch (error) {
				failure = error;
				if (deadline.aborted) break;
			}
		}
		throw failure;
	} catch (error) {
		if (error instanceof OutboundError) throw error;
		if (deadline.aborted)
			throw new OutboundError('timeout', `No connection to ${certificateName} in time`, {cause: error});
		throw new OutboundError('unreachable', `No trusted connection to ${certificateName}`, {cause: error});
	}
}

/** Resolves targets in their order and keeps the addresses that may be reached; throws where none is left. */
async function listAddresses({policy, resolver}: Network, targets: readonly Target[]): Promise<readonly Target[]> {
	const allowed: Target[] = [];
	let refused = 0;
	let failure: unknown;
	for (const {host, port} of targets) {
		if (allowed.length >= ADDRESSES_MAX) break;
		try {
			for (const address of await resolveHost(resolver, host)) {
				if (isIP(address) !== 0 && policy.isAllowed(address)) allowed.push({host: address, port});
				else refused++;
			}
		} catch (error) {
			failure = error;
		}
	}
	if (allowed.length > 0) return allowed.slice(0, ADDRESSES_MAX);
	if (refused > 0) {
		throw new OutboundError('not_allowed', 'Expected a public address or one of federation.allow_private_addresses');
	}
	throw failure ?? new OutboundError('unreachable', 'Expected an A or AAAA record, found none');
}

async function resolveHost(resolver: DnsResolver, host: string): Promise<readonly string[]> {
	if (isIP(host) !== 0) return [host];
	return isDnsName(host) ? resolver.resolveAddresses(host) : [];
}

/**
 * Tries addresses in order, the next one when one fails or is slow, and gives the first socket that is open together
 * with the addresses not tried. All other attempts are ended.
 */
function raceTcp(
	addresses: readonly Target[],
	deadline: AbortSignal,
	earlierFailure: unknown,
): Promise<{socket: Socket; untried: readonly Target[]}> {
	return new Promise((resolve, reject) => {
		const open = new Set<Socket>();
		let next = 0;
		let timer: NodeJS.Timeout | undefined;
		let failure = earlierFailure;
		const finish = (): void => {
			clearTimeout(timer);
			deadline.removeEventListener('abort', expire);
			for (const socket of open) socket.destroy();
		};
		const expire = (): void => {
			finish();
			reject(deadline.reason as Error);
		};
		const attempt = (): void => {
			clearTimeout(timer);
			const target = addresses[next++];
			if (target === undefined) {
				if (open.size > 0) return;
				finish();
				reject(failure);
				return;
			}
			const socket = openTcp({host: target.host, port: target.port, noDelay: true, keepAlive: true});
			open.add(socket);
			socket.once('connect', () => {
				open.delete(socket);
				finish();
				socket.removeAllListeners('error');
				// From here on the TLS socket around it reports errors.
				socket.on('error', () => undefined);
				resolve({socket, untried: addresses.slice(next)});
			});
			socket.on('error', (error) => {
				open.delete(socket);
				failure = error;
				attempt();
			});
			timer = setTimeout(attempt, ATTEMPT_DELAY_MS);
		};
		if (deadline.aborted) {
			reject(deadline.reason as Error);
			return;
		}
		deadline.addEventListener('abort', expire);
		attempt();
	});
}

/** Speaks TLS on an open socket. An IP address is not sent as SNI, which knows host names only, but is verified all the same. */
function secure(
	socket: Socket,
	certificateName: string,
	secureContext: SecureContext,
	deadline: AbortSignal,
): Promise<TLSSocket> {
	return new Promise((resolve, reject) => {
		const secured = openTls({
			socket,
			secureContext,
			// Stated although it is the default, for NODE_TLS_REJECT_UNAUTHORIZED=0 would change the default.
			rejectUnauthorized: true,
			host: certificateName,
			...(isIP(certificateName) === 0 && {servername: certificateName}),
			ALPNProtocols: ['http/1.1'],
		});
		const expire = (): void => {
			secured.destroy(deadline.reason as Error);
		};
		deadline.addEventListener('abort', expire);
		const settle = (): void => deadline.removeEventListener('abort', expire);
		secured.once('secureConnect', () => {
			settle();
			secured.off('error', fail);
			resolve(secured);
		});
		const fail = (error: Error): void => {
			settle();
			secured.destroy();
			reject(error);
		};
		secured.once('error', fail);
		secured.once('close', () => fail(new Error('Expected a TLS handshake, got the end of the connection')));
	});
}
