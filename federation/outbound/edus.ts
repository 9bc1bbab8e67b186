import {domainOf, type JsonObject, type RoomId, type ServerName, type UserId} from '../../crypto/index.ts';
import type {Position, ReceiptRow, Storage} from '../../storage/index.ts';

/** An ephemeral data unit, as it travels. */
export interface Edu extends JsonObject {
	readonly edu_type: string;
	readonly content: JsonObject;
}

/** Receipt EDUs of one transaction; what does not fit is left out, for the next receipt says more. */
const RECEIPT_EDUS_MAX = 10;

/** Makes an EDU. */
export function createEdu(type: string, content: JsonObject): Edu {
	return {edu_type: type, content};
}

/**
 * Makes the EDUs for the public receipts of our people that moved in `(after, upto]`. An EDU holds one receipt of a user
 * in a room, so receipts of several threads need several.
 * @see https://spec.matrix.org/v1.19/server-server-api/#receipts
 */
export async function listReceiptEdus(
	{receipts}: Pick<Storage, 'receipts'>,
	serverName: ServerName,
	rooms: Iterable<RoomId>,
	after: Position,
	upto: Position,
): Promise<Edu[]> {
	const contents: Map<RoomId, Map<UserId, ReceiptRow>>[] = [];
	for (const roomId of rooms) {
		for (const receipt of await receipts.listChanged(roomId, after, upto)) {
			if (receipt.type !== 'm.read' || domainOf(receipt.userId) !== serverName) continue;
			let content = contents.find((candidate) => candidate.get(roomId)?.has(receipt.userId) !== true);
			if (content === undefined) {
				if (contents.length >= RECEIPT_EDUS_MAX) continue;
				content = new Map();
				contents.push(content);
			}
			const readers = content.get(roomId) ?? new Map<UserId, ReceiptRow>();
			content.set(roomId, readers.set(receipt.userId, receipt));
		}
	}
	return contents.map((rooms_) => createEdu('m.receipt', writeReceipts(rooms_)));
}

function writeReceipts(rooms: ReadonlyMap<RoomId, ReadonlyMap<UserId, ReceiptRow>>): JsonObject {
	const content: JsonObject = {};
	for (const [roomId, readers] of rooms) {
		const users: JsonObject = {};
		for (const [userId, {eventId, ts, data, threadId}] of readers) {
			const thread: JsonObject = threadId === null ? {} : {thread_id: threadId};
			users[userId] = {event_ids: [eventId], data: {...data, ts, ...thread}};
		}
		content[roomId] = {'m.read': users};
	}
	return content;
}

/**
 * Makes the EDUs which say that a user's devices or cross-signing keys changed. What exactly changed is for the receiver
 * to ask: `prev_id` names an update that never was, so that it fetches the whole list. That is right after any loss,
 * restart or restore on either side, which a chain of ids is not; it costs the receiver one request for each change. Names
 * of devices are nobody else's business.
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export async function listDeviceEdus({keys}: Pick<Storage, 'keys'>, userId: UserId, pos: Position): Promise<Edu[]> {
	const [devices, crossSigning] = await Promise.all([
		keys.listDeviceKeys([userId]),
		keys.listCrossSigningKeys([userId]),
	]);
	const [device] = devices;
	const update = createEdu('m.device_list_update', {
		user_id: userId,
		device_id: device?.deviceId ?? 'none',
		stream_id: pos,
		prev_id: [0],
		...(device === undefined ? {deleted: true} : {keys: device.json}),
	});
	const key = (usage: string): JsonObject | undefined => crossSigning.find((row) => row.usage === usage)?.json;
	const [master, selfSigning] = [key('master'), key('self_signing')];
	if (master === undefined) return [update];
	const signing = {
		user_id: userId,
		master_key: master,
		...(selfSigning !== undefined && {self_signing_key: selfSigning}),
	};
	return [update, createEdu('m.signing_key_update', signing)];
}
