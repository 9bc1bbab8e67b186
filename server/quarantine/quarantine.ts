import {type DeviceId, hashToken, isToken, type UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import {type Batch, ConflictError, type QuarantinedDeviceRow, type Storage} from '../../storage/index.ts';
import {DevicesError, type RemovalHook, type SessionHook} from '../devices/index.ts';
import {hasBeenUsed, type NoticeQueue, pickSeeing} from '../notices/index.ts';
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
	/** Whose sessions never wait: a source is told nothing, and has nothing to approve by. */
	readonly isExempt: (userId: UserId) => boolean;
	/** By what sessions are approved. */
	readonly approvers: {
		couldApprove(userId: UserId): Promise<boolean>;
		outliveSessions(batch: Batch, userId: UserId, options: {readonly takesTold: boolean}): Promise<boolean>;
	};
}

/**
 * New sessions that see nothing until another session of the same person, or a recovery code, approves them: a stolen
 * password alone lets nobody in.
 */
export interface Quarantine {
	/**
	 * Tells of a session that is opened, and lets it wait where somebody could approve it. The first session of an account
	 * does not wait. What waits takes no other session's place: device ids are known to all whom their owner writes to.
	 * @throws DevicesError 'device-is-signed-in'
	 */
	readonly admit: SessionHook;
	/** Whether a session that somebody opens now waits. */
	isHeld(userId: UserId): Promise<boolean>;
	/** Ends the sessions that wait with the last one that sees anything, where nothing is left to approve them by. */
	readonly endWithLast: RemovalHook;
	/** Lists the sessions of a person that wait. */
	list(userId: UserId): Promise<readonly WaitingSession[]>;
	/**
	 * Lets a session see what its person sees, and tells the others; never another session that waits under its device id by
	 * now. @throws QuarantineError 'not-waiting'
	 */
	approve(session: Omit<WaitingSession, 'displayName'>): Promise<void>;
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
	isExempt,
	approvers,
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

	const isHeld = async (userId: UserId): Promise<boolean> =>
		isOn && !isExempt(userId) && (await approvers.couldApprove(userId));

	return {
		isHeld,
		async admit(batch, {userId, deviceId, displayName, devices}) {
			const isWaiting = await isHeld(userId);
			if (isWaiting && devices.some((device) => device.deviceId === deviceId)) {
				throw new DevicesError(
					'device-is-signed-in',
					'A session of this device id is signed in: sign it out there first, or sign in as a new device',
				);
			}
			if (isWaiting) storage.quarantinedDevices.set(batch, {userId, deviceId, sinceTs: clock.now(), codeHash: null});
			const endsSession = devices.some((device) => device.deviceId === deviceId);
			const isFirst = devices.length === 0 && !(await hasBeenUsed(storage, userId));
			const deviceName = displayName;
			notices.add(batch, userId, {kind: 'sign-in', deviceId, deviceName, isWaiting, endsSession, isFirst});
		},
		async endWithLast(batch, {userId, removed, left, reason}) {
			if (!isOn || isExempt(userId)) return [];
			const seeing = new Set(await pickSeeing(storage, userId, [...removed, ...left]));
			if (left.some((device) => seeing.has(device))) return [];
			// A session that waits ends nothing but itself.
			if (reason !== 'new-password' && !removed.some((device) => seeing.has(device))) return [];
			if (await approvers.outliveSessions(batch, userId, {takesTold: reason !== 'ended'})) return [];
			const waiting = new Set((await storage.quarantinedDevices.listOfUser(userId)).map((row) => row.deviceId));
			return left.filter(({deviceId}) => waiting.has(deviceId));
		},
		list: async (userId) => Promise.all((await storage.quarantinedDevices.listOfUser(userId)).map(describe)),
		approve: (session) => end(session, (batch) => storage.quarantinedDevices.remove(batch, session)),
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
