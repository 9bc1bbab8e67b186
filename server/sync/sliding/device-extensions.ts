import {arrayText, objectText} from '../../events/index.ts';
import {type DeviceNews, renderDeviceLists} from '../v3/device.ts';
import type {SlidingParts, SlidingView} from './view.ts';

/** What an extension tells. */
export interface ExtensionTelling {
	/** As JSON text; absent: it was not asked for. */
	readonly text: string | undefined;
	readonly isNews: boolean;
}

const notAsked: ExtensionTelling = {text: undefined, isNews: false};

/** Positions in the stream of messages to devices, which clients keep apart from that of the connection. */
const sinceForm = /^\d{1,16}$/;

/**
 * Tells of messages to the device. Those up to the position that the client brings are done with and removed.
 * @see proposal 3885
 */
export async function tellToDevice(
	devices: DeviceNews,
	{request: {userId, deviceId, extensions}, upto}: SlidingView,
): Promise<ExtensionTelling> {
	if (!extensions.toDevice) return notAsked;
	const {since, limit} = extensions.toDevice;
	const toDevice = since !== undefined && sinceForm.test(since) ? Math.min(Number(since), upto) : undefined;
	const told = await devices.listToDevice({
		userId,
		deviceId,
		since: toDevice === undefined ? undefined : {toDevice},
		upto,
		limit,
	});
	const text = objectText({next_batch: `"${told.upto}"`, events: arrayText(told.events)});
	return {text, isNews: told.events.length > 0};
}

/** Tells of keys: whose devices changed, and how many keys the device has left for others. @see proposal 3884 */
export async function tellEncryption(
	parts: SlidingParts,
	{request: {userId, deviceId, extensions}, connection, upto, rooms}: SlidingView,
): Promise<ExtensionTelling> {
	if (!extensions.e2ee) return notAsked;
	const since = connection.hasBegun ? connection.state : undefined;
	const keys = await parts.encryption.countKeys(userId, deviceId);
	const lists = await renderDeviceLists(parts, {userId, since, upto}, [...rooms.values()]);
	const text = objectText({
		device_lists: lists,
		device_one_time_keys_count: JSON.stringify(keys.oneTimeKeys),
		device_unused_fallback_key_types: JSON.stringify(keys.unusedFallbackKeyTypes),
	});
	const hasKeyNews = since !== undefined && parts.positions.hasDeviceKeys(userId, since.pos);
	return {text, isNews: lists !== undefined || hasKeyNews};
}
