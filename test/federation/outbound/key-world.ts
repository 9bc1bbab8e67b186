/** A keyring whose peers, notary, clock and store are the test's. */
import {
	encodeBase64,
	generateSigningKey,
	type JsonObject,
	type JsonValue,
	type KeyId,
	type ServerName,
	type SigningKey,
	signJson,
} from '../../../crypto/index.ts';
import {
	Keyring,
	type KeyringNotice,
	type KeyStore,
	PublishedKeys,
	type ServerKey,
} from '../../../federation/outbound/index.ts';

export const us = 'us.example' as ServerName;
export const them = 'them.example' as ServerName;
export const notary = 'notary.example' as ServerName;
export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const START = Date.UTC(2026, 0, 1);

interface DocumentParts {
	readonly server?: ServerName;
	readonly keys?: readonly SigningKey[];
	readonly old?: readonly (readonly [SigningKey, expiredTs: JsonValue])[];
	readonly validUntilTs?: JsonValue;
	readonly signers?: readonly SigningKey[];
	readonly extra?: JsonObject;
}

/** Writes a key document as a server would, or as it should not. */
export function writeDocument({
	server = them,
	keys = [],
	old = [],
	validUntilTs = START + DAY_MS,
	signers = keys,
	extra = {},
}: DocumentParts): JsonObject {
	const document = {
		server_name: server,
		valid_until_ts: validUntilTs,
		verify_keys: Object.fromEntries(keys.map((key) => [key.keyId, {key: encodeBase64(key.publicKey)}])),
		old_verify_keys: Object.fromEntries(
			old.map(([key, ts]) => [key.keyId, {key: encodeBase64(key.publicKey), expired_ts: ts}]),
		),
		...extra,
	};
	return signers.reduce<JsonObject>((signed, signer) => signJson(signed, server, signer), document);
}

export class MemoryKeyStore implements KeyStore {
	readonly rows = new Map<string, Map<KeyId, ServerKey>>();
	isBroken = false;

	listKeys(server: ServerName): Promise<readonly ServerKey[]> {
		if (this.isBroken) return Promise.reject(new Error('broken'));
		return Promise.resolve([...(this.rows.get(server)?.values() ?? [])]);
	}

	saveKeys(server: ServerName, keys: readonly ServerKey[]): Promise<void> {
		if (this.isBroken) return Promise.reject(new Error('broken'));
		const rows = this.rows.get(server) ?? new Map<KeyId, ServerKey>();
		for (const key of keys) rows.set(key.keyId, key);
		this.rows.set(server, rows);
		return Promise.resolve();
	}
}

export function createWorld({
	notaries = [],
	store = new MemoryKeyStore(),
}: {
	notaries?: readonly ServerName[];
	store?: MemoryKeyStore;
} = {}) {
	const world = {
		now: START,
		documents: {} as Record<string, JsonValue | Error>,
		notaryAnswer: [] as readonly JsonValue[],
		fetched: [] as string[],
		notices: [] as KeyringNotice[],
		store,
	};
	const ownKey = generateSigningKey();
	const clock = {now: () => world.now, monotonic: () => world.now};
	const keyring = new Keyring({
		clock,
		store,
		notaries,
		own: new PublishedKeys({serverName: us, keys: [ownKey], oldKeys: [], clock}),
		onNotice: (notice) => world.notices.push(notice),
		source: {
			async fetchKeys(server) {
				world.fetched.push(server);
				await Promise.resolve();
				const document = world.documents[server] ?? new Error('down');
				if (document instanceof Error) throw document;
				return document;
			},
			queryNotary(asked, server) {
				world.fetched.push(`${asked} about ${server}`);
				return Promise.resolve(world.notaryAnswer);
			},
		},
	});
	const find = async (
		key: {readonly keyId: KeyId; readonly publicKey: Uint8Array},
		validAt: number | 'any' = world.now,
		server = them,
	): Promise<boolean> => {
		const found = await keyring.findVerifyKey({server, keyId: key.keyId, validAt});
		return found !== undefined && Buffer.from(found).equals(key.publicKey);
	};
	return {world, keyring, find, ownKey};
}

export function encode(key: Uint8Array | undefined): string {
	return encodeBase64(key ?? Buffer.from('absent'));
}
