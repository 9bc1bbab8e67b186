import {LRUCache} from 'lru-cache';
import {isKeyId, type KeyId, type ServerName} from '../../crypto/index.ts';
import type {Clock} from '../engine/index.ts';
import type {KeySource} from './fetch-keys.ts';
import {asObject, isSameKey, isSignedBy, readKeyDocument, type ServerKey, VALIDITY_MAX_MS} from './key-document.ts';

/** Keeps keys across restarts. */
export interface KeyStore {
	listKeys(server: ServerName): Promise<readonly ServerKey[]>;
	/** Adds keys and writes over those of the same id, whose bytes are the same. */
	saveKeys(server: ServerName, keys: readonly ServerKey[], fetchedTs: number): Promise<void>;
}

/**
 * When a signature was made, in milliseconds. `any` for events of room versions 1 to 4, which know no expiry.
 * @see https://spec.matrix.org/v1.19/rooms/v5/#signing-key-validity-period
 */
export type ValidAt = number | 'any';

/** Asks for one key. */
export interface KeyQuery {
	readonly server: ServerName;
	readonly keyId: string;
	readonly validAt: ValidAt;
}

/** What the keyring notices and an operator may want to know. */
export type KeyringNotice =
	/** A server shows other bytes under a key id that it used before; the first ones stay in force. */
	| {readonly kind: 'key_changed'; readonly server: ServerName; readonly keyId: KeyId}
	| {readonly kind: 'fetch_failed' | 'store_failed'; readonly server: ServerName; readonly error: unknown};

export interface KeyringOptions {
	readonly source: KeySource;
	readonly store: KeyStore;
	readonly clock: Pick<Clock, 'now' | 'monotonic'>;
	/** This server's own keys: they are never asked for. */
	readonly own: {readonly serverName: ServerName; listKeys(): readonly ServerKey[]};
	/** `federation.trusted_key_servers`: asked where a server does not answer for itself. */
	readonly notaries: readonly ServerName[];
	readonly onNotice: (notice: KeyringNotice) => void;
}

interface Entry {
	readonly keys: Map<KeyId, ServerKey>;
	/** After a fetch, of either outcome, none before this; by the monotonic clock. */
	notBefore: number;
	failures: number;
	/** Wall-clock time after which a key in use is fetched anew, in the background, when it is used. */
	refreshTs: number;
}

const SERVERS_MAX = 20_000;
/** A key that a server does not list is asked for again at most so often: forged signatures cost it one request a minute. */
const REPEAT_MS = 60_000;
/** A server that does not answer is asked again after 10 s, then twice as long each time; soon enough after it is back. */
const FAILURE_MIN_MS = 10_000;
const FAILURE_MAX_MS = 300_000;
/** Servers asked at the same time; joining a large room needs the keys of thousands. */
const FETCHES_MAX = 64;

/** Finds the keys that signatures of other servers are verified with. */
export class Keyring {
	readonly #options: KeyringOptions;
	readonly #entries = new LRUCache<ServerName, Entry>({maxSize: SERVERS_MAX, sizeCalculation: () => 1});
	readonly #loading = new Map<ServerName, Promise<Entry>>();
	readonly #fetching = new Map<ServerName, Promise<void>>();
	readonly #waiting: (() => void)[] = [];
	#fetches = 0;

	constructor(options: KeyringOptions) {
		this.#options = options;
	}

	/** Gives the public key, if the server had it and it was valid at that time; asks the server if need be. Never throws. */
	async findVerifyKey({server, keyId, validAt}: KeyQuery): Promise<Uint8Array | undefined> {
		const {own, clock} = this.#options;
		if (!isKeyId(keyId)) return undefined;
		if (server === own.serverName) {
			const key = own.listKeys().find((candidate) => candidate.keyId === keyId);
			return isValid(key, validAt) ? key?.publicKey : undefined;
		}
		// No word of validity reaches so far; asking would not help.
		if (validAt !== 'any' && validAt > clock.now() + VALIDITY_MAX_MS) return undefined;
		const entry = await this.#load(server);
		if (!isValid(entry.keys.get(keyId), validAt)) {
			await this.#refresh(server, entry);
			if (!isValid(entry.keys.get(keyId), validAt)) await this.#askNotaries(server, entry, keyId, validAt);
		} else if (clock.now() > entry.refreshTs && entry.keys.get(keyId)?.expiredTs === null) {
			void this.#refresh(server, entry);
		}
		const key = entry.keys.get(keyId);
		return isValid(key, validAt) ? key?.publicKey : undefined;
	}

	/** Gives the public keys for many queries, in their order; each server is asked at most once. */
	findVerifyKeys(queries: readonly KeyQuery[]): Promise<(Uint8Array | undefined)[]> {
		return Promise.all(queries.map((query) => this.findVerifyKey(query)));
	}

