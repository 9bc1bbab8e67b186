import type {RoomId} from '../../../crypto/index.ts';
import type {AccountDataRow, Position} from '../../../storage/index.ts';
import {arrayText, objectText} from '../../events/index.ts';
import {RULES_TYPE} from '../../push/index.ts';
import {writeSyncToken} from '../tokens.ts';
import {type DeviceNews, renderDeviceLists} from './device.ts';
import {listTouchedRooms, type Request} from './news.ts';
import {listPresence} from './presence.ts';
import {renderRooms} from './rooms.ts';
import type {SyncParts, View} from './view.ts';

/** An answer, as JSON text. */
export interface Answer {
	readonly text: string;
	/** Whether it tells the device anything. */
	readonly hasNews: boolean;
}

/** Makes the answer to a request. @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
export async function makeAnswer(parts: SyncParts, devices: DeviceNews, request: Request): Promise<Answer> {
	const changed = await listAccountData(parts, request);
	const unwanted = await parts.events.findUnwanted(request.userId);
	const view: View = {...request, unwanted, roomAccountData: groupByRoom(changed)};
	const accountData = listGlobal(parts, view, changed);
	const touched = listTouchedRooms(parts, view, view.roomAccountData.keys());
	const rooms = await renderRooms(parts, view, touched);
	const toDevice = await devices.listToDevice(view);
	const deviceLists = await renderDeviceLists(parts, view, touched);
	const presence = await listPresence(parts, view, touched);
	const keys = await parts.encryption.countKeys(request.userId, request.deviceId);
	const {positions, ephemeral} = parts;
	const {since, upto, seq, userId} = view;
	const hasNews =
		rooms !== undefined ||
		deviceLists !== undefined ||
		accountData.length + toDevice.events.length + presence.length > 0 ||
		(since !== undefined && positions.hasDeviceKeys(userId, since.pos));
	return {
		hasNews,
		text: objectText({
			next_batch: JSON.stringify(writeSyncToken({pos: upto, epoch: ephemeral.epoch, seq, toDevice: toDevice.upto})),
			account_data: eventsText(accountData),
			presence: eventsText(presence),
			to_device: eventsText(toDevice.events),
			device_lists: deviceLists,
			device_one_time_keys_count: JSON.stringify(keys.oneTimeKeys),
			device_unused_fallback_key_types: JSON.stringify(keys.unusedFallbackKeyTypes),
			rooms,
		}),
	};
}

function eventsText(events: readonly string[]): string | undefined {
	return events.length === 0 ? undefined : `{"events":${arrayText(events)}}`;
}

async function listAccountData(
	{storage, positions}: SyncParts,
	{userId, since, upto}: Request,
): Promise<AccountDataRow[]> {
	const after: Position = since?.pos ?? 0;
	if (since && !positions.hasAccountData(userId, after)) return [];
	const rows = await storage.accountData.listChanged(userId, after, upto);
	// To who knows nothing there is nothing to be said of what is gone.
	return since ? rows : rows.filter(({content}) => content !== null);
}

function groupByRoom(rows: readonly AccountDataRow[]): Map<RoomId, AccountDataRow[]> {
	const byRoom = new Map<RoomId, AccountDataRow[]>();
	for (const row of rows) {
		if (row.roomId === null) continue;
		const ofRoom = byRoom.get(row.roomId) ?? [];
		byRoom.set(row.roomId, ofRoom);
		ofRoom.push(row);
	}
	return byRoom;
}

/** Everybody has push rules, also who never changed one. */
function listGlobal({pushRules}: SyncParts, view: View, rows: readonly AccountDataRow[]): string[] {
	const {matches} = view.filter.accountData;
	const events = rows
		.filter(({roomId}) => roomId === null)
		.map(({type, content}) =>
			type === RULES_TYPE
				? {type, content: {global: pushRules.fromAccountData(view.userId, content ?? undefined)}}
				: {type, content: content ?? {}},
		);
	if (!view.since && !events.some(({type}) => type === RULES_TYPE)) {
		events.unshift({type: RULES_TYPE, content: {global: pushRules.fromAccountData(view.userId, undefined)}});
	}
	return events.filter(({type}) => matches === undefined || matches({type})).map((event) => JSON.stringify(event));
}
