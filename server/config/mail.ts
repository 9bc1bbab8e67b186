import {readFileSync} from 'node:fs';
import {ConfigError} from './errors.ts';
import type {ConfigDocument} from './schema.ts';

/** The relay that takes this server's mail. */
export interface SmtpConfig {
	readonly host: string;
	readonly port: number;
	/** `starttls`: the connection is made safe before anything is said; `implicit`: from its first byte; `off`: never. */
	readonly tls: 'starttls' | 'implicit' | 'off';
	/** Certificates in PEM form that are trusted besides the authorities that Node knows; empty: none. */
	readonly trustedCertificates: readonly string[];
	readonly login: {readonly user: string; readonly password: string} | undefined;
	/** What mails say they are from: an address, or a name and an address in angle brackets. */
	readonly from: string;
}

/** Where the server tells people what happens to their accounts. */
export interface ServerNoticesConfig {
	readonly isEnabled: boolean;
	/** The part of the user id that sends them before the colon; nobody else can have it. */
	readonly localpart: string;
	/** What that user is called; absent: as the language of the person says. */
	readonly name: string | undefined;
}

/** The ports that mail is handed in at. */
const portDefaults = {starttls: 587, implicit: 465, off: 25} as const;

/** A password is one line; a file that is longer is another one. */
const PASSWORD_BYTES_MAX = 4096;

/** @throws ConfigError for keys that do not go together, and a file that cannot be read */
export function makeSmtp(
	smtp: NonNullable<ConfigDocument['smtp']> | undefined,
	toPath: (path: string) => string,
): SmtpConfig | undefined {
	if (smtp === undefined) return undefined;
	const {host, tls = 'starttls', user, from} = smtp;
	if (smtp.password !== undefined && smtp.password_file !== undefined) {
		throw new ConfigError('smtp: expected either password or password_file, not both');
	}
	const password = smtp.password_file === undefined ? smtp.password : readPassword(toPath(smtp.password_file));
	if ((user === undefined) !== (password === undefined)) {
		throw new ConfigError('smtp: expected user and password (or password_file) together, or neither');
	}
	if (tls === 'off' && password !== undefined && !isThisMachine(host)) {
		throw new ConfigError('smtp.tls: a password is sent over a safe connection alone, expected starttls or implicit');
	}
	return {
		host,
		port: smtp.port ?? portDefaults[tls],
		tls,
		trustedCertificates: (smtp.trusted_certificates ?? []).map((path) =>
			readFile('trusted_certificates', toPath(path)),
		),
		login: user === undefined || password === undefined ? undefined : {user, password},
		from,
	};
}

/** Fills in the defaults of what says how people are told. */
export function makeServerNotices(notices: NonNullable<ConfigDocument['server_notices']>): ServerNoticesConfig {
	return {
		isEnabled: notices.enabled ?? true,
		localpart: notices.localpart ?? 'notices',
		name: notices.name,
	};
}

function isThisMachine(host: string): boolean {
	return host === 'localhost' || host === '::1' || host.startsWith('127.');
}

function readFile(key: string, path: string): string {
	try {
		return readFileSync(path, 'utf8');
	} catch (cause) {
		const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unreadable';
		throw new ConfigError(`smtp.${key}: ${path} cannot be read (${why})`, {cause});
	}
}

function readPassword(path: string): string {
	const password = readFile('password_file', path).replace(/\r?\n$/u, '');
	if (password === '' || password.length > PASSWORD_BYTES_MAX) {
		throw new ConfigError(`smtp.password_file: ${path}: expected one line of 1 to ${PASSWORD_BYTES_MAX} characters`);
	}
	return password;
}
