import {isIP} from 'node:net';
import {isServerName, type ServerName} from '../../crypto/index.ts';
import {defaultRates, type RateLimitClass, servedGroups} from '../http/index.ts';
import {type Infer, type OptionalSchema, schemaOf, v} from '../validation/index.ts';
import {sizeSchema} from './units.ts';

/** What a process may do; `all` is everything. */
export const roles = [
	'all',
	'client',
	'sync',
	'federation-in',
	'federation-out',
	'media',
	'push',
	'appservice',
	'background',
] as const;

/** Who is told that a person exists. */
export const privacyScopes = ['shared', 'server', 'partners', 'open'] as const;

const roomVersions = ['1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12'] as const;

const serverName = schemaOf<ServerName>(
	'a server name such as news.example or matrix.news.example:8448',
	isServerName,
	'string',
);

const httpUrl = schemaOf<string>('an http or https URL', isHttpUrl, 'string');

const networkRange = schemaOf<string>(
	'an address or a CIDR range such as 10.0.0.0/8',
	(value) => typeof value === 'string' && isNetworkRange(value),
	'string',
);

const databaseUrl = schemaOf<string>(
	'sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/NAME',
	(value) => typeof value === 'string' && /^(?:sqlite:.|postgres(?:ql)?:\/\/.)/u.test(value),
	'string',
);

function isHttpUrl(value: unknown): boolean {
	return typeof value === 'string' && /^https?:\/\//u.test(value) && URL.canParse(value);
}

function isNetworkRange(value: string): boolean {
	const [address = '', prefix, rest] = value.split('/');
	const version = isIP(address);
	const bitsMax = version === 6 ? 128 : 32;
	const hasGoodPrefix = prefix === undefined || (/^\d{1,3}$/u.test(prefix) && Number(prefix) <= bitsMax);
	return version !== 0 && rest === undefined && hasGoodPrefix;
}

const path = v.string({min: 1, max: 4096, description: 'a path'});

const tlsFiles = v.strictObject({certificate: path, key: path});

const listener = v.strictObject({
	address: v.optional(v.string({min: 1, max: 255, description: 'an IP address or a name of this machine'})),
	port: v.optional(v.integer({min: 0, max: 65_535})),
	path: v.optional(path),
	serves: v.array(v.literal(...servedGroups), {min: 1}),
	tls: v.optional(v.nullable(v.union(tlsFiles, v.array(tlsFiles, {min: 1})))),
});

const rate = v.strictObject({per_second: v.number({min: 0.0001, max: 1e6}), burst: v.integer({min: 1, max: 1e6})});
const rateOfClass = Object.fromEntries(Object.keys(defaultRates).map((name) => [name, v.optional(rate)])) as Record<
	RateLimitClass,
	OptionalSchema<Infer<typeof rate>>
>;

const privacyScope = v.literal('default', ...privacyScopes);

const support = v.strictObject({
	contacts: v.optional(
		v.array(
			v.strictObject({
				role: v.string({min: 1}),
				matrix_id: v.optional(v.string({min: 1})),
				email_address: v.optional(v.string({min: 1})),
			}),
		),
	),
	support_page: v.optional(httpUrl),
});

const federation = v.strictObject({
	mode: v.optional(v.literal('off', 'partners', 'open')),
	partners: v.optional(v.array(v.union(serverName, v.strictObject({server_name: serverName})))),
	trusted_certificates: v.optional(v.array(path)),
	allow_private_addresses: v.optional(v.array(networkRange)),
	trusted_key_servers: v.optional(v.array(serverName)),
	resolvers: v.optional(v.array(v.string({min: 1, description: 'the address of a DNS server'}))),
	fast_joins: v.optional(v.boolean()),
});

const privacy = v.strictObject({
	profiles: v.optional(privacyScope),
	directory: v.optional(privacyScope),
	keys: v.optional(privacyScope),
});

const secret = v.string({min: 1, description: 'a string that is not empty'});

const turn = v.strictObject({
	uris: v.array(
		schemaOf<string>(
			'a TURN address such as turn:turn.news.example:3478?transport=udp',
			(value) => typeof value === 'string' && /^turns?:[^\s]+$/u.test(value),
			'string',
		),
		{min: 1, max: 16},
	),
	secret,
	// Shorter ones end while a call is being set up; longer ones are good to whoever stole them.
	ttl_seconds: v.optional(v.integer({min: 60, max: 7 * 86_400})),
});

const localpart = schemaOf<string>(
	'the part of a user id before the colon, of a-z, 0-9 and ._=-/+',
	(value) => typeof value === 'string' && /^[a-z0-9.=\-/+][a-z0-9._=\-/+]{0,63}$/u.test(value),
	'string',
);

const mailbox = schemaOf<string>(
	'an e-mail address, or a name and an e-mail address such as News <server@news.example>',
	(value) =>
		typeof value === 'string' &&
		value.length <= 320 &&
		/^(?:[^<>@\p{Cc}]+ <[^\s<>@]+@[^\s<>@]+>|[^\s<>@]+@[^\s<>@]+)$/u.test(value),
	'string',
);

const smtp = v.strictObject({
	host: v.string({min: 1, max: 255, description: 'the name or address of a mail server'}),
	port: v.optional(v.integer({min: 1, max: 65_535})),
	tls: v.optional(v.literal('starttls', 'implicit', 'off')),
	user: v.optional(secret),
	password: v.optional(secret),
	password_file: v.optional(path),
	from: mailbox,
	trusted_certificates: v.optional(v.array(path)),
});

