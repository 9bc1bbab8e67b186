import {LRUCache} from 'lru-cache';
import {domainOf, isJsonObject, isUserId, type JsonObject, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Timer} from '../../federation/engine/index.ts';
import {StorageError} from '../../storage/index.ts';
import type {EphemeralDependencies, TellServers} from './ephemeral.ts';
import {type Presence, type PresenceState, readPresenceState, STATUS_MAX} from './presence.ts';

/** What changes within this time is told together, so that nobody who comes and goes makes a request each time. */
const PACE_MS = 2000;
/** Who is there without a change is told again after so long: other servers take silence for absence after half an hour. */
const AGAIN_MS = 20 * 60_000;
/** How often it is looked at who went without a word. */
const SWEEP_MS = 60_000;
/** People whose last told presence is known; who was told longest ago is forgotten first. */
const TOLD_MAX = 20_000;
/** People of one EDU, ours and theirs; in an EDU of theirs more are not looked at. */
const PUSH_MAX = 100;
/** People that are told of at a time; more wait for the next time. */
const ROUND_MAX = 1000;
/** Nobody has been away for longer than a year, whatever a server says. */
const AGO_MAX_MS = 365 * 86_400_000;

interface PresenceDependencies extends EphemeralDependencies {
	readonly tellServers: TellServers;
}

/**
 * Presence between servers: who is here is told to servers that share a room with them, and what those say of their own
 * people is kept where somebody here shares a room with these. Nothing is written, and nothing is kept for who is away.
 * @see https://spec.matrix.org/v1.19/server-server-api/#presence
 */
export class FederatedPresence {
	readonly #dependencies: PresenceDependencies;
	readonly #presence: Presence;
	readonly #told = new LRUCache<UserId, {readonly state: PresenceState; readonly ts: number}>({
		maxSize: TOLD_MAX,
		sizeCalculation: () => 1,
	});
	readonly #waiting = new Set<UserId>();
	#flush: Timer | undefined;
	#sweep: Timer | undefined;
	#rounds = 0;
	#isClosed = false;

	constructor(dependencies: PresenceDependencies, presence: Presence) {
		this.#dependencies = dependencies;
		this.#presence = presence;
	}

	/** Notes that somebody of this server gave a sign of life; without a change it is only told now and then. */
	note(userId: UserId, isChange: boolean): void {
		const told = this.#told.get(userId);
		if (!isChange && told !== undefined && this.#dependencies.clock.now() - told.ts < AGAIN_MS) return;
		if (this.#waiting.size < TOLD_MAX) this.#waiting.add(userId);
		this.#flushSoon();
	}

	/** Takes what another server says of its own people; the rest of what it says is dropped. */
	async receive(origin: ServerName, content: JsonObject): Promise<void> {
		const {push} = content;
		if (!Array.isArray(push)) return;
		for (const update of push.slice(0, PUSH_MAX)) {
			if (!isJsonObject(update)) continue;
			const {user_id: userId, status_msg: status, last_active_ago: ago} = update;
			const state = readPresenceState(update['presence']);
			if (!isUserId(userId) || domainOf(userId) !== origin || state === undefined) continue;
			if (this.#presence.find(userId) === undefined && !(await this.#isMetHere(userId))) continue;
			const statusMessage = typeof status === 'string' && status.length <= STATUS_MAX ? status : undefined;
			const lastActiveAgo = typeof ago === 'number' ? Math.min(Math.max(0, ago), AGO_MAX_MS) : 0;
			this.#presence.setRemote(userId, {state, statusMessage, lastActiveAgo});
		}
	}

	/** Ends timers. */
	close(): void {
		this.#isClosed = true;
		this.#flush?.cancel();
		this.#sweep?.cancel();
	}

	/** Whether somebody of this server shares a room with a user of another. */
	async #isMetHere(userId: UserId): Promise<boolean> {
		const {memberships} = this.#dependencies.storage;
		for (const {roomId} of await memberships.listOfUser(userId, ['join'])) {
			if ((await memberships.listLocalJoined(roomId)).length > 0) return true;
		}
		return false;
	}

	#flushSoon(): void {
		if (this.#isClosed) return;
		this.#flush ??= this.#dependencies.clock.setTimer(PACE_MS, () => {
			void this.#tellWaiting().finally(() => {
				this.#flush = undefined;
				if (this.#waiting.size > 0) this.#flushSoon();
			});
		});
	}

	/** Tells each server of whom it shares a room with; servers that are told the same are told together. */
	async #tellWaiting(): Promise<void> {
		const users = [...this.#waiting].slice(0, ROUND_MAX);
		const ofServer = await this.#listServers(users);
		if (ofServer === undefined) return;
		for (const userId of users) this.#waiting.delete(userId);
		const groups = new Map<string, {readonly servers: ServerName[]; readonly users: readonly UserId[]}>();
		for (const [server, told] of ofServer) {
			const group = groups.get(told.join(' '));
			if (group === undefined) groups.set(told.join(' '), {servers: [server], users: told});
			else group.servers.push(server);
		}
		for (const {servers, users: told} of groups.values()) this.#tell(servers, told);
		const ts = this.#dependencies.clock.now();
		for (const userId of users) this.#told.set(userId, {state: this.#presence.describe(userId).presence, ts});
		this.#sweepLater();
	}

	/** Lists of whom each server is told; `undefined` while the database is away. */
	async #listServers(users: readonly UserId[]): Promise<Map<ServerName, UserId[]> | undefined> {
		const ofServer = new Map<ServerName, UserId[]>();
		try {
			for (const userId of users) {
				for (const server of await this.#dependencies.storage.memberships.listPeerServers(userId)) {
					const known = ofServer.get(server);
					if (known === undefined) ofServer.set(server, [userId]);
					else known.push(userId);
				}
			}
			return ofServer;
		} catch (error) {
			if (!(error instanceof StorageError)) throw error;
			return undefined;
		}
	}

	#tell(servers: readonly ServerName[], users: readonly UserId[]): void {
		for (let start = 0; start < users.length; start += PUSH_MAX) {
			const push = users
				.slice(start, start + PUSH_MAX)
				.map((userId) => ({user_id: userId, last_active_ago: 0, ...this.#presence.describe(userId)}));
			this.#rounds += 1;
			this.#dependencies.tellServers(servers, `presence ${this.#rounds}`, {type: 'm.presence', content: {push}});
		}
	}

	/** Who went without a word is told to be away, at most a minute late. */
	#sweepLater(): void {
		if (this.#isClosed) return;
		this.#sweep ??= this.#dependencies.clock.setTimer(SWEEP_MS, () => {
			this.#sweep = undefined;
			let isAnybodyThere = false;
			for (const [userId, {state}] of this.#told.entries()) {
				if (state === 'offline') continue;
				isAnybodyThere = true;
				if (this.#presence.describe(userId).presence === 'offline') this.#waiting.add(userId);
			}
			if (this.#waiting.size > 0) this.#flushSoon();
			if (isAnybodyThere) this.#sweepLater();
		});
	}
}
