import {
	canonicalJson,
	encodeBase64,
	type JsonObject,
	type JsonValue,
	type OldVerifyKey,
	type ServerName,
	type SignedJson,
	type SigningKey,
	signJson,
} from '../../crypto/index.ts';
import type {Clock} from '../engine/index.ts';
import {asObject, type ServerKey} from './key-document.ts';

export interface PublishedKeysOptions {
	readonly serverName: ServerName;
	/** The keys in use; the first one signs events and requests. At least one. */
	readonly keys: readonly SigningKey[];
	/** Keys that were in use once. */
	readonly oldKeys: readonly OldVerifyKey[];
	readonly clock: Pick<Clock, 'now'>;
}

/** How long what we publish is good for; a stolen key can be withdrawn within this time. */
const VALIDITY_MS = 86_400_000;
/** The document is made anew when so much of it has passed: it is never given out with less than 18 hours left. */
const RENEWAL_MS = VALIDITY_MS / 4;

/** The keys of this server, as it shows them to others. */
export class PublishedKeys {
	readonly #options: PublishedKeysOptions;
	#document: SignedJson | undefined;
	#madeTs = 0;

	constructor(options: PublishedKeysOptions) {
		this.#options = options;
	}

	get serverName(): ServerName {
		return this.#options.serverName;
	}

	/** Gives the answer of `/_matrix/key/v2/server`. @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server */
	document(): SignedJson {
		const {serverName, keys, oldKeys, clock} = this.#options;
		const now = clock.now();
		// A clock that was set back makes it anew as well.
		if (this.#document === undefined || Math.abs(now - this.#madeTs) > RENEWAL_MS) {
			const inUse = keys.map(({keyId, publicKey}) => [keyId, {key: encodeBase64(publicKey)}] as const);
			const old = oldKeys.map(
				({keyId, publicKey, expiredTs}) => [keyId, {key: encodeBase64(publicKey), expired_ts: expiredTs}] as const,
			);
			const statement: SignedJson = {
				server_name: serverName,
				valid_until_ts: now + VALIDITY_MS,
				verify_keys: Object.fromEntries(inUse),
				old_verify_keys: Object.fromEntries(old),
				signatures: {},
			};
			const signed = keys.reduce((document, key) => signJson(document, serverName, key), statement);
			// In the order of canonical JSON: some verify the bytes as they came.
			this.#document = JSON.parse(canonicalJson(signed)) as SignedJson;
			this.#madeTs = now;
		}
		return this.#document;
	}

	/**
	 * Gives the answer of `/_matrix/key/v2/query/{serverName}`. We are nobody's notary: an answer about others would tell
	 * with whom we talk, and let strangers make us ask anybody.
	 */
	answerQuery(serverName: string): JsonObject {
		return {server_keys: serverName === this.#options.serverName ? [this.document()] : []};
	}

	/** Gives the answer of `POST /_matrix/key/v2/query`. */
	answerQueries(body: JsonValue): JsonObject {
		const asked = asObject(asObject(body)?.['server_keys']) ?? {};
		return {server_keys: Object.hasOwn(asked, this.#options.serverName) ? [this.document()] : []};
	}

	/** Lists our keys as a keyring wants them: our own signatures are verified without asking anybody. */
	listKeys(): ServerKey[] {
		const {keys, oldKeys, clock} = this.#options;
		const validUntilTs = clock.now() + VALIDITY_MS;
		return [
			...keys.map(({keyId, publicKey}) => ({keyId, publicKey, validUntilTs, expiredTs: null})),
			...oldKeys.map((old) => ({...old, validUntilTs: 0})),
		];
	}
}