const serverNotices = v.strictObject({
	enabled: v.optional(v.boolean()),
	localpart: v.optional(localpart),
	name: v.optional(v.string({min: 1, max: 100, description: 'a name'})),
});

const rtc = v.strictObject({livekit_service_url: httpUrl});

const providerFields = {
	id: schemaOf<string>(
		'an id of small letters, digits and -',
		(value) => typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,31}$/u.test(value),
		'string',
	),
	name: v.string({min: 1, max: 100}),
	creates_accounts: v.optional(v.boolean()),
};

const oidcProvider = v.strictObject({
	kind: v.literal('oidc'),
	...providerFields,
	issuer: httpUrl,
	client_id: v.string({min: 1, max: 255}),
	client_secret: v.optional(secret),
	client_secret_file: v.optional(path),
	scopes: v.optional(v.array(v.string({min: 1, max: 255}), {min: 1, max: 16})),
	localpart_from: v.optional(v.nullable(v.string({min: 1, max: 255}))),
	proves_second_factor: v.optional(v.boolean()),
});

const ldapProvider = v.strictObject({
	kind: v.literal('ldap'),
	...providerFields,
	url: schemaOf<string>(
		'an ldap or ldaps URL',
		(value) => typeof value === 'string' && /^ldaps?:\/\/[^/]+/u.test(value) && URL.canParse(value),
		'string',
	),
	start_tls: v.optional(v.boolean()),
	trusted_certificates: v.optional(v.array(path)),
	user_dn: v.optional(v.string({min: 1, max: 1024})),
	search: v.optional(
		v.strictObject({
			bind_dn: v.string({min: 1, max: 1024}),
			bind_password: v.optional(secret),
			bind_password_file: v.optional(path),
			base: v.string({max: 1024}),
			filter: v.optional(v.string({min: 1, max: 1024})),
		}),
	),
});

/** Long enough for any story, and not for ever. */
const sourceDays = v.integer({min: 1, max: 3650});

const sourceLinks = v.strictObject({
	enabled: v.optional(v.boolean()),
	who: v.optional(
		v.union(v.literal('administrators'), v.array(v.string({min: 1, max: 255, description: 'the name of an account'}))),
	),
	allow_federation: v.optional(v.boolean()),
	days_max: v.optional(sourceDays),
	silence_days: v.optional(sourceDays),
});

/** The form of homeserver.yaml; keys that name what is not built yet are reserved, and must keep their default. */
export const documentSchema = v.strictObject({
	server_name: v.optional(serverName),
	public_url: v.optional(v.nullable(httpUrl)),
	federation_address: v.optional(v.nullable(serverName)),
	support: v.optional(v.nullable(support)),
	data: v.optional(path),
	listeners: v.optional(v.array(listener, {min: 1, max: 64})),
	trusted_proxies: v.optional(v.array(networkRange)),
	database: v.optional(v.nullable(databaseUrl)),
	roles: v.optional(v.array(v.literal(...roles), {min: 1})),
	registration: v.optional(v.literal('closed', 'token', 'open')),
	registration_shared_secret: v.optional(v.nullable(secret)),
	federation: v.optional(federation),
	privacy: v.optional(v.union(privacyScope, privacy)),
	presence: v.optional(v.literal('off', 'local', 'federated')),
	rate_limits: v.optional(v.union(v.literal('default', 'off'), v.strictObject(rateOfClass))),
	default_room_version: v.optional(v.literal(...roomVersions)),
	media: v.optional(
		v.strictObject({
			store: v.optional(v.nullable(path)),
			max_upload: v.optional(sizeSchema),
			quota_per_user: v.optional(v.nullable(v.union(v.literal('default'), sizeSchema))),
			remote_cache: v.optional(v.nullable(sizeSchema)),
			s3: v.optional(v.nullable(v.jsonObject())),
		}),
	),
	url_previews: v.optional(v.strictObject({enabled: v.optional(v.boolean())})),
	appservices: v.optional(v.array(path, {max: 64})),
	smtp: v.optional(v.nullable(smtp)),
	server_notices: v.optional(serverNotices),
	turn: v.optional(v.nullable(turn)),
	rtc: v.optional(v.nullable(rtc)),
	oauth: v.optional(v.strictObject({enabled: v.optional(v.boolean())})),
	identity_providers: v.optional(v.array(v.union(oidcProvider, ldapProvider), {max: 16})),
	second_factor: v.optional(v.literal('optional', 'administrators', 'everybody')),
	quarantine: v.optional(v.boolean()),
	source_links: v.optional(sourceLinks),
	keep_addresses_days: v.optional(v.integer({min: 0, max: 3650})),
	fact_budget_per_day: v.optional(v.integer({min: 0, max: 1_000_000})),
	strangers_fact_budget_per_day: v.optional(v.nullable(v.integer({min: 0, max: 10_000_000}))),
	retention: v.optional(v.jsonObject()),
	log: v.optional(
		v.strictObject({
			level: v.optional(v.literal('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent')),
			format: v.optional(v.literal('json', 'pretty')),
		}),
	),
});

/** A checked homeserver.yaml, its defaults not yet filled in. */
export type ConfigDocument = Infer<typeof documentSchema>;
