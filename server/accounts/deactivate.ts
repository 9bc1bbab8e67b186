import type {UserId} from '../../crypto/index.ts';
import {REMOVE_NOTICES} from '../notices/index.ts';
import {type Batch, ConflictError, type Storage} from '../../storage/index.ts';
import type {AccountsDependencies, AlsoWrite} from './accounts.ts';
import {AccountsError} from './errors.ts';

/** The kind of the background job that takes the person out of all rooms; its key is the user id. */
export const LEAVE_ROOMS = 'leave-rooms';

/** The kind of the background job that removes files that nothing names any more; it is told which. */
export const REMOVE_CONTENT = 'remove-content';

/** The kind of the background job that removes the keys of backups that are no more. */
export const REMOVE_ROOM_KEYS = 'remove-room-keys';

/** Media read at a time, and files that one job is told of: their hashes take 64 KiB. */
const MEDIA_PAGE = 1000;

/** Ends an account for good; see `Accounts.deactivate`. */
export async function deactivate(
	{storage, devices, clock}: AccountsDependencies,
	userId: UserId,
	{erase, alsoWrite}: {readonly erase: boolean; readonly alsoWrite?: AlsoWrite | undefined},
): Promise<void> {
	const notices = await storage.noticeRooms.find(userId);
	const batch = storage.batch();
	storage.accounts.setStates(batch, userId, {isDeactivated: true, isErased: erase});
	const pos = batch.announce({kind: 'account', subject: userId, ...(erase && {extra: {erased: true}})});
	await devices.removeAll(batch, userId, {reason: 'ended'});
	storage.delayedEvents.removeOfUser(batch, userId);
	storage.keys.removeDeviceKeys(batch, userId);
	storage.keys.removeCrossSigningKeys(batch, userId);
	storage.keyBackups.markAllDeleted(batch, userId);
	storage.erasures.removeTraces(batch, userId);
	for (const key of Object.keys(await storage.profiles.find(userId))) {
		storage.profiles.set(batch, userId, key, undefined, batch.announce({kind: 'profile', subject: userId}));
	}
	await removeAccountData(storage, batch, userId);
	if (erase) {
		// Without the hash nobody can be told that the account is deactivated; until then who knows the password is.
		storage.accounts.setPassword(batch, userId, null);
		storage.erasures.add(batch, userId, pos);
		await removeMedia(storage, batch, userId, clock.now());
	}
	storage.jobs.add(batch, {kind: LEAVE_ROOMS, key: userId, payload: {}, dueTs: clock.now()});
	storage.jobs.add(batch, {
		kind: REMOVE_NOTICES,
		key: userId,
		payload: {room_id: notices ?? null},
		dueTs: clock.now(),
	});
	storage.jobs.add(batch, {kind: REMOVE_ROOM_KEYS, key: '', payload: {}, dueTs: clock.now()});
	alsoWrite?.(batch);
	try {
		await storage.commit(batch);
	} catch (cause) {
		throw cause instanceof ConflictError && cause.condition === 'account'
			? new AccountsError('unknown-account', 'No such account', {cause})
			: cause;
	}
}

async function removeAccountData(storage: Storage, batch: Batch, userId: UserId): Promise<void> {
	for (const {roomId, type, content} of await storage.accountData.listChanged(userId, 0, storage.stream.head())) {
		if (content !== null) {
			const pos = batch.announce({kind: 'account_data', subject: userId, roomId: roomId ?? undefined});
			storage.accountData.set(batch, {userId, roomId, type, content: null, pos});
		}
	}
}

/**
 * Adds to a batch the removal of a person's media and the jobs that remove their files. The file of one that comes while
 * this is committed is found by the daily search for files that nothing names.
 */
async function removeMedia(storage: Storage, batch: Batch, userId: UserId, nowMs: number): Promise<void> {
	let after: string | undefined;
	for (let page = 0; ; page += 1) {
		const rows = await storage.media.listOfUploader(userId, {after, limit: MEDIA_PAGE});
		const contents = [...new Set(rows.map(({sha256}) => sha256).filter((sha256) => sha256 !== null))];
		if (contents.length > 0) {
			storage.jobs.add(batch, {kind: REMOVE_CONTENT, key: `${userId} ${page}`, payload: {contents}, dueTs: nowMs});
		}
		if (rows.length < MEDIA_PAGE) break;
		after = rows.at(-1)?.mediaId;
	}
	storage.media.removeOfUploader(batch, userId);
}
