import {isIP} from 'node:net';
import {rootCertificates} from 'node:tls';
import type {Client, Entry} from 'ldapts';
import type {LdapProviderConfig} from '../config/index.ts';

/** A directory that is well answers in some milliseconds. */
const TIMEOUT_MS = 5_000;
const PLACE = '{username}';
/** Where nobody has an entry, a password is tried all the same, so that it takes as long. */
const NOBODY_DN = 'cn=nobody';

/** Asks one directory about names and passwords. */
export interface LdapClient {
	/**
	 * Finds whose name and password it is: an entry's lasting id. `undefined`: nobody's.
	 * @throws where the directory cannot be asked
	 */
	check(username: string, password: string): Promise<string | undefined>;
}

/** Makes what asks a directory; each question has a connection of its own, on which nobody else's name was used. */
export function createLdapClient(provider: LdapProviderConfig): LdapClient {
	return {
		async check(username, password) {
			// A directory takes an empty password for a question of nobody, and answers that it is well.
			if (username === '' || password === '') return undefined;
			const {Client: LdapConnection, InvalidCredentialsError, NoSuchObjectError} = await import('ldapts');
			const tlsOptions = makeTlsOptions(provider);
			const connection = new LdapConnection({
				url: provider.url,
				timeout: TIMEOUT_MS,
				connectTimeout: TIMEOUT_MS,
				...(provider.url.startsWith('ldaps:') && {tlsOptions}),
			});
			try {
				if (provider.startTls) await connection.startTLS(tlsOptions);
				const entry = await findEntry(connection, provider, username);
				const dn = entry?.dn ?? NOBODY_DN;
				try {
					await connection.bind(dn, password);
				} catch (error) {
					if (error instanceof InvalidCredentialsError || error instanceof NoSuchObjectError) return undefined;
					// A name that is no entry's is refused by some directories in other words.
					if (entry === undefined) return undefined;
					throw error;
				}
				return entry && (await readId(connection, entry));
			} finally {
				await connection.unbind().catch(() => undefined);
			}
		},
	};
}

function makeTlsOptions({url, trustedCertificates}: LdapProviderConfig) {
	const {hostname} = new URL(url);
	const host = hostname.replace(/^\[|\]$/gu, '');
	return {
		host,
		minVersion: 'TLSv1.2' as const,
		...(isIP(host) === 0 && {servername: host}),
		...(trustedCertificates.length > 0 && {ca: [...rootCertificates, ...trustedCertificates]}),
	};
}

/** Finds the one entry of a name; several are nobody's. */
async function findEntry(
	connection: Client,
	{place}: LdapProviderConfig,
	username: string,
): Promise<Pick<Entry, 'dn'> | undefined> {
	if ('userDn' in place) return {dn: place.userDn.replaceAll(PLACE, () => escapeDnValue(username))};
	await connection.bind(place.bindDn, place.bindPassword);
	const {searchEntries} = await connection.search(place.base, {
		scope: 'sub',
		filter: place.filter.replaceAll(PLACE, () => escapeFilterValue(username)),
		attributes: ['entryUUID'],
		sizeLimit: 2,
	});
	return searchEntries.length === 1 ? searchEntries[0] : undefined;
}

/** An entry keeps its id when it is renamed; where none can be read, its name must do. */
async function readId(connection: Client, {dn}: Pick<Entry, 'dn'>): Promise<string> {
	const {searchEntries} = await connection.search(dn, {scope: 'base', attributes: ['entryUUID']}).catch(() => ({
		searchEntries: [],
	}));
	const id = searchEntries[0]?.['entryUUID'];
	return typeof id === 'string' && id !== '' ? `uuid ${id.toLowerCase()}` : `dn ${dn.toLowerCase()}`;
}

/** @see https://www.rfc-editor.org/rfc/rfc4515#section-3 */
export function escapeFilterValue(value: string): string {
	return value.replaceAll(/[\\*()\0]/gu, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** @see https://www.rfc-editor.org/rfc/rfc4514#section-2.4 */
export function escapeDnValue(value: string): string {
	return value
		.replaceAll(/["+,;<=>\\#\0]/gu, (character) => `\\${character.charCodeAt(0).toString(16).padStart(2, '0')}`)
		.replaceAll(/^ | $/gu, '\\20');
}
