/** A person whose client is nothing but requests: what the SDK does not do yet, such as rooms of version 12. */
import {setTimeout as sleep} from 'node:timers/promises';
import {type ClientTarget, call, request, type Session, until} from '../harness/index.ts';
import type {Person} from './conversation.ts';

const CLIENT = '/_matrix/client/v3';

interface SyncAnswer {
	readonly next_batch: string;
	readonly rooms?: {readonly invite?: Record<string, unknown>; readonly join?: Record<string, unknown>};
}

interface Page {
	readonly chunk: readonly {
		readonly type: string;
		readonly sender: string;
		readonly content: {readonly body?: string};
	}[];
	readonly end?: string;
}

/** A session, and requests with it. */
export class PlainClient implements Person {
	readonly #server: ClientTarget;
	readonly #session: Session;
	#said = 0;

	constructor(server: ClientTarget, session: Session) {
		this.#server = server;
		this.#session = session;
	}

	get userId(): string {
		return this.#session.user_id;
	}

	async createRoom(guest: string, roomVersion: string): Promise<string> {
		const body = {preset: 'private_chat', room_version: roomVersion, invite: [guest]};
		const {room_id: roomId} = await this.#call<{room_id: string}>('POST', '/createRoom', body);
		return roomId;
	}

	async accept(roomId: string): Promise<void> {
		await until(async () => {
			const {rooms} = await this.#call<SyncAnswer>('GET', '/sync?timeout=0');
			return rooms?.invite?.[roomId] !== undefined;
		}, `an invite to ${roomId}`);
		await this.#call('POST', `/join/${encodeURIComponent(roomId)}`, {});
	}

	async meet(roomId: string, userId: string): Promise<void> {
		const path = `/rooms/${encodeURIComponent(roomId)}/joined_members`;
		await until(
			async () => (await this.#call<{joined: Record<string, unknown>}>('GET', path)).joined[userId] !== undefined,
			`${userId} in ${roomId}`,
		);
	}

	async say(roomId: string, body: string): Promise<void> {
		this.#said += 1;
		const path = `/rooms/${encodeURIComponent(roomId)}/send/m.room.message/said-${this.#said}`;
		for (let attempt = 0; ; attempt += 1) {
			try {
				await this.#call('PUT', path, {msgtype: 'm.text', body});
				return;
			} catch (cause) {
				if (attempt === 20) throw cause;
				await sleep(250);
			}
		}
	}

	async hear(roomId: string, bodies: readonly string[], timeoutMs = 60_000): Promise<void> {
		let missing: readonly string[] = bodies;
		await until(
			async () => {
				const heard = await this.#readHistory(roomId);
				missing = bodies.filter((body) => !heard.includes(body));
				return missing.length === 0;
			},
			`all of ${bodies.length} messages at ${this.userId}`,
			timeoutMs,
		);
		const heard = await this.#readHistory(roomId);
		const doubled = bodies.filter((body) => heard.indexOf(body) !== heard.lastIndexOf(body));
		if (doubled.length > 0) throw new Error(`expected every message once, got ‘${doubled[0]}’ more often`);
	}

	/** The bodies of all messages of the room, newest first. */
	async #readHistory(roomId: string): Promise<string[]> {
		const bodies: string[] = [];
		let from = '';
		for (let page = 0; page < 50; page += 1) {
			const path = `/rooms/${encodeURIComponent(roomId)}/messages?dir=b&limit=100${from}`;
			const answer = await request<Page>(this.#server, 'GET', CLIENT + path, {token: this.#session.access_token});
			if (answer.status !== 200) throw new Error(`messages: expected 200, got ${answer.status} ${answer.text}`);
			bodies.push(...answer.body.chunk.flatMap(({content}) => content.body ?? []));
			if (answer.body.end === undefined || answer.body.chunk.length === 0) break;
			from = `&from=${encodeURIComponent(answer.body.end)}`;
		}
		return bodies;
	}

	#call<T>(method: string, path: string, body?: unknown): Promise<T> {
		return call<T>(this.#server, method, CLIENT + path, {token: this.#session.access_token, body});
	}

	[Symbol.dispose](): void {}
}
