import type {EventId, RoomId, UserId} from '../../../crypto/index.ts';
import {createTestDevice, type Session, type TestDevice} from '../../harness/index.ts';
import type {Processes} from './processes.ts';

const CLIENT = '/_matrix/client/v3';

/** Something that a process said it has done, and when it was asked and answered. */
interface Deed {
	readonly eventId: EventId;
	readonly startedAt: number;
	readonly endedAt: number;
}

/** What everybody has done. */
export class Chronicle {
	readonly deeds: Deed[] = [];
	/** Ids of to-device messages, by the device that they are for. */
	readonly messages = new Map<string, string[]>();
	/** One-time keys that somebody was given, as device and key id. */
	readonly claimed: string[] = [];
	readonly faults: string[] = [];
}

/** The people, the rooms they may be in, and what they have done. The first room nobody leaves. */
export interface Scene {
	readonly processes: Processes;
	readonly chronicle: Chronicle;
	readonly people: readonly Person[];
	readonly rooms: readonly RoomId[];
}

type Action = (scene: Scene) => Promise<void>;

/** Somebody with several devices, who does one thing after the other, each through whichever process. */
export class Person {
	readonly userId: UserId;
	readonly sessions: readonly Session[];
	readonly rooms = new Set<RoomId>();
	/** What the newest receipt in each room is on. */
	readonly receipts = new Map<RoomId, EventId>();
	accountData = 0;
	/** When the last change of the device list was begun. */
	listChangedAt = 0;
	/** One-time keys that each device has uploaded. */
	readonly uploaded = new Map<string, number>();
	readonly #devices: readonly TestDevice[];
	readonly #processes: Processes;
	#count = 0;

	constructor(processes: Processes, sessions: readonly Session[]) {
		this.#processes = processes;
		this.sessions = sessions;
		this.userId = sessions[0]!.user_id as UserId;
		this.#devices = sessions.map((session) => createTestDevice(session));
	}

	/** Does so many things. */
	async live(scene: Scene, count: number): Promise<void> {
		for (let n = 0; n < count; n += 1) {
			const action = this.#processes.random.pick(this.#actions);
			try {
				await action(scene);
			} catch (error) {
				scene.chronicle.faults.push(`${this.userId}: ${String(error)}`);
			}
		}
	}

	/** Joins a room, and is found in it by every process. */
	async join(roomId: RoomId, {chronicle}: Scene): Promise<void> {
		await this.#call('POST', `/join/${roomId}`, {});
		this.rooms.add(roomId);
		await this.#say(roomId, chronicle);
	}

	/** Publishes the keys of all devices. */
	async uploadKeys(): Promise<void> {
		this.listChangedAt = performance.now();
		for (const [index, session] of this.sessions.entries()) {
			const body = {device_keys: this.#devices[index]!.deviceKeys};
			await this.#processes.call('POST', `${CLIENT}/keys/upload`, {token: session.access_token, body});
		}
	}

	readonly #actions: readonly Action[] = [
		...Array.from(
			{length: 6},
			(): Action =>
				({chronicle}) =>
					this.#say(this.#pickRoom(), chronicle),
		),
		({chronicle}) => this.#sayTwice(this.#pickRoom(), chronicle),
		(scene) => this.#move(scene),
		(scene) => this.#move(scene),
		() => this.#read(this.#pickRoom()),
		() => this.#remember(),
		() => this.#type(this.#pickRoom()),
		({chronicle}) => this.#setOwnState(this.#pickRoom(), chronicle),
		(scene) => this.#write(scene),
		(scene) => this.#write(scene),
		() => this.#uploadOneTimeKeys(),
		(scene) => this.#claim(scene),
		() => this.#renameDevice(),
	];

