import {readFileSync} from 'node:fs';
import type {JsonValue, ServerName, SigningKey} from '../../crypto/index.ts';
import {readStrictJson} from '../../crypto/index.ts';
import {
	createFederationClient,
	createHttpsTransport,
	createNetwork,
	createNetworkDiscovery,
	type FederationClient,
	fetchPublic,
	openConnection,
	type Route,
} from '../../federation/outbound/index.ts';
import type {Config} from '../config/index.ts';

/** Answers that are looked at are small. */
const LIMITS = {sizeBytesMax: 64 * 1024, redirectsMax: 3, totalTimeoutMs: 10_000} as const;
/** A doctor may knock at any door of the house: how a server is seen from within may be by a private address. */
const EVERYWHERE = ['0.0.0.0/0', '::/0'];

/** An answer to a plain request. */
export interface PlainAnswer {
	readonly status: number;
	readonly body: JsonValue | undefined;
}

/** The world as an examination sees it. */
export interface Outside {
	/** How other servers find one. */
	findRoute(server: ServerName): Promise<Route>;
	/** The addresses of a host; an IP address is its own. */
	resolve(host: string): Promise<readonly string[]>;
	/** Whether servers elsewhere can reach an address. */
	isPublic(address: string): boolean;
	/** Connects as a partner would; until when the certificate is good. @throws where it proves nothing */
	findCertificateEnd(route: Route): Promise<number>;
	/** Gets a URL as a client would. */
	get(url: URL): Promise<PlainAnswer>;
	/** Asks a server for its keys, as a partner would. */
	fetchKeys(server: ServerName): Promise<JsonValue>;
	/** Asks partners, as this server would. */
	readonly client: Pick<FederationClient, 'request'>;
	close(): Promise<void>;
}

function readBody(bytes: Uint8Array): JsonValue | undefined {
	try {
		return readStrictJson(bytes);
	} catch {
		// A page of some other program, which is told by not being what was expected.
		return undefined;
	}
}

/** Gives the world through this server's own connections: its DNS, its trust, its rules of where it may go. */
export function createOutside({serverName, federation}: Config, signer: SigningKey): Outside {
	const settings = {
		trustedCertificates: federation.trustedCertificates.map((file) => readFileSync(file, 'utf8')),
		resolvers: federation.resolvers,
	};
	const strict = createNetwork({...settings, allowPrivateAddresses: federation.allowPrivateAddresses});
	const open = createNetwork({...settings, allowPrivateAddresses: EVERYWHERE});
	const discovery = createNetworkDiscovery(open);
	const inward = createHttpsTransport({network: open, discovery});
	const outward = createHttpsTransport({network: strict, discovery: createNetworkDiscovery(strict)});
	return {
		findRoute: (server) => discovery.findRoute(server),
		resolve: (host) => open.resolver.resolveAddresses(host),
		isPublic: (address) => strict.policy.isAllowed(address),
		async findCertificateEnd({targets, certificateName}) {
			const socket = await openConnection(open, targets, certificateName);
			const end = Date.parse(socket.getPeerCertificate().valid_to);
			socket.destroy();
			return end;
		},
		async get(url) {
			if (url.protocol === 'https:') {
				const {status, body} = await fetchPublic(open, url, LIMITS);
				return {status, body: readBody(body)};
			}
			const answer = await fetch(url, {signal: AbortSignal.timeout(LIMITS.totalTimeoutMs)});
			return {status: answer.status, body: readBody(new Uint8Array(await answer.arrayBuffer()))};
		},
		async fetchKeys(server) {
			const {status, body} = await inward.request({
				destination: server,
				method: 'GET',
				path: '/_matrix/key/v2/server',
				headers: {accept: 'application/json', 'user-agent': 'Broadsheet'},
				timeoutMs: LIMITS.totalTimeoutMs,
				responseBytesMax: LIMITS.sizeBytesMax,
			});
			if (status !== 200) throw new Error(`expected status 200, got ${status}`);
			return readStrictJson(body);
		},
		client: createFederationClient({
			serverName,
			signer,
			transport: outward,
			isAllowed: (server) => federation.mode === 'open' || federation.partners.includes(server),
		}),
		close: async () => {
			await Promise.all([inward.close(), outward.close()]);
		},
	};
}
