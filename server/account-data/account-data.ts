import type {JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';
import {AccountDataError} from './errors.ts';

/** Whose account data: of the account (`roomId` null) or of one of the user's rooms. */
export interface AccountDataKey {
	readonly userId: UserId;
	readonly roomId: RoomId | null;
	readonly type: string;
}

/** What is kept under one type. */
export interface KeptData {
	/** `null` for what is of the account. */
	readonly roomId: RoomId | null;
	readonly type: string;
	readonly content: JsonObject;
}

/** What clients keep for their user, and what this server keeps there for itself. */
export interface AccountData {
	/** Finds the content; `undefined` where there is none. */
	find(key: AccountDataKey): Promise<JsonObject | undefined>;
	/** @throws AccountDataError 'not-found', 'not-in-room' */
	get(key: AccountDataKey): Promise<JsonObject>;
	/** Lists what there is for the account and for all of the user's rooms. */
	listAll(userId: UserId): Promise<KeptData[]>;
	/**
	 * Sets what a client may set.
	 * @throws AccountDataError 'server-managed', 'invalid-type', 'too-large', 'not-in-room'
	 */
	set(key: AccountDataKey, content: JsonObject): Promise<void>;
	/**
	 * Changes any type, one change of it after the other: `change` gives the new content from the one there is, or
	 * `undefined` for no change.
	 * @throws AccountDataError 'too-large', 'not-in-room', and what `change` throws
	 */
	update(key: AccountDataKey, change: (content: JsonObject | undefined) => JsonObject | undefined): Promise<void>;
}

/** As long as a type of event may be; longer ones fit into no index. */
const TYPE_BYTES_MAX = 255;
/** Some hundred push rules or tags; a request brings less, but what is added to bit by bit must end somewhere too. */
const CONTENT_BYTES_MAX = 256 * 1024;

/** Types that are set through endpoints of their own. */
const serverManaged: ReadonlySet<string> = new Set(['m.fully_read', 'm.push_rules']);

/** Makes the domain. */
export function createAccountData({storage}: {readonly storage: Storage}): AccountData {
	const turns = new Map<string, Promise<void>>();

	async function checkRoom({userId, roomId}: AccountDataKey): Promise<void> {
		if (roomId !== null && (await storage.memberships.find(roomId, userId)) === undefined) {
			throw new AccountDataError('not-in-room', 'You are not in this room');
		}
	}

	async function find({userId, roomId, type}: AccountDataKey): Promise<JsonObject | undefined> {
		return (await storage.accountData.find(userId, roomId, type))?.content ?? undefined;
	}

	async function write({userId, roomId, type}: AccountDataKey, content: JsonObject): Promise<void> {
		if (Buffer.byteLength(JSON.stringify(content)) > CONTENT_BYTES_MAX) {
			throw new AccountDataError('too-large', `Expected at most ${CONTENT_BYTES_MAX} bytes under one type`);
		}
		const batch = storage.batch();
		const pos = batch.announce({kind: 'account_data', subject: userId, ...(roomId !== null && {roomId})});
		storage.accountData.set(batch, {userId, roomId, type, content, pos});
		await storage.commit(batch);
	}

	/** Waits for the change before, whatever became of it. */
	function inTurn(key: AccountDataKey, work: () => Promise<void>): Promise<void> {
		const name = JSON.stringify([key.userId, key.roomId, key.type]);
		const before = turns.get(name) ?? Promise.resolve();
		const turn = before.then(work, work).finally(() => {
			if (turns.get(name) === turn) turns.delete(name);
		});
		turns.set(name, turn);
		return turn;
	}

	return {
		find,
		async get(key) {
			await checkRoom(key);
			const content = await find(key);
			if (content === undefined) throw new AccountDataError('not-found', 'No account data of this type');
			return content;
		},
		async listAll(userId) {
			const rows = await storage.accountData.listChanged(userId, 0, storage.stream.head());
			return rows.flatMap(({roomId, type, content}) => (content ? [{roomId, type, content}] : []));
		},
		async set(key, content) {
			if (serverManaged.has(key.type)) {
				throw new AccountDataError('server-managed', `${key.type} cannot be set through this endpoint`);
			}
			if (Buffer.byteLength(key.type) > TYPE_BYTES_MAX) {
				throw new AccountDataError('invalid-type', `Expected a type of at most ${TYPE_BYTES_MAX} bytes`);
			}
			await checkRoom(key);
			await write(key, content);
		},
		update: (key, change) =>
			inTurn(key, async () => {
				await checkRoom(key);
				const content = change(await find(key));
				if (content !== undefined) await write(key, content);
			}),
	};
}