	#call<T = Record<string, unknown>>(method: string, path: string, body?: unknown): Promise<T> {
		const {access_token: token} = this.#processes.random.pick(this.sessions);
		return this.#processes.call<T>(method, CLIENT + path, {token, ...(body !== undefined && {body})});
	}

	#pickRoom(): RoomId {
		return this.#processes.random.pick([...this.rooms]);
	}

	#next(): string {
		this.#count += 1;
		return `${this.userId}-${this.#count}`;
	}

	async #say(roomId: RoomId, chronicle: Chronicle): Promise<void> {
		const txnId = encodeURIComponent(this.#next());
		const startedAt = performance.now();
		const {event_id: eventId} = await this.#call<{event_id: EventId}>(
			'PUT',
			`/rooms/${roomId}/send/m.room.message/${txnId}`,
			{msgtype: 'm.text', body: txnId},
		);
		chronicle.deeds.push({eventId, startedAt, endedAt: performance.now()});
		// What one process has acknowledged, every process has.
		await this.#call('GET', `/rooms/${roomId}/event/${eventId}`);
	}

	/** A client that hears nothing asks again, and may reach another process. */
	async #sayTwice(roomId: RoomId, chronicle: Chronicle): Promise<void> {
		const path = `${CLIENT}/rooms/${roomId}/send/m.room.message/${encodeURIComponent(this.#next())}`;
		const {access_token: token} = this.sessions[0]!;
		const body = {msgtype: 'm.text', body: 'twice'};
		const startedAt = performance.now();
		const answers = await Promise.all(
			[0, 1].map(() => this.#processes.call<{event_id: EventId}>('PUT', path, {token, body})),
		);
		const [one, other] = answers.map(({event_id: eventId}) => eventId);
		if (one !== other) chronicle.faults.push(`one transaction made ${one} and ${other}`);
		chronicle.deeds.push({eventId: one!, startedAt, endedAt: performance.now()});
	}

	/** Leaves a room, or joins one; whatever process is asked then knows it. */
	async #move(scene: Scene): Promise<void> {
		const roomId = this.#processes.random.pick(scene.rooms.slice(1));
		if (!this.rooms.has(roomId)) {
			await this.join(roomId, scene);
			return;
		}
		await this.#call('POST', `/rooms/${roomId}/leave`, {});
		this.rooms.delete(roomId);
		const {access_token: token} = this.#processes.random.pick(this.sessions);
		const path = `${CLIENT}/rooms/${roomId}/send/m.room.message/${encodeURIComponent(this.#next())}`;
		const {status} = await this.#processes.request('PUT', path, {token, body: {msgtype: 'm.text', body: 'still here'}});
		if (status !== 403) scene.chronicle.faults.push(`${this.userId} left ${roomId} and could speak: ${status}`);
	}

	async #read(roomId: RoomId): Promise<void> {
		const {chunk} = await this.#call<{chunk: {event_id: EventId}[]}>('GET', `/rooms/${roomId}/messages?dir=b&limit=1`);
		const eventId = chunk[0]!.event_id;
		await this.#call('POST', `/rooms/${roomId}/receipt/m.read/${eventId}`, {});
		this.receipts.set(roomId, eventId);
	}

	async #remember(): Promise<void> {
		const n = this.accountData + 1;
		const path = `/user/${this.userId}/account_data/test.counter`;
		await this.#call('PUT', path, {n});
		this.accountData = n;
		const found = await this.#call<{n: number}>('GET', path);
		if (found.n !== n) throw new Error(`expected account data ${n}, got ${found.n}`);
	}

	/** Typing is told by the process that hears it alone; it must do no harm to anything else. */
	async #type(roomId: RoomId): Promise<void> {
		await this.#call('PUT', `/rooms/${roomId}/typing/${this.userId}`, {typing: true, timeout: 1_000});
	}

	async #setOwnState(roomId: RoomId, chronicle: Chronicle): Promise<void> {
		const value = this.#next();
		const path = `/rooms/${roomId}/state/test.own/${encodeURIComponent(`_${this.userId}`)}`;
		const startedAt = performance.now();
		const {event_id: eventId} = await this.#call<{event_id: EventId}>('PUT', path, {value});
		chronicle.deeds.push({eventId, startedAt, endedAt: performance.now()});
		const found = await this.#call<{value: string}>('GET', path);
		if (found.value !== value) throw new Error(`expected the state ${value}, got ${found.value}`);
	}

	async #write({people, chronicle}: Scene): Promise<void> {
		const to = this.#processes.random.pick(this.#processes.random.pick(people).sessions);
		const id = this.#next();
		await this.#call('PUT', `/sendToDevice/test.message/${encodeURIComponent(id)}`, {
			messages: {[to.user_id]: {[to.device_id]: {id}}},
		});
		const key = `${to.user_id} ${to.device_id}`;
		chronicle.messages.set(key, [...(chronicle.messages.get(key) ?? []), id]);
	}

	async #uploadOneTimeKeys(): Promise<void> {
		const index = this.#processes.random.below(this.sessions.length);
		const [session, device] = [this.sessions[index]!, this.#devices[index]!];
		const before = this.uploaded.get(session.device_id) ?? 0;
		const names = [0, 1, 2].map((n) => `k${before + n}`);
		const body = {one_time_keys: device.oneTimeKeys(...names)};
		await this.#processes.call('POST', `${CLIENT}/keys/upload`, {token: session.access_token, body});
		this.uploaded.set(session.device_id, before + names.length);
	}

	async #claim({people, chronicle}: Scene): Promise<void> {
		const {user_id: userId, device_id: deviceId} = this.#processes.random.pick(
			this.#processes.random.pick(people).sessions,
		);
		type Claimed = {one_time_keys: Record<string, Record<string, Record<string, unknown>>>};
		const {one_time_keys: keys} = await this.#call<Claimed>('POST', '/keys/claim', {
			one_time_keys: {[userId]: {[deviceId]: 'signed_curve25519'}},
		});
		const ids = Object.keys(keys[userId]?.[deviceId] ?? {});
		chronicle.claimed.push(...ids.map((id) => `${userId} ${deviceId} ${id}`));
	}

	/** Others learn of a device's name by its list, as of its keys. */
	async #renameDevice(): Promise<void> {
		this.listChangedAt = performance.now();
		const [session] = this.sessions;
		await this.#call('PUT', `/devices/${session!.device_id}`, {display_name: this.#next()});
	}
}
