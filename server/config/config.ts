import {isIP} from 'node:net';
import {resolve} from 'node:path';
import type {ServerName} from '../../crypto/index.ts';
import type {RoomVersionId} from '../../federation/rooms/index.ts';
import type {ListenerOptions, Rate, RateLimits, TlsFiles} from '../http/index.ts';
import {ConfigError} from './errors.ts';
import {makeServerNotices, makeSmtp, type ServerNoticesConfig, type SmtpConfig} from './mail.ts';
import {type IdentityProviderConfig, makeIdentityProviders} from './identity-providers.ts';
import {type AppserviceRegistration, readRegistrations} from './registrations.ts';
import type {ConfigDocument, privacyScopes, roles} from './schema.ts';
import {readSize} from './units.ts';

/** A part of the server that a process may run. */
export type Role = (typeof roles)[number];

/** Who, among local people, partners and strangers, may know that somebody exists. */
export type PrivacyScope = (typeof privacyScopes)[number];

/** Where facts are kept. */
export type DatabaseConfig =
	| {readonly kind: 'sqlite'; readonly path: string}
	| {readonly kind: 'postgres'; readonly url: string};

/** The configuration of a server: every key of homeserver.yaml with its default filled in and its paths absolute. */
export interface Config {
	readonly serverName: ServerName;
	/** Where clients reach the server, without a trailing slash. */
	readonly publicUrl: string;
	/** What `.well-known/matrix/server` names, if it is served. */
	readonly federationAddress: string | undefined;
	/** What `.well-known/matrix/support` answers, if it is served. */
	readonly support: NonNullable<ConfigDocument['support']> | undefined;
	readonly dataPath: string;
	readonly listeners: readonly ListenerOptions[];
	readonly trustedProxies: readonly string[];
	readonly database: DatabaseConfig;
	readonly roles: readonly Role[];
	readonly registration: 'closed' | 'token' | 'open';
	readonly registrationSharedSecret: string | undefined;
	readonly federation: {
		readonly mode: 'off' | 'partners' | 'open';
		/** Counts with mode `partners` only. */
		readonly partners: readonly ServerName[];
		/** PEM files, trusted besides the authorities that Node knows. */
		readonly trustedCertificates: readonly string[];
		/** CIDR ranges of private addresses that outbound requests may reach. */
		readonly allowPrivateAddresses: readonly string[];
		readonly trustedKeyServers: readonly ServerName[];
		/** Addresses of DNS servers; empty: the system's. */
		readonly resolvers: readonly string[];
		/** Whether rooms of other servers are entered before their members are known. */
		readonly fastJoins: boolean;
	};
	readonly privacy: {
		readonly profiles: PrivacyScope;
		readonly directory: PrivacyScope;
		readonly keys: PrivacyScope;
	};
	readonly presence: 'off' | 'local' | 'federated';
	readonly rateLimits: RateLimits;
	readonly defaultRoomVersion: RoomVersionId;
	readonly media: {
		/** A directory. */
		readonly store: string;
		readonly uploadBytesMax: number;
		/** What one person may keep here; absent: any number of files. */
		readonly userBytesMax: number | undefined;
		/** What is kept of other servers' files; absent: all that anybody here has looked at. */
		readonly cacheBytesMax: number | undefined;
	};
	/** The relay for calls between two people; absent: there is none. */
	readonly turn: {readonly uris: readonly string[]; readonly secret: string; readonly lifetimeMs: number} | undefined;
	/** Where calls of several people are relayed; absent: nowhere. */
	readonly rtc: {readonly livekitServiceUrl: string} | undefined;
	/** Who must sign in with a second factor; who has one is always asked for it. */
	readonly secondFactor: 'optional' | 'administrators' | 'everybody';
	/** What takes this server's mail; absent: none is sent. */
	readonly smtp: SmtpConfig | undefined;
	readonly serverNotices: ServerNoticesConfig;
	/** Whether a new session sees nothing until another one approves it. */
	readonly quarantine: boolean;
	/** Signing in by OAuth. */
	readonly oauth: {readonly enabled: boolean};
	/** For how many days it is kept where a device was last seen from; 0: that is not written down. */
	readonly keepAddressesDays: number;
	/** Facts about other people that a stranger may learn in a day. */
	readonly factBudgetPerDay: number;
	/** Facts that all servers together that share no room with anybody may learn in a day, and likewise all who have no account. */
	readonly strangersFactBudgetPerDay: number;
	/** Whose names of this server are whose, by the registration files of application services. */
	readonly appservices: readonly AppserviceRegistration[];
	/** Other services that vouch for people. */
	readonly identityProviders: readonly IdentityProviderConfig[];
	/** Links by which sources get accounts; absent: there are none. */
	readonly sourceLinks:
		| {
				/** Who makes them, besides administrators: names without the server's. */
				readonly who: readonly string[];
				/** Whether people of other servers may be in the rooms. */
				readonly allowsFederation: boolean;
				/** For how many days links and accounts last at most. */
				readonly daysMax: number;
				/** After how many days without use an account ends, unless its link says otherwise. */
				readonly silenceDays: number;
		  }
		| undefined;
	readonly log: {
		readonly level: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'trace' | 'silent';
		readonly format: 'json' | 'pretty';
	};
}