	/** Gives a key with which the server may sign requests now: old keys only verify events. */
	async findRequestKey(server: ServerName, keyId: string): Promise<Uint8Array | undefined> {
		const publicKey = await this.findVerifyKey({server, keyId, validAt: this.#options.clock.now()});
		const key = isKeyId(keyId) ? this.#entries.get(server)?.keys.get(keyId) : undefined;
		return key?.expiredTs === null ? publicKey : undefined;
	}

	/** Gives the entry of a server, from memory or from the store. */
	async #load(server: ServerName): Promise<Entry> {
		const known = this.#entries.get(server);
		if (known !== undefined) return known;
		let loading = this.#loading.get(server);
		if (loading === undefined) {
			loading = this.#readStore(server).finally(() => this.#loading.delete(server));
			this.#loading.set(server, loading);
		}
		return loading;
	}

	async #readStore(server: ServerName): Promise<Entry> {
		let keys: readonly ServerKey[] = [];
		try {
			keys = await this.#options.store.listKeys(server);
		} catch (error) {
			// A store that cannot be read costs a request; keys found so are not less true.
			this.#options.onNotice({kind: 'store_failed', server, error});
		}
		const entry = {keys: new Map(keys.map((key) => [key.keyId, key])), notBefore: 0, failures: 0, refreshTs: 0};
		entry.refreshTs = this.#findRefreshTs(entry);
		this.#entries.set(server, entry);
		return entry;
	}

	/** Asks a server for its keys, once for all who wait, and not too often. */
	async #refresh(server: ServerName, entry: Entry): Promise<void> {
		let fetching = this.#fetching.get(server);
		if (fetching === undefined) {
			if (this.#options.clock.monotonic() < entry.notBefore) return;
			fetching = this.#fetch(server, entry).finally(() => this.#fetching.delete(server));
			this.#fetching.set(server, fetching);
		}
		await fetching;
	}

	async #fetch(server: ServerName, entry: Entry): Promise<void> {
		const {source, clock, onNotice} = this.#options;
		await this.#enter();
		try {
			const now = clock.now();
			const keys = readKeyDocument(await source.fetchKeys(server), server, now);
			if (keys === undefined) throw new TypeError('Expected a self-signed document of keys');
			await this.#adopt(server, entry, keys, now);
			entry.failures = 0;
			entry.notBefore = clock.monotonic() + REPEAT_MS;
		} catch (error) {
			entry.failures++;
			const delayMs = Math.min(FAILURE_MAX_MS, FAILURE_MIN_MS * 2 ** Math.min(entry.failures - 1, 10));
			entry.notBefore = clock.monotonic() + delayMs;
			onNotice({kind: 'fetch_failed', server, error});
		} finally {
			this.#leave();
		}
	}

	/** Takes keys in; bytes that were seen first under a key id stay (threats B7). */
	async #adopt(server: ServerName, entry: Entry, keys: readonly ServerKey[], now: number): Promise<void> {
		const adopted = [];
		for (const key of keys) {
			const known = entry.keys.get(key.keyId);
			if (known !== undefined && !isSameKey(known.publicKey, key.publicKey)) {
				this.#options.onNotice({kind: 'key_changed', server, keyId: key.keyId});
				continue;
			}
			const merged = {...key, validUntilTs: Math.max(key.validUntilTs, known?.validUntilTs ?? 0)};
			entry.keys.set(key.keyId, merged);
			adopted.push(merged);
		}
		entry.refreshTs = this.#findRefreshTs(entry);
		try {
			await this.#options.store.saveKeys(server, adopted, now);
		} catch (error) {
			// The keys serve from memory; the next fetch writes them again.
			this.#options.onNotice({kind: 'store_failed', server, error});
		}
	}

	/** Half of what is left of the keys' validity. */
	#findRefreshTs(entry: Entry): number {
		const now = this.#options.clock.now();
		const inUse = [...entry.keys.values()].filter(({expiredTs}) => expiredTs === null);
		const validUntilTs = Math.max(0, ...inUse.map((key) => key.validUntilTs));
		return now + Math.max(0, validUntilTs - now) / 2;
	}

	/**
	 * Asks notaries in turn. What one says counts only when it signed it, with a key that we have from itself, and when
	 * the server has signed it too (threats B9).
	 */
	async #askNotaries(server: ServerName, entry: Entry, keyId: KeyId, validAt: ValidAt): Promise<void> {
		const {source, clock, notaries, own, onNotice} = this.#options;
		for (const notary of notaries) {
			if (notary === server || notary === own.serverName || isValid(entry.keys.get(keyId), validAt)) continue;
			try {
				const now = clock.now();
				const notaryEntry = await this.#load(notary);
				if (!hasKeyInUse(notaryEntry, now)) await this.#refresh(notary, notaryEntry);
				const trusted = [...notaryEntry.keys.values()].filter((key) => isInUse(key, now));
				const wanted = validAt === 'any' ? 0 : validAt;
				for (const document of (await source.queryNotary(notary, server, keyId, wanted)).slice(0, 16)) {
					const fields = asObject(document);
					const keys = readKeyDocument(document, server, now);
					if (fields === undefined || keys === undefined || !isSignedBy(fields, notary, trusted)) continue;
					await this.#adopt(server, entry, keys, now);
				}
			} catch (error) {
				onNotice({kind: 'fetch_failed', server: notary, error});
			}
		}
	}

	async #enter(): Promise<void> {
		if (this.#fetches >= FETCHES_MAX) await new Promise<void>((resolve) => this.#waiting.push(resolve));
		else this.#fetches++;
	}

	/** Hands the place on to who waits longest. */
	#leave(): void {
		const next = this.#waiting.shift();
		if (next === undefined) this.#fetches--;
		else next();
	}
}

function isValid(key: ServerKey | undefined, validAt: ValidAt): boolean {
	if (key === undefined) return false;
	return validAt === 'any' || validAt <= (key.expiredTs ?? key.validUntilTs);
}

function isInUse(key: ServerKey, now: number): boolean {
	return key.expiredTs === null && key.validUntilTs >= now;
}

function hasKeyInUse(entry: Entry, now: number): boolean {
	return [...entry.keys.values()].some((key) => isInUse(key, now));
}
