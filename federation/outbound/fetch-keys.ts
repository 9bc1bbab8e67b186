import type {JsonValue, ServerName} from '../../crypto/index.ts';
import type {FederationClient} from './client.ts';
import {asObject} from './key-document.ts';

/** Where the keyring gets key documents. All throw where there is no answer. */
export interface KeySource {
	/** Asks a server for its own keys. */
	fetchKeys(server: ServerName): Promise<JsonValue>;
	/** Asks a notary for the keys of a server; gives the documents that it answered, unchecked. */
	queryNotary(notary: ServerName, server: ServerName, keyId: string, validAt: number): Promise<readonly JsonValue[]>;
}

/** Keys are small and needed while somebody waits. */
const LIMITS = {timeoutMs: 10_000, responseBytesMax: 65_536} as const;

/** Gives the source that asks real servers. */
export function createKeySource(client: FederationClient): KeySource {
	return {
		async fetchKeys(server) {
			const answer = await client.request({
				destination: server,
				method: 'GET',
				path: '/_matrix/key/v2/server',
				sign: false,
				limits: LIMITS,
			});
			return answer.body;
		},
		async queryNotary(notary, server, keyId, validAt) {
			const answer = await client.request({
				destination: notary,
				method: 'POST',
				path: '/_matrix/key/v2/query',
				body: {server_keys: {[server]: {[keyId]: {minimum_valid_until_ts: validAt}}}},
				limits: LIMITS,
			});
			const documents = asObject(answer.body)?.['server_keys'];
			return Array.isArray(documents) ? documents : [];
		},
	};
}
