import type {DeviceId, UserId} from '../../crypto/index.ts';
import type {Storage} from '../../storage/index.ts';

/** Whether somebody has a session beside the one that it is about which may see what they are told. */
export async function hasOtherSession(
	storage: Storage,
	userId: UserId,
	deviceId: DeviceId | undefined,
): Promise<boolean> {
	const waiting = new Set((await storage.quarantinedDevices.listOfUser(userId)).map((row) => row.deviceId));
	const dehydrated = (await storage.dehydratedDevices.find(userId))?.deviceId;
	const devices = await storage.devices.listOfUser(userId);
	return devices.some((row) => row.deviceId !== deviceId && row.deviceId !== dehydrated && !waiting.has(row.deviceId));
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