/** Nobody needs more in a day of work, and whoever learns no more needs a thousand years for fifteen million names. */
const FACTS_DEFAULT = 30;
/** Budgets of one that all strangers together have by default: whoever is many strangers is no more than so many. */
const STRANGERS_DEFAULT = 10;

const defaultListeners: NonNullable<ConfigDocument['listeners']> = [
	{address: '127.0.0.1', port: 8008, serves: ['client', 'federation', 'well-known']},
];

/** Keys whose function is not part of this version: saying anything but the default would promise it. */
const reservedKeys: readonly (readonly [keyof ConfigDocument, (value: unknown) => boolean])[] = [
	['url_previews', isNotEnabled],
	['retention', (value) => Object.keys(value as object).length === 0],
];

function isNotEnabled(value: unknown): boolean {
	return (value as {enabled?: boolean}).enabled !== true;
}

/**
 * Fills in the defaults of a checked document.
 * @param directory what relative paths are relative to
 * @throws ConfigError for keys that do not go together
 */
export function makeConfig(document: ConfigDocument, directory: string): Config {
	for (const [key, isDefault] of reservedKeys) {
		if (document[key] !== undefined && !isDefault(document[key])) {
			throw new ConfigError(`${key}: reserved for a later version, expected its default`);
		}
	}
	const toPath = (path: string): string => resolve(directory, path);
	const dataPath = toPath(document.data ?? './data');
	const roles = document.roles ?? ['all'];
	if (document.listeners === undefined && !roles.includes('all')) {
		throw new ConfigError(
			'listeners: missing, expected where a process with these roles listens (metrics if for no more)',
		);
	}
	const listeners = (document.listeners ?? defaultListeners).map((listener, index) =>
		makeListener(listener, index, toPath),
	);
	const registration = document.registration ?? 'closed';
	const factBudgetPerDay = document.fact_budget_per_day ?? FACTS_DEFAULT;
	return {
		serverName: document.server_name ?? ('localhost' as ServerName),
		publicUrl: (document.public_url ?? defaultPublicUrl(listeners)).replace(/\/+$/u, ''),
		federationAddress: document.federation_address ?? undefined,
		support: document.support ?? undefined,
		dataPath,
		listeners,
		trustedProxies: document.trusted_proxies ?? ['127.0.0.0/8', '::1'],
		database: makeDatabase(document.database ?? undefined, dataPath, toPath),
		roles,
		registration,
		registrationSharedSecret: document.registration_shared_secret ?? undefined,
		federation: makeFederation(document.federation ?? {}, toPath),
		privacy: makePrivacy(document.privacy ?? 'default', registration),
		presence: document.presence ?? 'local',
		rateLimits: makeRateLimits(document.rate_limits ?? 'default'),
		defaultRoomVersion: document.default_room_version ?? '12',
		media: makeMedia(document.media ?? {}, {dataPath, toPath, registration}),
		turn: makeTurn(document.turn ?? undefined),
		rtc: document.rtc ? {livekitServiceUrl: document.rtc.livekit_service_url} : undefined,
		secondFactor: document.second_factor ?? 'optional',
		smtp: makeSmtp(document.smtp ?? undefined, toPath),
		serverNotices: makeServerNotices(document.server_notices ?? {}),
		quarantine: document.quarantine ?? false,
		oauth: {enabled: document.oauth?.enabled ?? true},
		keepAddressesDays: document.keep_addresses_days ?? 0,
		factBudgetPerDay,
		strangersFactBudgetPerDay: document.strangers_fact_budget_per_day ?? factBudgetPerDay * STRANGERS_DEFAULT,
		appservices: readRegistrations((document.appservices ?? []).map(toPath)),
		identityProviders: makeIdentityProviders(document.identity_providers ?? [], toPath),
		sourceLinks: makeSourceLinks(document.source_links ?? {}),
		log: {level: document.log?.level ?? 'info', format: document.log?.format ?? 'json'},
	};
}

