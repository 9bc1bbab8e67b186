import {readFileSync} from 'node:fs';
import {
	loadOldVerifyKeys,
	loadOrCreateSigningKeys,
	type ServerName,
	type SigningKey,
	verify,
} from '../../crypto/index.ts';
import {
	type Clock,
	createEngine,
	type Engine,
	type Random,
	type SignatureChecker,
} from '../../federation/engine/index.ts';
import {type EduReceivers, type InvitePolicy, JoinsUnderway, Staging} from '../../federation/inbound/index.ts';
import {
	checkRequestHead,
	createFederationClient,
	createHttpsTransport,
	createKeySource,
	createKeyStore,
	createNetwork,
	createNetworkDiscovery,
	createPolicyServers,
	createRemoteDirectory,
	createRemoteEvents,
	createRemoteQueries,
	createRemoteRooms,
	createSignatureChecker,
	type FederationClient,
	FederationSender,
	Keyring,
	type Network,
	PublishedKeys,
	type RemoteDirectory,
	type RemoteQueries,
	type RemoteRooms,
	type RequestFault,
	type Strangers,
	verifyRequest,
} from '../../federation/outbound/index.ts';
import type {Pdu} from '../../federation/rooms/index.ts';
import type {Storage} from '../../storage/index.ts';
import {type Config, keyFilesOf} from '../config/index.ts';
import {type Authenticators, MatrixError} from '../http/index.ts';
import type {FederationServices} from '../services.ts';
import type {Logger} from '../telemetry/index.ts';

/** What federation is built with. */
export interface FederationParts {
	readonly config: Config;
	readonly storage: Storage;
	readonly clock: Clock;
	readonly random: Random;
	readonly log: Pick<Logger, 'info' | 'warn'>;
	/** Counts a stored event that cannot be read. */
	readonly noteDamage: () => void;
	/** Whether an event notifies by the default push rules. */
	readonly notifies: (pdu: Pdu) => boolean;
}

/** The server among other servers: the engine, and both directions of the conversation. */
export interface Federation {
	readonly engine: Engine;
	readonly keys: PublishedKeys;
	/** What events and requests are signed with. */
	readonly signer: SigningKey;
	readonly signatures: SignatureChecker;
	readonly client: FederationClient;
	/** What every connection of this server is made with, federation or not. */
	readonly network: Network;
	readonly sender: FederationSender;
	/** What this server asks of the servers of rooms, and of people. */
	readonly remoteRooms: RemoteRooms;
	readonly remoteQueries: RemoteQueries;
	readonly remoteDirectory: RemoteDirectory;
	readonly staging: Staging;
	readonly joins: JoinsUnderway;
	/** Who takes which EDU: domains put themselves in before the server listens. */
	readonly edus: {receivers: EduReceivers};
	/** Whether `federation.mode` lets this server talk with another. */
	isAllowed(server: ServerName): boolean;
	readonly authenticate: Authenticators['server'];
	/** Begins to send, and to drain what a former run left; each only where this process is to do it. */
	start(loops: {readonly sends: boolean; readonly drains: boolean}): Promise<void>;
	/** Ends sending and receiving; what is not done stays on disk. */
	stop(): Promise<void>;
}

/** Gives what the endpoints of the server-server API work on. */
export function federationServices(
	{engine, keys, signatures, staging, joins, edus}: Federation,
	{config, storage, log, clock}: FederationParts,
	policy: InvitePolicy,
): FederationServices {
	const inbound = {storage, engine, serverName: config.serverName, signatures, policy};
	return {
		keys,
		inbound,
		transactions: {
			...inbound,
			staging,
			joins,
			clock,
			get edus() {
				return edus.receivers;
			},
			onProblem: ({origin, eduType, cause}) => log.warn({err: cause, origin, eduType}, 'An EDU failed'),
		},
	};
}

/** Builds everything that federation needs, in the order of its layers; nothing is sent before `start`. */
export async function createFederation(parts: FederationParts): Promise<Federation> {
	const {config, storage, clock, random, log} = parts;
	const {serverName} = config;
	const {keys: signingKeys} = await loadOrCreateSigningKeys(keyFilesOf(config).signing);
	const [signer] = signingKeys;
	if (!signer) throw new Error('a signing key file without a key was taken for one');
	const keys = await publishKeys(parts, signingKeys);
	const isAllowed = allowing(config);
	const {client, transport, network} = connect(parts, signer, isAllowed, (server) => sender.noteContact(server));
	const keyring = createKeyring(parts, client, keys);
	const signatures = createSignatureChecker(keyring, undefined, listStrangers(parts, isAllowed));
	const engine = createEngine({
		...parts,
		serverName,
		signer,
		remote: createRemoteEvents(client),
		signatures,
		policyServers: createPolicyServers(client, clock),
		verifySignature: verify,
		onDamage(eventId, cause) {
			parts.noteDamage();
			log.warn({err: cause, eventId}, 'A stored event cannot be read');
		},
		onStrain: (roomId) => log.warn({roomId}, 'The state of a room takes too much to be worked out, and stays as it is'),
	});
	const sender = new FederationSender({
		storage,
		serverName,
		client,
		clock,
		random,
		isAllowed,
		onNotice: (notice) => log.info({notice: notice.kind, server: notice.server}, 'Delivery to another server'),
	});
	const edus: {receivers: EduReceivers} = {receivers: {}};
	const {joins, staging} = createStaging(parts, {engine, signatures});
	const fastJoins = config.federation.fastJoins ? clock : undefined;
	const remoteRooms = createRemoteRooms({...parts, serverName, client, engine, signatures, keyring, fastJoins});
	let isSending = false;
	return {
		engine,
		keys,
		signer,
		signatures,
		client,
		network,
		sender,
		remoteRooms: {
			...remoteRooms,
			join: (request) => joins.run(request.roomId, () => remoteRooms.join(request)),
		},
		remoteQueries: createRemoteQueries(client),
		remoteDirectory: createRemoteDirectory(client),
		staging,
		joins,
		edus,
		isAllowed,
		authenticate: authenticating(serverName, keyring, isAllowed, (server) => sender.noteContact(server)),
		async start({sends, drains}) {
			isSending = sends && config.federation.mode !== 'off';
			if (isSending) await sender.start();
			if (drains) await staging.resume();
		},
		async stop() {
			staging.stop();
			if (isSending) await sender.stop();
			await transport.close();
		},
	};
}

