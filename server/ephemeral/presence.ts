import {LRUCache} from 'lru-cache';
import type {UserId} from '../../crypto/index.ts';
import type {EphemeralDependencies} from './ephemeral.ts';

/** The states of the specification. */
export type PresenceState = 'online' | 'offline' | 'unavailable';

/** How somebody was last seen. */
export interface PresenceRow {
	readonly state: PresenceState;
	readonly statusMessage: string | undefined;
	/** By this server's clock. */
	readonly lastActiveTs: number;
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

/** People whose presence is held; who was seen longest ago goes first. */
const PRESENCES_MAX = 20_000;
/** How long after the last sign of life somebody counts as active. */
const ACTIVE_MS = 60_000;
/** After so long without a sign of life nobody is online any more. */
const OFFLINE_AFTER_MS = 5 * 60_000;

/**
 * Who of this server is online; for people of this server only, in memory only.
 * @see https://spec.matrix.org/v1.19/client-server-api/#presence
 */
export class Presence {
	/** Whether presence is told at all. */
	readonly isOn: boolean;
	readonly #now: () => number;
	readonly #count: (userId: UserId) => number;
	readonly #presences = new LRUCache<UserId, PresenceRow>({maxSize: PRESENCES_MAX, sizeCalculation: () => 1});
	#changed: {readonly seq: number; readonly userId: UserId}[] = [];

	/** @param count notes a change and gives its number */
	constructor({clock, hasPresence}: EphemeralDependencies, count: (userId: UserId) => number) {
		this.isOn = hasPresence;
		this.#now = () => clock.now();
		this.#count = count;
	}

	/** Finds how somebody was last seen; `undefined` for nobody known. */
	find(userId: UserId): PresenceRow | undefined {
		const row = this.#presences.get(userId);
		return row && this.#now() - row.lastActiveTs > OFFLINE_AFTER_MS ? {...row, state: 'offline'} : row;
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
		if (!this.isOn) return;
		const before = this.find(userId);
		const isSame = before?.state === state && before.statusMessage === statusMessage;
		const seq = isSame ? before.seq : this.#count(userId);
		this.#presences.set(userId, {state, statusMessage, lastActiveTs: this.#now(), seq});
		if (isSame) return;
		this.#changed.push({seq, userId});
		if (this.#changed.length > 2 * PRESENCES_MAX) this.#changed = this.#changed.slice(-PRESENCES_MAX);
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
