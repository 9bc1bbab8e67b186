import {LRUCache} from 'lru-cache';
import {domainOf, type JsonValue, type ServerName, type UserId} from '../../crypto/index.ts';
import type {EphemeralDependencies} from './ephemeral.ts';

/** The states of the specification. */
export type PresenceState = 'online' | 'offline' | 'unavailable';

/** How somebody was last seen. */
export interface PresenceRow {
	readonly state: PresenceState;
	readonly statusMessage: string | undefined;
	/** By this server's clock. */
	readonly lastActiveTs: number;
	/** From then on silence is absence. */
	readonly offlineFromTs: number;
	/** The number of the last change that others are told of. */
	readonly seq: number;
}

/** The content of a presence event. */
export interface PresenceContent {
	readonly presence: PresenceState;
	/** Milliseconds. */
	readonly last_active_ago?: number;
	readonly currently_active?: boolean;
	readonly status_msg?: string;
}

/** A status message is a line, not a text. */
export const STATUS_MAX = 512;
/** People whose presence is held, of this server and of others each; who was seen longest ago goes first. */
const PRESENCES_MAX = 20_000;
/** How long after the last sign of life somebody counts as active. */
const ACTIVE_MS = 60_000;
/** After so long without a sign of life nobody is online any more. */
const OFFLINE_AFTER_MS = 5 * 60_000;
/** After so long without a word of their server nobody of another server is; servers say it again before. */
const REMOTE_OFFLINE_AFTER_MS = 30 * 60_000;

/** Reads a state; `undefined` for what is none. */
export function readPresenceState(value: JsonValue | undefined): PresenceState | undefined {
	return value === 'online' || value === 'offline' || value === 'unavailable' ? value : undefined;
}

/**
 * Who is online, in memory only. People of other servers are among them only where presence is federated.
 * @see https://spec.matrix.org/v1.19/client-server-api/#presence
 */
export class Presence {
	/** Whether presence is told at all. */
	readonly isOn: boolean;
	readonly #now: () => number;
	readonly #count: (userId: UserId) => number;
	readonly #serverName: ServerName;
	readonly #isUnseen: (userId: UserId) => boolean;
	readonly #presences = new LRUCache<UserId, PresenceRow>({maxSize: PRESENCES_MAX, sizeCalculation: () => 1});
	/** Of people of other servers, so that these do not displace our own. */
	readonly #remote = new LRUCache<UserId, PresenceRow>({maxSize: PRESENCES_MAX, sizeCalculation: () => 1});
	/** Told of every sign of life of somebody of this server, and whether it changed anything. */
	onSign: (userId: UserId, isChange: boolean) => void = () => undefined;
	#changed: {readonly seq: number; readonly userId: UserId}[] = [];

	/** @param count notes a change and gives its number */
	constructor({clock, hasPresence, serverName, isUnseen}: EphemeralDependencies, count: (userId: UserId) => number) {
		this.isOn = hasPresence;
		this.#serverName = serverName;
		this.#isUnseen = isUnseen ?? (() => false);
		this.#now = () => clock.now();
		this.#count = count;
	}

	/** Finds how somebody was last seen; `undefined` for nobody known. */
	find(userId: UserId): PresenceRow | undefined {
		const row = this.#rowsOf(userId).get(userId);
		return row && this.#now() > row.offlineFromTs ? {...row, state: 'offline'} : row;
	}

	/** Gives somebody's presence as clients are told it; of nobody known, that they are offline. */
	describe(userId: UserId): PresenceContent {
		const row = this.find(userId);
		if (!row) return {presence: 'offline'};
		const {state, statusMessage, lastActiveTs} = row;
		const lastActiveAgo = Math.max(0, this.#now() - lastActiveTs);
		return {
			presence: state,
			last_active_ago: lastActiveAgo,
			currently_active: state === 'online' && lastActiveAgo <= ACTIVE_MS,
			...(statusMessage !== undefined && {status_msg: statusMessage}),
		};
	}

	/** Sets somebody's presence. An absent status message removes the one there was. */
	set(userId: UserId, state: PresenceState, statusMessage: string | undefined): void {
		if (!this.isOn || this.#isUnseen(userId)) return;
		const now = this.#now();
		const isChange = this.#put(userId, {
			state,
			statusMessage,
			lastActiveTs: now,
			offlineFromTs: now + OFFLINE_AFTER_MS,
		});
		this.onSign(userId, isChange);
	}

	/** Notes what another server says of somebody of its own. */
	setRemote(
		userId: UserId,
		{
			state,
			statusMessage,
			lastActiveAgo,
		}: {
			readonly state: PresenceState;
			readonly statusMessage: string | undefined;
			readonly lastActiveAgo: number;
		},
	): void {
		const now = this.#now();
		const offlineFromTs = now + REMOTE_OFFLINE_AFTER_MS;
		this.#put(userId, {state, statusMessage, lastActiveTs: now - lastActiveAgo, offlineFromTs});
	}

	#rowsOf(userId: UserId): LRUCache<UserId, PresenceRow> {
		return domainOf(userId) === this.#serverName ? this.#presences : this.#remote;
	}

	/** Whether it is a change. */
	#put(userId: UserId, row: Omit<PresenceRow, 'seq'>): boolean {
		const before = this.find(userId);
		const isSame = before?.state === row.state && before.statusMessage === row.statusMessage;
		const seq = isSame ? before.seq : this.#count(userId);
		this.#rowsOf(userId).set(userId, {...row, seq});
		if (isSame) return false;
		this.#changed.push({seq, userId});
		if (this.#changed.length > 2 * PRESENCES_MAX) this.#changed = this.#changed.slice(-PRESENCES_MAX);
		return true;
	}

	/** Notes a sign of life: a sync that does not ask to go unseen. */
	touch(userId: UserId, state: PresenceState): void {
		if (state !== 'offline') this.set(userId, state, this.#presences.get(userId)?.statusMessage);
	}

	/** Lists whose presence changed after a number, each once. */
	listChanged(after: number): UserId[] {
		const changed = new Set<UserId>();
		for (let index = this.#changed.length - 1; index >= 0; index -= 1) {
			const {seq, userId} = this.#changed[index]!;
			if (seq <= after) break;
			changed.add(userId);
		}
		return [...changed];
	}
}