/** Servers whose events were dropped and that were named in the log for it; each is named once. */
const NAMED_MAX = 1_000;

/** Whom this server does not speak with, so that their events count only where others give their keys. */
function listStrangers(
	{config: {serverName}, log}: FederationParts,
	isAllowed: (server: ServerName) => boolean,
): Strangers {
	const named = new Set<ServerName>();
	return {
		has: (server) => server !== serverName && !isAllowed(server),
		note(server) {
			if (named.has(server) || named.size >= NAMED_MAX) return;
			named.add(server);
			log.info({server}, 'Events of a server that is no partner are dropped: nobody who is gives its keys');
		},
	};
}

function createKeyring(
	{config, storage, clock, log}: FederationParts,
	client: FederationClient,
	own: PublishedKeys,
): Keyring {
	return new Keyring({
		source: createKeySource(client),
		store: createKeyStore(storage),
		clock,
		own,
		notaries: config.federation.trustedKeyServers,
		onNotice: (notice) => log.warn({notice: notice.kind, server: notice.server}, 'Keys of another server'),
	});
}

/** Makes the place where PDUs wait for their rooms, and for the joins that bring rooms here. */
function createStaging(
	{config, storage, clock, log}: FederationParts,
	parts: Pick<Federation, 'engine' | 'signatures'>,
): Pick<Federation, 'joins' | 'staging'> {
	const joins = new JoinsUnderway();
	const staging = new Staging({
		...parts,
		storage,
		serverName: config.serverName,
		joins,
		clock,
		onProblem: ({origin, isGivenUp, cause}) => log.warn({err: cause, origin, isGivenUp}, 'A staged event failed'),
	});
	return {joins, staging};
}

async function publishKeys({config, clock}: FederationParts, keys: readonly SigningKey[]): Promise<PublishedKeys> {
	const oldKeys = await loadOldVerifyKeys(keyFilesOf(config).old);
	return new PublishedKeys({serverName: config.serverName, keys, oldKeys, clock});
}

function connect(
	{config}: FederationParts,
	signer: SigningKey,
	isAllowed: (server: ServerName) => boolean,
	onAnswered: (server: ServerName) => void,
) {
	const {allowPrivateAddresses, trustedCertificates, resolvers} = config.federation;
	const network = createNetwork({
		allowPrivateAddresses,
		trustedCertificates: trustedCertificates.map((file) => readFileSync(file, 'utf8')),
		resolvers,
	});
	const transport = createHttpsTransport({network, discovery: createNetworkDiscovery(network)});
	return {
		network,
		transport,
		client: createFederationClient({serverName: config.serverName, signer, transport, isAllowed, onAnswered}),
	};
}

/** What `federation.mode` says, for every path in either direction. */
function allowing({serverName, federation: {mode, partners}}: Config): (server: ServerName) => boolean {
	const listed = new Set(partners);
	const rules = {
		off: () => false,
		partners: (server: ServerName) => listed.has(server),
		open: (server: ServerName) => server !== serverName,
	};
	return rules[mode];
}

const FAULTS: Readonly<Record<RequestFault, string>> = {
	missing: 'The request is not signed',
	malformed: 'The X-Matrix header cannot be read',
	own_origin: 'The request claims to be from this server',
	wrong_destination: 'The request is signed for another server',
	not_allowed: 'This server does not federate with yours',
	unknown_key: 'The key that signed the request cannot be had',
	bad_signature: 'The signature is wrong',
};

function refuse(fault: RequestFault): MatrixError {
	return new MatrixError(fault === 'not_allowed' ? 'M_FORBIDDEN' : 'M_UNAUTHORIZED', FAULTS[fault]);
}

/** Recognises other servers by their signatures: the header before the body is read, the signature after. */
function authenticating(
	serverName: ServerName,
	keyring: Keyring,
	isAllowed: (server: ServerName) => boolean,
	noteContact: (server: ServerName) => void,
): Authenticators['server'] {
	const options = {
		serverName,
		isAllowed,
		findRequestKey: (server: ServerName, keyId: string) => keyring.findRequestKey(server, keyId),
	};
	return ({method, uri, authorization}) => {
		const head = checkRequestHead(authorization, options);
		if (!head.isPlausible) throw refuse(head.fault);
		const {origin} = head;
		return {
			origin,
			async verify(content, sent) {
				const verdict = await verifyRequest({method, uri, authorization, content, sent}, options);
				if (!verdict.isAuthentic) throw refuse(verdict.fault);
				// Who speaks to us can be spoken to: what waits for it is tried again.
				noteContact(verdict.origin);
				return {origin: verdict.origin};
			},
		};
	};
}
