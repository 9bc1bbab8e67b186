import {
	domainOf,
	isRoomId,
	isUserId,
	type JsonObject,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../crypto/index.ts';
import type {Clock, Timer} from '../../federation/engine/index.ts';
import type {EphemeralDependencies} from './ephemeral.ts';

/** The longest that somebody types without saying so again. */
const TIMEOUT_MS_MAX = 120_000;
const TIMEOUT_MS_DEFAULT = 30_000;
/** How long somebody of another server types when that server says nothing more. */
const REMOTE_TIMEOUT_MS = 60_000;
/** People of one room who are noted as typing at a time; more would tell nobody anything. */
const TYPING_MAX = 100;

/** The user is not in the room that they say to type in. */
export class TypingError extends Error {
	override readonly name = 'TypingError';
	readonly code = 'not-in-room';
}

interface RoomTyping {
	/** The count of the last change in this room. */
	seq: number;
	readonly users: Map<UserId, Timer>;
}

/** Who types in which room. @see https://spec.matrix.org/v1.19/client-server-api/#typing-notifications */
export class Typing {
	readonly #dependencies: EphemeralDependencies;
	readonly #count: (roomId: RoomId) => number;
	readonly #clock: Clock;
	readonly #rooms = new Map<RoomId, RoomTyping>();

	/** @param count notes a change and gives its number */
	constructor(dependencies: EphemeralDependencies, count: (roomId: RoomId) => number) {
		this.#dependencies = dependencies;
		this.#clock = dependencies.clock;
		this.#count = count;
	}

	/** Gives the number of the last change in a room; 0 where nobody typed since the start. */
	seqOf(roomId: RoomId): number {
		return this.#rooms.get(roomId)?.seq ?? 0;
	}

	/** Lists who types in a room. */
	list(roomId: RoomId): UserId[] {
		return [...(this.#rooms.get(roomId)?.users.keys() ?? [])];
	}

	/** Notes that somebody of this server types, or stopped. @throws TypingError */
	async set(
		userId: UserId,
		roomId: RoomId,
		{isTyping, timeoutMs = TIMEOUT_MS_DEFAULT}: {readonly isTyping: boolean; readonly timeoutMs?: number | undefined},
	): Promise<void> {
		const membership = await this.#dependencies.storage.memberships.find(roomId, userId);
		if (membership?.membership !== 'join') throw new TypingError('You are not in this room');
		const wasTyping = this.#rooms.get(roomId)?.users.has(userId) ?? false;
		this.#note(roomId, userId, isTyping ? Math.min(Math.max(timeoutMs, 1), TIMEOUT_MS_MAX) : 0);
		if (isTyping || wasTyping) this.#tell(roomId, userId, isTyping);
	}

	/** Takes a typing EDU of another server: about its own people in rooms that they are in. */
	async receive(origin: ServerName, content: JsonObject): Promise<void> {
		const {room_id: roomId, user_id: userId, typing} = content;
		if (!isRoomId(roomId) || !isUserId(userId) || typeof typing !== 'boolean' || domainOf(userId) !== origin) return;
		const membership = await this.#dependencies.storage.memberships.find(roomId, userId);
		if (membership?.membership === 'join') this.#note(roomId, userId, typing ? REMOTE_TIMEOUT_MS : 0);
	}

	/** Notes that somebody types no more. */
	stop(roomId: RoomId, userId: UserId): void {
		if (this.#rooms.get(roomId)?.users.has(userId)) this.#note(roomId, userId, 0);
	}

	/** Ends all timers. */
	close(): void {
		for (const {users} of this.#rooms.values()) {
			for (const timer of users.values()) timer.cancel();
			users.clear();
		}
	}

	#note(roomId: RoomId, userId: UserId, timeoutMs: number): void {
		const room = this.#rooms.get(roomId) ?? {seq: 0, users: new Map<UserId, Timer>()};
		const timer = room.users.get(userId);
		timer?.cancel();
		const isTyping = timeoutMs > 0 && (timer !== undefined || room.users.size < TYPING_MAX);
		if (isTyping) {
			room.users.set(
				userId,
				this.#clock.setTimer(timeoutMs, () => this.#expire(roomId, userId)),
			);
		} else {
			room.users.delete(userId);
		}
		if (isTyping === (timer !== undefined)) return;
		this.#rooms.set(roomId, room);
		room.seq = this.#count(roomId);
	}

	#expire(roomId: RoomId, userId: UserId): void {
		this.#note(roomId, userId, 0);
		if (domainOf(userId) === this.#dependencies.serverName) this.#tell(roomId, userId, false);
	}

	#tell(roomId: RoomId, userId: UserId, isTyping: boolean): void {
		const content = {room_id: roomId, user_id: userId, typing: isTyping};
		this.#dependencies.tellRoom(roomId, `typing ${userId}`, {type: 'm.typing', content});
	}
}
