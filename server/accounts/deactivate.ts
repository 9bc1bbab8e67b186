import type {UserId} from '../../crypto/index.ts';
import {type Batch, ConflictError, type Storage} from '../../storage/index.ts';
import type {AccountsDependencies} from './accounts.ts';
import {AccountsError} from './errors.ts';

/** The kind of the background job that takes the person out of all rooms; its key is the user id. */
export const LEAVE_ROOMS = 'leave-rooms';

/** The kind of the background job that removes the keys of backups that are no more. */
export const REMOVE_ROOM_KEYS = 'remove-room-keys';

/** Ends an account for good; see `Accounts.deactivate`. */
export async function deactivate(
	{storage, devices, clock}: AccountsDependencies,
	userId: UserId,
	{erase}: {readonly erase: boolean},
): Promise<void> {
	const batch = storage.batch();
	storage.accounts.setStates(batch, userId, {isDeactivated: true, isErased: erase});
	batch.announce({kind: 'account', subject: userId});
	await devices.removeAll(batch, userId);
	storage.delayedEvents.removeOfUser(batch, userId);
	storage.keys.removeDeviceKeys(batch, userId);
	storage.keys.removeCrossSigningKeys(batch, userId);
	storage.keyBackups.markAllDeleted(batch, userId);
	for (const key of Object.keys(await storage.profiles.find(userId))) {
		storage.profiles.set(batch, userId, key, undefined, batch.announce({kind: 'profile', subject: userId}));
	}
	if (erase) {
		// Without the hash nobody can be told that the account is deactivated; until then who knows the password is.
		storage.accounts.setPassword(batch, userId, null);
		await eraseAccountData(storage, batch, userId);
	}
	storage.jobs.add(batch, {kind: LEAVE_ROOMS, key: userId, payload: {}, dueTs: clock.now()});
	storage.jobs.add(batch, {kind: REMOVE_ROOM_KEYS, key: '', payload: {}, dueTs: clock.now()});
	try {
		await storage.commit(batch);
	} catch (cause) {
		throw cause instanceof ConflictError && cause.condition === 'account'
			? new AccountsError('unknown-account', 'No such account', {cause})
			: cause;
	}
}

async function eraseAccountData(storage: Storage, batch: Batch, userId: UserId): Promise<void> {
	for (const {roomId, type, content} of await storage.accountData.listChanged(userId, 0, storage.stream.head())) {
		if (content !== null) {
			const pos = batch.announce({kind: 'account_data', subject: userId, roomId: roomId ?? undefined});
			storage.accountData.set(batch, {userId, roomId, type, content: null, pos});
		}
	}
}
