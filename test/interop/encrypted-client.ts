/** People who use matrix-js-sdk with its Rust crypto: what they do, and what they see in the end. */
import {setTimeout as sleep} from 'node:timers/promises';
import * as sdk from 'matrix-js-sdk';
import {logger} from 'matrix-js-sdk/lib/logger.js';
import type {ClientTarget, Session} from '../harness/index.ts';
import type {Person} from './conversation.ts';

/** The SDK says everything it does on the console, from its own logger and from the Rust crypto. */
function silence(): void {
	logger.disableAll();
	// Complains of every room that another server's people invite to.
	(logger.getChild('MatrixRTCSessionManager') as typeof logger).disableAll();
	for (const name of ['debug', 'info', 'warn', 'trace'] as const) console[name] = () => {};
}

/** A device of matrix-js-sdk that syncs and decrypts. Dispose of it to stop it. */
export class EncryptedClient implements Person {
	readonly #client: sdk.MatrixClient;
	/** Bodies that could be read, by room; those of encrypted events only. */
	readonly #readable = new Map<string, Set<string>>();
	readonly #undecryptable = new Set<string>();

	private constructor(client: sdk.MatrixClient) {
		this.#client = client;
		client.on(sdk.MatrixEventEvent.Decrypted, (event) => this.#note(event));
		// The SDK does not pass on what it hears of an event that came in one answer with events that it had already.
		client.on(sdk.RoomEvent.Timeline, (event) => {
			if (event.isEncrypted()) event.on(sdk.MatrixEventEvent.Decrypted, () => this.#note(event));
		});
	}

	/** Logs the SDK in with a session and waits for its first answer from /sync. */
	static async open(
		server: ClientTarget,
		session: Session,
		having: Pick<sdk.ICreateClientOpts, 'cryptoCallbacks' | 'verificationMethods'> = {},
	): Promise<EncryptedClient> {
		silence();
		const client = sdk.createClient({
			baseUrl: server.url,
			userId: session.user_id,
			accessToken: session.access_token,
			deviceId: session.device_id,
			...having,
		});
		const opened = new EncryptedClient(client);
		await client.initRustCrypto({useIndexedDB: false});
		await client.startClient({initialSyncLimit: 20, pollTimeout: 10_000});
		await opened.#until(() => client.isInitialSyncComplete(), 'the first sync', 30_000);
		return opened;
	}

	get userId(): string {
		return this.#client.getSafeUserId();
	}

	/** The SDK's own client, for what only some tests do. */
	get sdk(): sdk.MatrixClient {
		return this.#client;
	}

	#note(event: sdk.MatrixEvent): void {
		const roomId = event.getRoomId() ?? '';
		const eventId = event.getId() ?? '';
		if (event.isDecryptionFailure()) {
			this.#undecryptable.add(eventId);
			return;
		}
		this.#undecryptable.delete(eventId);
		const {body} = event.getContent<{body?: string}>();
		if (body === undefined) return;
		const bodies = this.#readable.get(roomId) ?? new Set();
		this.#readable.set(roomId, bodies.add(body));
	}

	async createRoom(guest: string, roomVersion: string): Promise<string> {
		const {room_id: roomId} = await this.#client.createRoom({
			preset: sdk.Preset.PrivateChat,
			room_version: roomVersion,
			invite: [guest],
			initial_state: [{type: 'm.room.encryption', state_key: '', content: {algorithm: 'm.megolm.v1.aes-sha2'}}],
		});
		return roomId;
	}

	async accept(roomId: string): Promise<void> {
		await this.#until(() => this.#client.getRoom(roomId)?.getMyMembership() === 'invite', `an invite to ${roomId}`);
		await this.#client.joinRoom(roomId);
		await this.#until(
			() => this.#client.getRoom(roomId)?.hasEncryptionStateEvent() === true,
			`the encryption of ${roomId}`,
		);
	}

	async meet(roomId: string, userId: string): Promise<void> {
		await this.#until(
			() => this.#client.getRoom(roomId)?.getMember(userId)?.membership === 'join',
			`${userId} in ${roomId}`,
		);
	}

	async say(roomId: string, body: string): Promise<void> {
		const transactionId = this.#client.makeTxnId();
		const content = {msgtype: sdk.MsgType.Text as const, body};
		for (let attempt = 0; ; attempt += 1) {
			try {
				await this.#client.sendEvent(roomId, null, sdk.EventType.RoomMessage, content, transactionId);
				return;
			} catch (cause) {
				if (attempt === 20) throw cause;
				// The SDK keeps a failed event as its own; the next attempt is a new one with the old id.
				for (const pending of this.#client.getRoom(roomId)?.getPendingEvents() ?? []) {
					if (pending.status === sdk.EventStatus.NOT_SENT) this.#client.cancelPendingEvent(pending);
				}
				await sleep(250);
			}
		}
	}

	async hear(roomId: string, bodies: readonly string[], timeoutMs = 60_000): Promise<void> {
		const missing = () => bodies.filter((body) => this.#readable.get(roomId)?.has(body) !== true);
		let looks = 0;
		await this.#until(
			() => {
				looks += 1;
				// A /sync that left a gap is followed by reading the history, as a client that is scrolled up does.
				if (looks % 50 === 0) void this.#scrollBack(roomId);
				return missing().length === 0;
			},
			() =>
				`${missing().length} of ${bodies.length} messages, such as ‘${missing()[0]}’; ` +
				`${this.#undecryptable.size} came that could not be read`,
			timeoutMs,
		);
	}

	async #scrollBack(roomId: string): Promise<void> {
		const room = this.#client.getRoom(roomId);
		if (room !== null) await this.#client.scrollback(room, 100).catch(() => undefined);
	}

	async #until(probe: () => boolean, what: string | (() => string), timeoutMs = 30_000): Promise<void> {
		const end = performance.now() + timeoutMs;
		while (!probe()) {
			if (performance.now() > end) {
				throw new Error(
					`expected ${this.userId} to see within ${timeoutMs} ms: ${typeof what === 'string' ? what : what()}`,
				);
			}
			await sleep(20);
		}
	}

	[Symbol.dispose](): void {
		this.#client.stopClient();
	}
}
