import type {EventId, RoomId, UserId} from '../../../crypto/index.ts';
import type {Session} from '../../harness/index.ts';
import type {Processes} from './processes.ts';

/** How often an answer is lost on its way, so that the device asks again with the token before. */
const LOSS_RATE = 0.1;
const WAIT_MS = 1_000;
/** The most that a filter can ask for: nobody says more between two answers. */
const TIMELINE_MAX = 100;
const FILTER = JSON.stringify({room: {timeline: {limit: TIMELINE_MAX}}, presence: {not_types: ['*']}});

interface SyncedRoom {
	readonly timeline?: {readonly events: readonly {readonly event_id: EventId}[]; readonly limited?: boolean};
	readonly ephemeral?: {readonly events: readonly {readonly type: string; readonly content: ReceiptContent}[]};
}

type ReceiptContent = Record<string, Record<string, Record<string, unknown>>>;

interface SyncAnswer {
	readonly next_batch: string;
	readonly rooms?: {
		readonly join?: Record<RoomId, SyncedRoom>;
		readonly leave?: Record<RoomId, SyncedRoom>;
	};
	readonly to_device?: {readonly events: readonly {readonly content: {readonly id: string}}[]};
	readonly account_data?: {
		readonly events: readonly {readonly type: string; readonly content: {readonly n?: number}}[];
	};
	readonly device_lists?: {readonly changed?: readonly UserId[]};
	readonly device_one_time_keys_count?: Readonly<Record<string, number>>;
}

/** An event that an answer showed. */
export interface Delivery {
	readonly eventId: EventId;
	readonly roomId: RoomId;
	/** The positions between which the answer tells what happened. */
	readonly after: number;
	readonly upto: number;
}

/** Gives the position that a token stands for. */
function positionOf(token: string | undefined): number {
	return Number(token?.split('.')[1] ?? 0);
}

/** A client that syncs through whichever process, and remembers everything that it is told. */
export class SyncingDevice {
	readonly session: Session;
	readonly deliveries: Delivery[] = [];
	readonly messages: string[] = [];
	/** When each user's device list was last said to have changed. */
	readonly listsChangedAt = new Map<UserId, number>();
	/** By room and user, the event that the newest receipt is on. */
	readonly receipts = new Map<string, EventId>();
	readonly faults: string[] = [];
	/** When the first answer had come, and up to where it told of everything: what changed before is no news. */
	beganAt: number | undefined;
	beganAfter: number | undefined;
	accountData: number | undefined;
	keyCount: number | undefined;
	readonly #processes: Processes;
	#since: string | undefined;

	constructor(processes: Processes, session: Session) {
		this.#processes = processes;
		this.session = session;
	}

	/** The position up to which it was told everything. */
	get pos(): number {
		return positionOf(this.#since);
	}

	/** Syncs until told to stop. */
	async run(signal: AbortSignal): Promise<void> {
		while (!signal.aborted) await this.sync(WAIT_MS);
	}

	/** Syncs once. */
	async sync(timeoutMs: number): Promise<void> {
		const query = new URLSearchParams({filter: FILTER, timeout: String(timeoutMs)});
		if (this.#since !== undefined) query.set('since', this.#since);
		const answer = await this.#processes.call<SyncAnswer>('GET', `/_matrix/client/v3/sync?${query.toString()}`, {
			token: this.session.access_token,
		});
		if (this.#processes.random.chance(LOSS_RATE)) return;
		this.#take(answer);
		this.#since = answer.next_batch;
	}

	#take(answer: SyncAnswer): void {
		const [after, upto] = [this.pos, positionOf(answer.next_batch)];
		this.beganAt ??= performance.now();
		this.beganAfter ??= upto;
		if (upto < after) this.faults.push(`the token went back from ${after} to ${upto}`);
		for (const [roomId, room] of Object.entries({...answer.rooms?.join, ...answer.rooms?.leave})) {
			for (const {event_id: eventId} of room.timeline?.events ?? []) {
				this.deliveries.push({eventId, roomId: roomId as RoomId, after, upto});
			}
			for (const {type, content} of room.ephemeral?.events ?? []) {
				if (type === 'm.receipt') this.#takeReceipts(roomId, content);
			}
		}
		this.messages.push(...(answer.to_device?.events ?? []).map(({content}) => content.id));
		for (const {type, content} of answer.account_data?.events ?? []) {
			if (type === 'test.counter') this.accountData = content.n;
		}
		for (const userId of answer.device_lists?.changed ?? []) this.listsChangedAt.set(userId, performance.now());
		this.keyCount = answer.device_one_time_keys_count?.['signed_curve25519'] ?? this.keyCount;
	}

	#takeReceipts(roomId: string, content: ReceiptContent): void {
		for (const [eventId, byType] of Object.entries(content)) {
			for (const userId of Object.keys(byType['m.read'] ?? {})) {
				this.receipts.set(`${roomId} ${userId}`, eventId as EventId);
			}
		}
	}
}
