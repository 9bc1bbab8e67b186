import {
	encodeBase64,
	type JsonObject,
	type JsonValue,
	type KeyId,
	type ServerName,
	type SignedJson,
	type Signer,
	signJson,
} from '../../crypto/index.ts';
import type {Clock} from '../engine/index.ts';
import {asObject, type ServerKey} from './key-document.ts';

/** A key that this server signs with. */
export interface OwnKey extends Signer {
	readonly publicKey: Uint8Array;
}

/** A key that this server signed with before. */
export interface OldKey {
	readonly keyId: KeyId;
	readonly publicKey: Uint8Array;
	/** Since when it signs nothing any more. */
	readonly expiredTs: number;
}

export interface PublishedKeysOptions {
	readonly serverName: ServerName;
	readonly key: OwnKey;
	readonly oldKeys: readonly OldKey[];
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

	/** Gives the answer of `/_matrix/key/v2/server`. @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server */
	document(): SignedJson {
		const {serverName, key, oldKeys, clock} = this.#options;
		const now = clock.now();
		// A clock that was set back makes it anew as well.
		if (this.#document === undefined || Math.abs(now - this.#madeTs) > RENEWAL_MS) {
			const unsigned: JsonObject = {
				server_name: serverName,
				valid_until_ts: now + VALIDITY_MS,
				verify_keys: {[key.keyId]: {key: encodeBase64(key.publicKey)}},
				old_verify_keys: Object.fromEntries(
					oldKeys.map(({keyId, publicKey, expiredTs}) => [
						keyId,
						{key: encodeBase64(publicKey), expired_ts: expiredTs},
					]),
				),
			};
			this.#document = signJson(unsigned, serverName, key);
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
		const {key, oldKeys, clock} = this.#options;
		const {keyId, publicKey} = key;
		return [
			{keyId, publicKey, validUntilTs: clock.now() + VALIDITY_MS, expiredTs: null},
			...oldKeys.map((old) => ({...old, validUntilTs: 0})),
		];
	}
}