/** As long as a story takes. */
const SOURCE_DAYS_DEFAULT = 90;
/** Who has not come for so long does not come any more. */
const SILENCE_DAYS_DEFAULT = 14;

function makeSourceLinks(links: NonNullable<ConfigDocument['source_links']>): Config['sourceLinks'] {
	if (links.enabled !== true) return undefined;
	return {
		who: links.who === undefined || links.who === 'administrators' ? [] : links.who,
		allowsFederation: links.allow_federation ?? false,
		daysMax: links.days_max ?? SOURCE_DAYS_DEFAULT,
		silenceDays: links.silence_days ?? SILENCE_DAYS_DEFAULT,
	};
}

/** A call's connection outlives the credentials by which it was made; an hour leaves time to make it anew. */
const TURN_SECONDS_DEFAULT = 3600;

function makeTurn(turn: NonNullable<ConfigDocument['turn']> | undefined): Config['turn'] {
	if (turn === undefined) return undefined;
	return {uris: turn.uris, secret: turn.secret, lifetimeMs: (turn.ttl_seconds ?? TURN_SECONDS_DEFAULT) * 1000};
}

function makeListener(
	{address, port, path, serves, tls}: NonNullable<ConfigDocument['listeners']>[number],
	index: number,
	toPath: (path: string) => string,
): ListenerOptions {
	const where = `listeners[${index}]`;
	if (path !== undefined && (address !== undefined || port !== undefined)) {
		throw new ConfigError(`${where}: expected either path (a Unix socket) or address and port, not both`);
	}
	if (path === undefined && port === undefined) {
		throw new ConfigError(`${where}.port: missing, expected a port number`);
	}
	const files = tls === undefined || tls === null ? undefined : ((Array.isArray(tls) ? tls : [tls]) as TlsFiles[]);
	return {
		...(path === undefined ? {address: address ?? '127.0.0.1', port: port!} : {path: toPath(path)}),
		serves,
		...(files && {tls: files.map(({certificate, key}) => ({certificate: toPath(certificate), key: toPath(key)}))}),
	};
}

function defaultPublicUrl(listeners: readonly ListenerOptions[]): string {
	const first = listeners.find(({serves, path}) => serves.includes('client') && path === undefined);
	const {address = '127.0.0.1', port = 8008, tls} = first ?? {};
	const reachable = address === '0.0.0.0' || address === '::' ? 'localhost' : address;
	const host = isIP(reachable) === 6 ? `[${reachable}]` : reachable;
	return `${tls === undefined ? 'http' : 'https'}://${host}:${port}`;
}

