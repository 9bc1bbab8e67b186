/** A sender on a database of its own, with peers, clock and commits that are the test's. */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ExecutionContext} from 'ava';
import {
	type EventId,
	type JsonObject,
	type JsonValue,
	readStrictJson,
	type RoomId,
	type ServerName,
	type UserId,
} from '../../../crypto/index.ts';
import {
	FederationSender,
	type FederationRequest,
	OutboundError,
	type SenderNotice,
} from '../../../federation/outbound/index.ts';
import {type NewEvent, openStorage, type Position, type Storage} from '../../../storage/index.ts';
import {until} from '../../harness/client.ts';
import {ManualClock} from '../../harness/manual-clock.ts';
import {createSeededRandom} from '../../harness/seeded-random.ts';

export const us = 'us.example' as ServerName;
export const them = 'them.example' as ServerName;
export const room = '!room:us.example' as RoomId;
export const alice = '@alice:us.example' as UserId;
export const START = Date.UTC(2026, 0, 1);

/** A transaction that a peer was sent. */
export interface SentTransaction {
	readonly server: ServerName;
	readonly txnId: string;
	readonly raw: string;
	readonly pdus: readonly JsonObject[];
	readonly edus: readonly JsonObject[];
}

export class SenderWorld {
	readonly clock = new ManualClock(START);
	readonly sent: SentTransaction[] = [];
	readonly notices: SenderNotice[] = [];
	/** What the peers answer: the body of a 200, or an error. */
	answer: (transaction: SentTransaction) => Promise<JsonValue> = () => Promise.resolve({pdus: {}});
	isAllowed: (server: ServerName) => boolean = () => true;
	storage: Storage;
	sender: FederationSender;
	readonly #directory: string;
	#count = 0;

	private constructor(directory: string, storage: Storage) {
		this.#directory = directory;
		this.storage = storage;
		this.sender = this.#createSender();
	}

	static async open(t: ExecutionContext): Promise<SenderWorld> {
		const directory = mkdtempSync(join(tmpdir(), 'broadsheet-sender-'));
		const world = new SenderWorld(directory, await openStorage({url: `sqlite:${directory}/test.db`, serverName: us}));
		t.teardown(async () => {
			await world.sender.stop();
			await world.storage.close();
			rmSync(directory, {recursive: true, force: true});
		});
		const batch = world.storage.batch();
		world.storage.rooms.add(batch, {roomId: room, version: '11', creator: alice});
		await world.storage.commit(batch);
		return world;
	}

	/** Ends the sender as a crash would: without saving anything, and begins anew on the same database. */
	async restart({crash = false} = {}): Promise<void> {
		const commit = this.storage.commit.bind(this.storage);
		if (crash) this.storage.commit = () => Promise.resolve();
		await this.sender.stop();
		this.storage.commit = commit;
		await this.storage.close();
		this.storage = await openStorage({url: `sqlite:${this.#directory}/test.db`, serverName: us});
		this.sender = this.#createSender();
		await this.sender.start();
	}

