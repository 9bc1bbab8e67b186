import {type DeviceId, hashToken, isToken, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type Batch, ConflictError, type QuarantinedDeviceRow, type Storage} from '../../storage/index.ts';
import type {SessionHook} from '../devices/index.ts';
import {hasBeenUsed, type NoticeQueue} from '../notices/index.ts';
import {notWaiting} from './errors.ts';
import {Waits} from './waits.ts';

/** The token that a waiting session's sync goes on from: once it is approved, from the beginning. */
export const WAITING_TOKEN = 'waits-for-approval';

/** A session that waits, as its owner is shown it. */
export interface WaitingSession {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
	readonly displayName: string | null;
	/** Milliseconds since the Unix epoch. */
	readonly sinceTs: number;
}

type Key = Pick<WaitingSession, 'userId' | 'deviceId'>;

/** What the quarantine is built from. */
export interface QuarantineDependencies {
	readonly storage: Storage;
	readonly clock: Clock;
	readonly notices: NoticeQueue;
	/** Whether new sessions wait. Those that wait already do so whatever this says: it is no approval. */
	readonly isOn: boolean;
	/** Whether somebody has recovery codes, by which a session can be approved where there is no other one. */
	readonly hasRecoveryCodes: (userId: UserId) => Promise<boolean>;
}

/**
 * New sessions that see nothing until another session of the same person, or a recovery code, approves them: a stolen
 * password alone lets nobody in.
 */
export interface Quarantine {
	/**
	 * Tells of a session that is opened, and lets it wait where somebody could approve it. A device that signs in anew is a
	 * new session: its id is known to all whom its owner writes to. The first session of an account does not wait.
	 */
	readonly admit: SessionHook;
	/** Lists the sessions of a person that wait. */
	list(userId: UserId): Promise<readonly WaitingSession[]>;
	/** Lets a session see what its person sees, and tells the others. @throws QuarantineError 'not-waiting' */
	approve(userId: UserId, deviceId: DeviceId): Promise<void>;
	/** Does the same for the session that the link is of, and for no other one under its device id. @throws as approve */
	approveByLink(token: string): Promise<void>;
	/** Finds the session that the link in a notice is for; `undefined` where the link is good no more. */
	findByLink(token: string): Promise<WaitingSession | undefined>;
	/** Waits until a session is approved or ended, the time is up, or the client is gone; whether it still waits. */
	wait(
		session: {readonly userId: UserId; readonly deviceId: DeviceId},
		options: {readonly timeoutMs: number; readonly signal: AbortSignal},
	): Promise<boolean>;
	/** Stops following the stream. */
	close(): void;
}

/** Makes the quarantine. */
export function createQuarantine({
	storage,
	clock,
	notices,
	isOn,
	hasRecoveryCodes,
}: QuarantineDependencies): Quarantine {
	const waits = new Waits(storage, clock);

	async function describe({userId, deviceId, sinceTs}: QuarantinedDeviceRow): Promise<WaitingSession> {
		const device = await storage.devices.find(userId, deviceId);
		return {userId, deviceId, sinceTs, displayName: device?.displayName ?? null};
	}

	/** Ends a wait, tells the others, and has sessions that are in memory read again. */
	async function end({userId, deviceId}: Key, endWait: (batch: Batch) => void): Promise<void> {
		const device = await storage.devices.find(userId, deviceId);
		const batch = storage.batch();
		endWait(batch);
		batch.announce({kind: 'account', subject: userId});
		notices.add(batch, userId, {kind: 'session-approved', deviceId, deviceName: device?.displayName ?? null});
		await storage.commit(batch).catch((cause: unknown) => {
			throw cause instanceof ConflictError && cause.condition === 'quarantined_device' ? notWaiting({cause}) : cause;
		});
	}

	async function findByLink(token: string): Promise<QuarantinedDeviceRow | undefined> {
		return isToken(token, 'approval') ? storage.quarantinedDevices.findByCode(hashToken(token)) : undefined;
	}

	/** Whether the account has a session, or codes, by which a new one can be approved. */
	async function canApprove(userId: UserId, devices: readonly {readonly deviceId: DeviceId}[]): Promise<boolean> {
		const waiting = new Set((await storage.quarantinedDevices.listOfUser(userId)).map(({deviceId}) => deviceId));
		const dehydrated = (await storage.dehydratedDevices.find(userId))?.deviceId;
		const sees = ({deviceId}: {readonly deviceId: DeviceId}) => deviceId !== dehydrated && !waiting.has(deviceId);
		return devices.some(sees) || waiting.size > 0 || hasRecoveryCodes(userId);
	}

	return {
		async admit(batch, {userId, deviceId, displayName, devices}) {
			const isWaiting = isOn && (await canApprove(userId, devices));
			if (isWaiting) storage.quarantinedDevices.set(batch, {userId, deviceId, sinceTs: clock.now(), codeHash: null});
			const endsSession = devices.some((device) => device.deviceId === deviceId);
			const isFirst = devices.length === 0 && !(await hasBeenUsed(storage, userId));
			const deviceName = displayName;
			notices.add(batch, userId, {kind: 'sign-in', deviceId, deviceName, isWaiting, endsSession, isFirst});
		},
		list: async (userId) => Promise.all((await storage.quarantinedDevices.listOfUser(userId)).map(describe)),
		approve: (userId, deviceId) =>
			end({userId, deviceId}, (batch) => storage.quarantinedDevices.remove(batch, userId, deviceId)),
		async approveByLink(token) {
			const row = await findByLink(token);
			if (row === undefined) throw notWaiting();
			// Who signs in anew under the device id meanwhile waits for a link of their own.
			await end(row, (batch) => storage.quarantinedDevices.redeemCode(batch, hashToken(token)));
		},
		async findByLink(token) {
			const row = await findByLink(token);
			return row && describe(row);
		},
		wait: ({userId, deviceId}, options) =>
			waits.until(userId, async () => (await storage.quarantinedDevices.find(userId, deviceId)) === undefined, options),
		close: () => waits.close(),
	};
}