function makeDatabase(
	database: string | undefined,
	dataPath: string,
	toPath: (path: string) => string,
): DatabaseConfig {
	if (database === undefined) {
		return {kind: 'sqlite', path: resolve(dataPath, 'broadsheet.db')};
	}
	return database.startsWith('sqlite:')
		? {kind: 'sqlite', path: toPath(database.slice('sqlite:'.length))}
		: {kind: 'postgres', url: database};
}

function makeFederation(
	federation: NonNullable<ConfigDocument['federation']>,
	toPath: (path: string) => string,
): Config['federation'] {
	const partners = federation.partners ?? [];
	return {
		mode: federation.mode ?? 'open',
		partners: partners.map((partner) => (typeof partner === 'string' ? partner : partner.server_name)),
		trustedCertificates: (federation.trusted_certificates ?? []).map((path) => toPath(path)),
		allowPrivateAddresses: federation.allow_private_addresses ?? [],
		trustedKeyServers: federation.trusted_key_servers ?? [],
		resolvers: federation.resolvers ?? [],
		fastJoins: federation.fast_joins ?? false,
	};
}

function makePrivacy(
	privacy: NonNullable<ConfigDocument['privacy']>,
	registration: Config['registration'],
): Config['privacy'] {
	// Where anybody may sign up, being of this server is no reason to be told who else is.
	const usual = registration === 'open' ? 'shared' : 'server';
	const scopeOf = (scope: PrivacyScope | 'default' = 'default'): PrivacyScope => (scope === 'default' ? usual : scope);
	const scopes = typeof privacy === 'string' ? {profiles: privacy, directory: privacy, keys: privacy} : privacy;
	return {profiles: scopeOf(scopes.profiles), directory: scopeOf(scopes.directory), keys: scopeOf(scopes.keys)};
}

function makeRateLimits(limits: NonNullable<ConfigDocument['rate_limits']>): RateLimits {
	if (typeof limits === 'string') {
		return limits;
	}
	const rates = Object.entries(limits).filter((entry) => entry[1] !== undefined);
	return Object.fromEntries(
		rates.map(([name, rate]): [string, Rate] => [name, {perSecond: rate.per_second, burst: rate.burst}]),
	);
}

/** Some weeks of what a newsroom looks at, and small beside the disk of any server. */
const CACHE_DEFAULT = '10GiB';
/** Thousands of pictures. */
const OPEN_QUOTA_DEFAULT = '1GiB';

function makeMedia(
	media: NonNullable<ConfigDocument['media']>,
	{
		dataPath,
		toPath,
		registration,
	}: {
		readonly dataPath: string;
		readonly toPath: (path: string) => string;
		readonly registration: Config['registration'];
	},
): Config['media'] {
	if (media.store?.startsWith('s3:') === true || (media.s3 ?? null) !== null) {
		throw new ConfigError('media.store: storage in S3 is reserved for a later version, expected a directory');
	}
	const store = media.store ?? undefined;
	const uploadBytesMax = readSize(media.max_upload ?? '100MiB');
	const cache = media.remote_cache === undefined ? CACHE_DEFAULT : media.remote_cache;
	const cacheBytesMax = cache === null ? undefined : readSize(cache);
	if (cacheBytesMax !== undefined && cacheBytesMax < uploadBytesMax) {
		throw new ConfigError('media.remote_cache: expected at least the size of one file (media.max_upload), or null');
	}
	const quota = media.quota_per_user ?? null;
	const isDefault = media.quota_per_user === undefined || quota === 'default';
	// Whom nobody has vetted takes no more than a share of the disk.
	const usual = registration === 'open' ? OPEN_QUOTA_DEFAULT : null;
	const size = isDefault ? usual : quota;
	return {
		store: store === undefined ? resolve(dataPath, 'media') : toPath(store),
		uploadBytesMax,
		userBytesMax: size === null ? undefined : readSize(size),
		cacheBytesMax,
	};
}