	#createSender(): FederationSender {
		return new FederationSender({
			storage: this.storage,
			serverName: us,
			clock: this.clock,
			random: createSeededRandom(1),
			isAllowed: (server) => this.isAllowed(server),
			onNotice: (notice) => this.notices.push(notice),
			client: {request: async (request) => ({status: 200, headers: {}, body: await this.#receive(request)})},
		});
	}

	#receive({destination, path, body, signal}: FederationRequest): Promise<JsonValue> {
		const raw = body as string;
		const {pdus, edus} = readStrictJson(raw) as {pdus: JsonObject[]; edus: JsonObject[]};
		const txnId = path.replace('/_matrix/federation/v1/send/', '');
		const transaction = {server: destination, txnId, raw, pdus, edus};
		this.sent.push(transaction);
		return new Promise((resolve, reject) => {
			const abort = (): void => reject(new OutboundError('aborted', 'aborted'));
			signal?.addEventListener('abort', abort);
			this.answer(transaction)
				.finally(() => signal?.removeEventListener('abort', abort))
				.then(resolve, reject);
		});
	}

	/** Bodies of the events that were sent, in order. */
	bodies(server: ServerName = them): string[] {
		return this.sent
			.filter((transaction) => transaction.server === server)
			.flatMap(({pdus}) => pdus.map(({content}) => (content as JsonObject)['body'] as string));
	}

	/** Lets a server into a room, or out of it. */
	async setServer(roomId: RoomId, server: ServerName, isIn: boolean): Promise<void> {
		const batch = this.storage.batch();
		const pos = batch.announce({kind: 'state', roomId});
		if (isIn) this.storage.memberships.addServer(batch, roomId, server, pos);
		else this.storage.memberships.removeServer(batch, roomId, server, pos);
		await this.storage.commit(batch);
	}

	/** Commits events to a room, all in one batch; gives the position of the last. */
	async sendEvents(
		count = 1,
		options: Partial<{
			roomId: RoomId;
			sender: UserId;
			relay: boolean;
			outs: ServerName;
			json: JsonObject;
			about: UserId;
			extra: JsonObject;
		}> = {},
	): Promise<Position> {
		const {roomId = room, sender = alice, relay = true, outs, json = {}, about = sender, extra} = options;
		const batch = this.storage.batch();
		let pos;
		for (let index = 0; index < count; index++) {
			const body = `${++this.#count}`;
			const content: JsonObject = {type: 'm.room.message', sender, room_id: roomId, content: {body}, ...json};
			const event = createEvent(this.storage, roomId, sender, content);
			pos = batch.announce({kind: 'event', roomId, subject: about, ref: event.nid, relay, ...(extra && {extra})});
			this.storage.events.add(batch, {...event, anchor: pos, minor: 0});
			if (outs !== undefined) this.storage.memberships.removeServer(batch, roomId, outs, pos);
		}
		await this.storage.commit(batch);
		return pos?.value ?? 0;
	}

	/** Waits until all is delivered, or waits for a server that is down. */
	async settle(): Promise<void> {
		await until(() => this.sender.figures().isIdle, 'nothing is under way');
	}

	/** Lets so much time pass, timer by timer. */
	async pass(durationMs: number): Promise<void> {
		const end = this.clock.nowMs + durationMs;
		for (;;) {
			await this.settle();
			if (this.clock.nowMs >= end) return;
			const delayMs = Math.max(1, this.clock.nextDelay() ?? Infinity);
			this.clock.advance(Math.min(delayMs, end - this.clock.nowMs));
		}
	}
}

function createEvent(
	storage: Storage,
	roomId: RoomId,
	sender: UserId,
	json: JsonObject,
): Omit<NewEvent, 'anchor' | 'minor'> {
	const nid = storage.ids.next();
	return {
		nid,
		eventId: `$${String(nid).padStart(43, '0')}` as EventId,
		roomId,
		type: json['type'] as string,
		stateKey: (json['state_key'] as string | undefined) ?? null,
		sender,
		depth: 1,
		originServerTs: START,
		receivedTs: START,
		stateBefore: null,
		statePartial: false,
		rejected: null,
		softFailed: false,
		outlier: false,
		relatesTo: null,
		relType: null,
		notifyCount: 0,
		threadNotifyCount: 0,
		json: JSON.stringify(json),
	};
}

/** Queues a to-device EDU for the peer. */
export async function sendToDevice({storage}: SenderWorld, messageId: string): Promise<void> {
	const batch = storage.batch();
	const pos = batch.announce({kind: 'edu', subject: them});
	storage.federation.addOutgoingEdu(batch, {
		destination: them,
		type: 'm.direct_to_device',
		content: {message_id: messageId},
		pos,
	});
	await storage.commit(batch);
}
