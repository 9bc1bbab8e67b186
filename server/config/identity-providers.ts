import {readFileSync} from 'node:fs';
import {ConfigError} from './errors.ts';
import type {ConfigDocument} from './schema.ts';

/** What all services have that vouch for people. */
interface ProviderConfig {
	readonly id: string;
	/** As people are shown it. */
	readonly name: string;
	/** Whether somebody without an account gets one. */
	readonly createsAccounts: boolean;
}

/** A service that people are sent to, by OpenID Connect. */
export interface OidcProviderConfig extends ProviderConfig {
	readonly kind: 'oidc';
	readonly issuer: string;
	readonly clientId: string;
	/** Absent: the client is a public one. */
	readonly clientSecret: string | undefined;
	readonly scopes: readonly string[];
	/** The claim that suggests a user name; absent: people choose. */
	readonly localpartFrom: string | undefined;
	/** Whether the service asks for a second factor, so that none is asked for here. */
	readonly provesSecondFactor: boolean;
}

/** A directory that knows passwords, by LDAP. */
export interface LdapProviderConfig extends ProviderConfig {
	readonly kind: 'ldap';
	readonly url: string;
	readonly startTls: boolean;
	/** Certificates in PEM form that are trusted besides the authorities that Node knows; empty: none. */
	readonly trustedCertificates: readonly string[];
	/** Where somebody's entry is: known by the name, or searched for. `{username}` stands for the name. */
	readonly place:
		| {readonly userDn: string}
		| {
				readonly bindDn: string;
				readonly bindPassword: string;
				readonly base: string;
				readonly filter: string;
		  };
}

/** A service that vouches for people. */
export type IdentityProviderConfig = OidcProviderConfig | LdapProviderConfig;

type ProviderDocument = NonNullable<ConfigDocument['identity_providers']>[number];
type ToPath = (path: string) => string;

const PLACE = '{username}';

/** @throws ConfigError for keys that do not go together, and a file that cannot be read */
export function makeIdentityProviders(
	providers: readonly ProviderDocument[],
	toPath: ToPath,
): readonly IdentityProviderConfig[] {
	const ids = providers.map(({id}) => id);
	const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
	if (repeated !== undefined) throw new ConfigError(`identity_providers: expected each id once, got ${repeated} again`);
	return providers.map((provider, index) => {
		const where = `identity_providers[${index}]`;
		return provider.kind === 'oidc' ? makeOidc(provider, where, toPath) : makeLdap(provider, where, toPath);
	});
}

function makeOidc(
	provider: Extract<ProviderDocument, {kind: 'oidc'}>,
	where: string,
	toPath: ToPath,
): OidcProviderConfig {
	const {id, name, issuer, scopes = ['openid', 'profile']} = provider;
	if (new URL(issuer).protocol !== 'https:' && !isThisMachine(issuer)) {
		throw new ConfigError(`${where}.issuer: expected https, unless it is this machine`);
	}
	if (!scopes.includes('openid')) throw new ConfigError(`${where}.scopes: expected openid among them`);
	const {client_secret: text, client_secret_file: file} = provider;
	return {
		kind: 'oidc',
		id,
		name,
		createsAccounts: provider.creates_accounts ?? true,
		issuer,
		clientId: provider.client_id,
		clientSecret: readSecret({text, file}, `${where}.client_secret`, toPath),
		scopes,
		localpartFrom:
			provider.localpart_from === undefined ? 'preferred_username' : (provider.localpart_from ?? undefined),
		provesSecondFactor: provider.proves_second_factor ?? false,
	};
}

function makeLdap(
	provider: Extract<ProviderDocument, {kind: 'ldap'}>,
	where: string,
	toPath: ToPath,
): LdapProviderConfig {
	const {id, name, url, start_tls: startTls = false, user_dn: userDn, search} = provider;
	if (startTls && url.startsWith('ldaps:')) {
		throw new ConfigError(`${where}.start_tls: expected an ldap URL with it; ldaps is safe from its first byte`);
	}
	if (!startTls && url.startsWith('ldap:') && !isThisMachine(url)) {
		throw new ConfigError(
			`${where}: passwords are sent over a safe connection alone, expected start_tls or an ldaps URL`,
		);
	}
	return {
		kind: 'ldap',
		id,
		name,
		createsAccounts: provider.creates_accounts ?? true,
		url,
		startTls,
		trustedCertificates: (provider.trusted_certificates ?? []).map((path) =>
			readText(`${where}.trusted_certificates`, toPath(path)),
		),
		place: makePlace({userDn, search}, where, toPath),
	};
}

function makePlace(
	{userDn, search}: {userDn: string | undefined; search: Extract<ProviderDocument, {kind: 'ldap'}>['search']},
	where: string,
	toPath: ToPath,
): LdapProviderConfig['place'] {
	if ((userDn === undefined) === (search === undefined)) {
		throw new ConfigError(`${where}: expected either user_dn or search`);
	}
	if (search === undefined) {
		if (userDn?.includes(PLACE) !== true) throw new ConfigError(`${where}.user_dn: expected ${PLACE} in it`);
		return {userDn};
	}
	const {filter = `(uid=${PLACE})`, base, bind_dn: bindDn} = search;
	if (!filter.includes(PLACE)) throw new ConfigError(`${where}.search.filter: expected ${PLACE} in it`);
	const {bind_password: text, bind_password_file: file} = search;
	const bindPassword = readSecret({text, file}, `${where}.search.bind_password`, toPath);
	if (bindPassword === undefined) throw new ConfigError(`${where}.search.bind_password: missing, expected a password`);
	return {bindDn, bindPassword, base, filter};
}

function isThisMachine(url: string): boolean {
	return ['localhost', '127.0.0.1', '[::1]'].includes(new URL(url).hostname);
}

function readSecret(
	{text, file}: {readonly text: string | undefined; readonly file: string | undefined},
	where: string,
	toPath: ToPath,
): string | undefined {
	if (text !== undefined && file !== undefined)
		throw new ConfigError(`${where}: expected it or ${where}_file, not both`);
	return file === undefined ? text : readText(`${where}_file`, toPath(file)).replace(/\r?\n$/u, '');
}

function readText(where: string, path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch (cause) {
		throw new ConfigError(`${where}: cannot read ${path}`, {cause});
	}
}
