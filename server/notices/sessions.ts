import type {DeviceId, UserId} from '../../crypto/index.ts';
import type {DeviceRow, Storage} from '../../storage/index.ts';

/** Whether somebody has a session beside the one that it is about which may see what they are told. */
export async function hasOtherSession(
	storage: Storage,
	userId: UserId,
	deviceId: DeviceId | undefined,
): Promise<boolean> {
	const seeing = await pickSeeing(storage, userId, await storage.devices.listOfUser(userId));
	return seeing.some((row) => row.deviceId !== deviceId);
}

/** Picks, of a person's devices, the sessions that see what they see: none that waits, and not the dehydrated device. */
export async function pickSeeing(
	storage: Storage,
	userId: UserId,
	devices: readonly DeviceRow[],
): Promise<readonly DeviceRow[]> {
	const waiting = new Set((await storage.quarantinedDevices.listOfUser(userId)).map(({deviceId}) => deviceId));
	const dehydrated = (await storage.dehydratedDevices.find(userId))?.deviceId;
	return devices.filter(({deviceId}) => deviceId !== dehydrated && !waiting.has(deviceId));
}

/**
 * Whether an account without a session has ever been used. It is not written down that somebody signed in; whoever did
 * with a client has left a room, keys, settings or a filter, and where there is nothing, nobody has read anything.
 */
export async function hasBeenUsed(storage: Storage, userId: UserId): Promise<boolean> {
	return (
		(await storage.noticeRooms.find(userId)) !== undefined ||
		(await storage.memberships.listOfUser(userId, ['join', 'leave', 'ban'])).length > 0 ||
		(await storage.keys.listCrossSigningKeys([userId])).length > 0 ||
		(await storage.filters.listOfUser(userId, {limit: 1})).length > 0 ||
		(await storage.accountData.listChanged(userId, 0, storage.stream.head())).length > 0
	);
}
