/** Sessions that wait for their owner's approval. */
import type {DeviceId, UserId} from '../../crypto/index.ts';
import type {App} from './app.ts';
import type {Session} from './client.ts';

type Named = Pick<Session, 'user_id' | 'device_id'>;

async function findWaiting({application}: App, {user_id: userId, device_id: deviceId}: Named) {
	const row = await application.storage.quarantinedDevices.find(userId as UserId, deviceId as DeviceId);
	if (row === undefined) throw new Error(`expected ${deviceId} of ${userId} to wait`);
	return row;
}

/** Approves a session, as one of its owner's others does. */
export async function approveWaiting(app: App, session: Named): Promise<void> {
	await app.application.services.quarantine.approve(await findWaiting(app, session));
}

/** Gives what names a session in a form of the page of those that wait. */
export async function fieldsOfWaiting(app: App, session: Named): Promise<{device_id: string; since_ts: string}> {
	const {deviceId, sinceTs} = await findWaiting(app, session);
	return {device_id: deviceId, since_ts: String(sinceTs)};
}
