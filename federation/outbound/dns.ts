import {Resolver} from 'node:dns/promises';
import {LRUCache} from 'lru-cache';
import {OutboundError} from './errors.ts';

/** One SRV record. */
export interface ServiceRecord {
	/** Target host; empty where the record says that the service is not offered. */
	readonly name: string;
	readonly port: number;
	readonly priority: number;
	readonly weight: number;
}

/** Looks names up. Both methods give an empty list where there is no such record, and throw `unreachable` where DNS fails. */
export interface DnsResolver {
	/** Gives all A and AAAA addresses of a host, at most 16. */
	resolveAddresses(host: string): Promise<readonly string[]>;
	/** Gives the SRV records of a service name such as `_matrix-fed._tcp.example.org`, at most 16. */
	resolveService(name: string): Promise<readonly ServiceRecord[]>;
}

/** The part of Node's c-ares resolver that is used; tests give their own. */
export type CaresResolver = Pick<Resolver, 'resolve4' | 'resolve6' | 'resolveSrv'>;

/** Answers are kept for their own time to live, but not so long that a moved server stays lost. */
const TTL_MAX_MS = 300_000;
/** Nor so short that a peer could make us ask for each request. */
const TTL_MIN_MS = 5000;
/** SRV answers come without their time to live; absence comes without one as well. */
const SERVICE_TTL_MS = 60_000;
const ABSENT_TTL_MS = 30_000;
const RECORDS_MAX = 16;
const CACHE_ENTRIES_MAX = 10_000;
const TIMEOUT_MS = 3000;
const TRIES = 2;

/** c-ares' codes for "there is no such record". */
const ABSENT_CODES = new Set(['ENOTFOUND', 'ENODATA']);
/** Codes of DNS servers that do not know a record type at all; for SRV they mean absence. */
const UNSUPPORTED_CODES = new Set(['ENOTIMP', 'EREFUSED', 'EFORMERR']);

export interface DnsOptions {
	/** Addresses of DNS servers, `address` or `address:port`; empty: the system's. */
	readonly resolvers: readonly string[];
	/** Names that are known without DNS, as in a hosts file. Lower case. */
	readonly hosts?: ReadonlyMap<string, readonly string[]>;
	/** In place of c-ares, for tests. */
	readonly cares?: CaresResolver;
}

/**
 * Gives a resolver that asks DNS by c-ares: asynchronously, with its own timeout, and without the thread pool that
 * getaddrinfo would fill. Answers are cached for a short time; concurrent questions for one name are asked once.
 */
export function createDnsResolver(options: DnsOptions): DnsResolver {
	const cares = options.cares ?? createCares(options.resolvers);
	const hosts = options.hosts ?? new Map<string, readonly string[]>();
	const addresses = new CachedLookup((host) => lookUpAddresses(cares, host));
	const services = new CachedLookup((name) => lookUpService(cares, name));
	return {
		async resolveAddresses(host) {
			const name = host.toLowerCase();
			return hosts.get(name) ?? (await addresses.get(name));
		},
		resolveService: (name) => services.get(name.toLowerCase()),
	};
}

/** Reads the text of a hosts file: `address name name… # comment`. */
export function parseHostsFile(text: string): Map<string, readonly string[]> {
	const hosts = new Map<string, string[]>();
	for (const line of text.split('\n')) {
		const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
		for (const name of names) {
			const known = hosts.get(name.toLowerCase());
			if (known === undefined) hosts.set(name.toLowerCase(), [address as string]);
			else known.push(address as string);
		}
	}
	return hosts;
}

function createCares(resolvers: readonly string[]): CaresResolver {
	const resolver = new Resolver({timeout: TIMEOUT_MS, tries: TRIES});
	if (resolvers.length > 0) resolver.setServers(resolvers);
	return resolver;
}

interface Timed<Value> {
	readonly value: Value;
	readonly ttlMs: number;
}

/** A cache whose entries say how long they are good for, and which asks once for callers at the same time. */
class CachedLookup<Value extends object> {
	readonly #lookUp: (name: string) => Promise<Timed<Value>>;
	readonly #cache = new LRUCache<string, Value>({maxSize: CACHE_ENTRIES_MAX, sizeCalculation: () => 1});
	readonly #pending = new Map<string, Promise<Value>>();

	constructor(lookUp: (name: string) => Promise<Timed<Value>>) {
		this.#lookUp = lookUp;
	}

	async get(name: string): Promise<Value> {
		const cached = this.#cache.get(name);
		if (cached !== undefined) return cached;
		const pending = this.#pending.get(name);
		if (pending !== undefined) return pending;
		const promise = this.#fill(name).finally(() => this.#pending.delete(name));
		this.#pending.set(name, promise);
		return promise;
	}

	async #fill(name: string): Promise<Value> {
		const {value, ttlMs} = await this.#lookUp(name);
		this.#cache.set(name, value, {ttl: ttlMs});
		return value;
	}
}

async function lookUpAddresses(cares: CaresResolver, host: string): Promise<Timed<readonly string[]>> {
	const [ipv4, ipv6] = await Promise.allSettled([
		orAbsent(cares.resolve4(host, {ttl: true}), ABSENT_CODES),
		orAbsent(cares.resolve6(host, {ttl: true}), ABSENT_CODES),
	]);
	// A server whose AAAA questions get no proper answer is still reached by IPv4, and the other way round.
	if (ipv4.status === 'rejected' && ipv6.status === 'rejected') throw dnsError(host, ipv4.reason);
	const v4 = ipv4.status === 'fulfilled' ? ipv4.value : [];
	const v6 = ipv6.status === 'fulfilled' ? ipv6.value : [];
	const failed = ipv4.status === 'rejected' ? ipv4.reason : ipv6.status === 'rejected' ? ipv6.reason : undefined;
	if (v4.length + v6.length === 0 && failed !== undefined) throw dnsError(host, failed);
	// Families take turns, so that the connector's second attempt is always of the other one.
	const records = [];
	for (let index = 0; index < Math.max(v4.length, v6.length); index++) {
		records.push(...v6.slice(index, index + 1), ...v4.slice(index, index + 1));
	}
	if (records.length === 0) return {value: [], ttlMs: ABSENT_TTL_MS};
	const ttlMs = Math.min(TTL_MAX_MS, Math.max(TTL_MIN_MS, Math.min(...records.map(({ttl}) => ttl)) * 1000));
	return {value: records.slice(0, RECORDS_MAX).map(({address}) => address), ttlMs};
}

async function lookUpService(cares: CaresResolver, name: string): Promise<Timed<readonly ServiceRecord[]>> {
	try {
		const records = await orAbsent(cares.resolveSrv(name), new Set([...ABSENT_CODES, ...UNSUPPORTED_CODES]));
		const value = records.slice(0, RECORDS_MAX);
		return {value, ttlMs: value.length === 0 ? ABSENT_TTL_MS : SERVICE_TTL_MS};
	} catch (error) {
		throw dnsError(name, error);
	}
}

async function orAbsent<RecordType>(answer: Promise<RecordType[]>, codes: ReadonlySet<string>): Promise<RecordType[]> {
	try {
		return await answer;
	} catch (error) {
		if (codes.has((error as NodeJS.ErrnoException).code ?? '')) return [];
		throw error;
	}
}

function dnsError(name: string, cause: unknown): OutboundError {
	return new OutboundError('unreachable', `Expected an answer from DNS for ${name}, got an error`, {cause});
}
