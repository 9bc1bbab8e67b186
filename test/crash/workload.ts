/** People who send while a server dies again and again, and who remember what they were told. */
import {setTimeout as sleep} from 'node:timers/promises';
import {call, type ClientTarget, register, request, type Session} from '../harness/index.ts';

const CLIENT = '/_matrix/client/v3';
/** A message that no attempt brings through by then is a failure of the run. */
const SENT_WITHIN_MS = 60_000;
const PAUSE_MS = 50;

/** One message that was answered with 200. */
interface Acknowledged {
	/** The message's number, which is in its body and in the transaction id. */
	readonly number: number;
	readonly eventId: string;
	readonly attempts: number;
	/** The sender's place in the list, which is also in the transaction id. */
	readonly sender: number;
}

const bodyOf = (number: number): string => `message ${number}`;

/** Every so many messages one is said in the room's state, so that states and not only timelines meet the crash. */
const STATE_EVERY = 20;
const isState = (number: number): boolean => number % STATE_EVERY === STATE_EVERY - 1;

/** What the room shows in the end, against what people were told. */
export interface Verdict {
	readonly acknowledged: number;
	/** Messages that needed more than one attempt: their first was not answered. */
	readonly retried: number;
	/** Acknowledged, but not there, or there under another event id. */
	readonly lost: readonly string[];
	/** There more than once, though every attempt had the same transaction id. */
	readonly doubled: readonly string[];
	/** Sent again after a restart with an old transaction id, and answered with another event id. */
	readonly changed: readonly string[];
}

/** The senders and their room, and what has been acknowledged. */
export class Workload {
	readonly #server: ClientTarget;
	readonly #roomId: string;
	readonly #senders: readonly Session[];
	readonly #acknowledged: Acknowledged[] = [];
	readonly #changed: string[] = [];
	/** Resolved while the server is up. */
	#isUp: Promise<void> = Promise.resolve();

	private constructor(server: ClientTarget, roomId: string, senders: readonly Session[]) {
		this.#server = server;
		this.#roomId = roomId;
		this.#senders = senders;
	}

	/** Registers the senders, who all join one room. */
	static async open(server: ClientTarget, senders: number): Promise<Workload> {
		const sessions: Session[] = [];
		for (let index = 0; index < senders; index += 1) sessions.push(await register(server, `sender-${index}`));
		const [creator, ...others] = sessions;
		if (creator === undefined) throw new Error('expected a sender');
		const {room_id: roomId} = await call<{room_id: string}>(server, 'POST', `${CLIENT}/createRoom`, {
			token: creator.access_token,
			body: {preset: 'public_chat', power_level_content_override: {state_default: 0}},
		});
		for (const {access_token: token} of others) {
			await call(server, 'POST', `${CLIENT}/join/${encodeURIComponent(roomId)}`, {token, body: {}});
		}
		return new Workload(server, roomId, sessions);
	}

	/** The number of messages that have been acknowledged. */
	get count(): number {
		return this.#acknowledged.length;
	}

	/** Nobody sends until `restart` has ended. */
	pauseFor(restart: Promise<void>): void {
		this.#isUp = restart;
	}

	/** Sends `count` messages, each sender one after another. `note` is called after each acknowledgement. */
	async send(count: number, note: () => void): Promise<void> {
		let next = 0;
		const work = async (sender: number) => {
			while (next < count) {
				const number = next;
				next += 1;
				this.#acknowledged.push(await this.#sendOne(sender, number));
				note();
			}
		};
		await Promise.all(this.#senders.map((_, sender) => work(sender)));
	}

	async #sendOne(sender: number, number: number): Promise<Acknowledged> {
		const end = performance.now() + SENT_WITHIN_MS;
		for (let attempts = 1; ; attempts += 1) {
			await this.#isUp;
			const eventId = await this.#attempt(sender, number);
			if (eventId !== undefined) return {number, eventId, attempts, sender};
			if (performance.now() > end) throw new Error(`expected an answer within ${SENT_WITHIN_MS} ms: ${number}`);
			await sleep(PAUSE_MS);
		}
	}

	/** The event's id, or undefined where the server went away or asks for patience. */
	async #attempt(sender: number, number: number): Promise<string | undefined> {
		const rest = isState(number) ? `state/news.desk/${sender}` : `send/m.room.message/${sender}-${number}`;
		const path = `${CLIENT}/rooms/${encodeURIComponent(this.#roomId)}/${rest}`;
		const options = {token: this.#tokenOf(sender), body: {msgtype: 'm.text', body: bodyOf(number)}};
		const answer = await request<{event_id: string}>(this.#server, 'PUT', path, options).catch(() => undefined);
		if (answer === undefined || answer.status === 429 || answer.status >= 500) return undefined;
		if (answer.status === 200) return answer.body.event_id;
		throw new Error(`send: expected 200, got ${answer.status} ${answer.text.slice(0, 200)}`);
	}

	/** Sends some of the latest acknowledged messages again: each must be answered as the first time. */
	async repeatLatest(count: number): Promise<void> {
		const latest = this.#acknowledged.filter(({number}) => !isState(number)).slice(-count);
		for (const {sender, number, eventId} of latest) {
			const again = await this.#sendOne(sender, number);
			if (again.eventId !== eventId) this.#changed.push(bodyOf(number));
		}
	}

	#tokenOf(sender: number): string {
		const session = this.#senders[sender];
		if (session === undefined) throw new Error(`expected a sender, got ${sender}`);
		return session.access_token;
	}

	/** Reads the whole room and compares. */
	async judge(): Promise<Verdict> {
		const seen = await this.#readRoom();
		// Sent again without a transaction id, which state has not.
		const states = new Set(this.#acknowledged.flatMap(({number}) => (isState(number) ? [bodyOf(number)] : [])));
		const isLost = ({number, eventId}: Acknowledged) => seen.get(bodyOf(number))?.includes(eventId) !== true;
		return {
			acknowledged: this.count,
			retried: this.#acknowledged.filter(({attempts}) => attempts > 1).length,
			lost: this.#acknowledged.filter(isLost).map(({number}) => bodyOf(number)),
			doubled: [...seen].filter(([body, eventIds]) => eventIds.length > 1 && !states.has(body)).map(([body]) => body),
			changed: this.#changed,
		};
	}

	/** Event ids by message body. */
	async #readRoom(): Promise<Map<string, string[]>> {
		const token = this.#tokenOf(0);
		const seen = new Map<string, string[]>();
		let from = '';
		for (;;) {
			const path = `${CLIENT}/rooms/${encodeURIComponent(this.#roomId)}/messages?dir=b&limit=100${from}`;
			const page = await call<{
				chunk: {event_id: string; content: {body?: string}}[];
				end?: string;
			}>(this.#server, 'GET', path, {token});
			for (const {event_id: eventId, content} of page.chunk) {
				if (content.body !== undefined) seen.set(content.body, [...(seen.get(content.body) ?? []), eventId]);
			}
			if (page.end === undefined || page.chunk.length === 0) return seen;
			from = `&from=${encodeURIComponent(page.end)}`;
		}
	}
}
