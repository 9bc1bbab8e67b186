import type {UserId} from '../../../crypto/index.ts';
import {arrayText, objectText} from '../../events/index.ts';
import {RULES_TYPE} from '../../push/index.ts';
import type {DeviceNews} from '../v3/device.ts';
import type {ToldAnswer} from './connections.ts';
import {tellEncryption, tellToDevice} from './device-extensions.ts';
import type {OwnPiece} from './own-data.ts';
import {type RoomsTelling, tellRooms} from './rooms.ts';
import type {SlidingParts, SlidingView} from './view.ts';

/** An answer, but for the position that comes with it. */
export interface SlidingAnswer {
	/** Whether it tells the device anything. */
	readonly hasNews: boolean;
	/** What the client has been told with it. */
	readonly after: Omit<ToldAnswer, 'settled'>;
	/** Gives the whole as JSON text. */
	readonly finish: (pos: string) => string;
}

/** Makes the answer to a request. @see proposal 4186 */
export async function makeSlidingAnswer(
	parts: SlidingParts,
	devices: DeviceNews,
	view: SlidingView,
): Promise<SlidingAnswer> {
	const {upto, seq, rooms, scope, connection, request, isSettled} = view;
	const told = await tellRooms(parts, view);
	const global = request.extensions.accountData && !isSettled ? listGlobal(parts, view) : [];
	const toDevice = await tellToDevice(devices, view);
	const encryption = await tellEncryption(parts, view);
	const hasNews =
		[told.rooms, told.receipts, told.accountData, told.typing].some(({size}) => size > 0) ||
		global.length > 0 ||
		toDevice.isNews ||
		encryption.isNews;
	const extensions = {
		to_device: toDevice.text,
		e2ee: encryption.text,
		account_data: accountDataText(global, told),
		receipts: roomsText(told.receipts),
		typing: roomsText(told.typing),
	};
	return {
		hasNews,
		after: {
			pos: upto,
			epoch: parts.ephemeral.epoch,
			seq,
			hasGlobalData: request.extensions.accountData !== undefined,
			told: told.told,
			live: told.live,
			isKnown: (roomId) => rooms.has(roomId) && (connection.find(roomId) !== undefined || told.told.has(roomId)),
		},
		finish: (pos) =>
			objectText({
				pos: JSON.stringify(pos),
				lists: mapText(scope.counts, (count) => `{"count":${count}}`),
				rooms: mapText(told.rooms, (text) => text),
				extensions: objectText(extensions),
			}),
	};
}

/** Everybody has push rules, also who never changed one. */
function listGlobal({pushRules}: SlidingParts, {request: {userId}, connection, own, upto}: SlidingView): string[] {
	const {pos, hasGlobalData} = connection.state;
	const since = hasGlobalData ? pos : 0;
	const pieces: Pick<OwnPiece, 'type' | 'content'>[] = [...own.global.values()].filter(
		(piece) => piece.pos > since && piece.pos <= upto && (since > 0 || piece.content !== null),
	);
	if (since === 0 && !pieces.some(({type}) => type === RULES_TYPE)) pieces.unshift({type: RULES_TYPE, content: null});
	return pieces.map((piece) => JSON.stringify(describe(pushRules, userId, piece)));
}

function describe(
	pushRules: SlidingParts['pushRules'],
	userId: UserId,
	{type, content}: Pick<OwnPiece, 'type' | 'content'>,
): object {
	if (type !== RULES_TYPE) return {type, content: content ?? {}};
	return {type, content: {global: pushRules.fromAccountData(userId, content ?? undefined)}};
}

function accountDataText(global: readonly string[], {accountData}: RoomsTelling): string | undefined {
	if (global.length + accountData.size === 0) return undefined;
	return objectText({
		global: global.length === 0 ? undefined : arrayText(global),
		rooms: accountData.size === 0 ? undefined : mapText(accountData, (text) => text),
	});
}

function roomsText(rooms: ReadonlyMap<string, string>): string | undefined {
	return rooms.size === 0 ? undefined : `{"rooms":${mapText(rooms, (text) => text)}}`;
}

/** Room ids and names of lists may be anything, also names that objects of the language have. */
function mapText<T>(map: ReadonlyMap<string, T>, textOf: (value: T) => string): string {
	return `{${[...map].map(([key, value]) => `${JSON.stringify(key)}:${textOf(value)}`).join(',')}}`;
}
