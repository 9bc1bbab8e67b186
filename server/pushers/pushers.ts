import type {DeviceId, UserId} from '../../crypto/index.ts';
import type {Clock} from '../../federation/engine/index.ts';
import type {Batch, Storage} from '../../storage/index.ts';
import {PushersError} from './errors.ts';
import {
	announcedName,
	checkKey,
	checkPusher,
	cursorName,
	type Pusher,
	type PusherKey,
	readPusher,
	type SetPusher,
	writePusher,
} from './pusher.ts';

/** A person has one for each app on each phone; every one of them costs a request for each message. */
const PUSHERS_MAX = 100;

/** Whose session sets a pusher. */
export interface PusherOwner {
	readonly userId: UserId;
	readonly deviceId: DeviceId;
}

/**
 * Where people want to be notified. A pusher belongs to the session that set it last, and ends with it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#receiving-notifications
 */
export interface Pushers {
	/** Lists the pushers of all of a user's sessions. */
	list(userId: UserId): Promise<SetPusher[]>;
	/**
	 * Sets a pusher, which tells of what happens from then on; one of the user's with the same app id and pushkey is
	 * changed, and goes on where it was.
	 * @param isAlone Whether those of other users with the same app id and pushkey are removed: a phone has changed hands.
	 * @throws PushersError
	 */
	set(owner: PusherOwner, pusher: Pusher, options: {readonly isAlone: boolean}): Promise<void>;
	/** Removes a pusher; one that is not there is gone already. @throws PushersError 'invalid' */
	remove(userId: UserId, key: PusherKey): Promise<void>;
}

/** Makes the domain. */
export function createPushers({storage, clock}: {readonly storage: Storage; readonly clock: Clock}): Pushers {
	const announce = (batch: Batch, userId: UserId) => batch.announce({kind: 'cursor', subject: announcedName(userId)});
	const removeFrom = (batch: Batch, userId: UserId, key: PusherKey): void => {
		storage.pushers.remove(batch, userId, key.appId, key.pushkey);
		storage.cursors.remove(batch, cursorName(userId, key));
		announce(batch, userId);
	};
	return {
		list: async (userId) => (await storage.pushers.listOfUser(userId)).map(readPusher),
		async set({userId, deviceId}, pusher, {isAlone}) {
			checkPusher(pusher);
			const {appId, pushkey} = pusher;
			const others = (await storage.pushers.listOfUser(userId)).filter(
				(other) => other.appId !== appId || other.pushkey !== pushkey,
			);
			if (others.length >= PUSHERS_MAX) throw new PushersError('too-many', `No more than ${PUSHERS_MAX} pushers`);
			const batch = storage.batch();
			if (isAlone) {
				for (const other of await storage.pushers.listOfKey(appId, pushkey)) {
					if (other.userId !== userId) removeFrom(batch, other.userId, pusher);
				}
				// Those that another process adds meanwhile.
				storage.pushers.removeOfOthers(batch, userId, appId, pushkey);
			}
			const pos = announce(batch, userId);
			storage.pushers.set(batch, {userId, deviceId, appId, pushkey, json: writePusher(pusher, clock.now()), pos});
			storage.cursors.add(batch, cursorName(userId, pusher), pos);
			await storage.commit(batch);
		},
		async remove(userId, key) {
			checkKey(key);
			const batch = storage.batch();
			removeFrom(batch, userId, key);
			await storage.commit(batch);
		},
	};
}
