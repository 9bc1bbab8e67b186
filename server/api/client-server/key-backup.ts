import {Readable} from 'node:stream';
import type {RoomId} from '../../../crypto/index.ts';
import type {KeyBackupVersion, RoomKeyRow} from '../../encryption/index.ts';
import {content, type HttpResponse, MatrixError, rawJson} from '../../http/index.ts';
import {v} from '../../validation/index.ts';
import {route} from '../route.ts';

/** Five hundred keys take about 500 KiB; clients send up to so many at once. */
const keysBytesMax = 4 * 1024 * 1024;

const methodForm = {algorithm: v.string(), auth_data: v.jsonObject()};
const versionQuery = v.object({version: v.string({max: 255})});

const keyForm = v.object({
	first_message_index: v.integer({min: 0}),
	forwarded_count: v.integer({min: 0}),
	is_verified: v.boolean(),
	session_data: v.jsonObject(),
});
const roomForm = v.object({sessions: v.record(keyForm)});

interface KeyBody {
	readonly first_message_index: number;
	readonly forwarded_count: number;
	readonly is_verified: boolean;
	readonly session_data: object;
}

function versionBody({algorithm, authData, count, etag, version}: KeyBackupVersion): object {
	return {algorithm, auth_data: authData, count, etag, version};
}

function readKey(roomId: string, sessionId: string, key: KeyBody): RoomKeyRow {
	return {
		// Whether it is one is checked with the keys.
		roomId: roomId as RoomId,
		sessionId,
		isVerified: key.is_verified,
		firstMessageIndex: key.first_message_index,
		forwardedCount: key.forwarded_count,
		sessionData: JSON.stringify(key.session_data),
	};
}

function readRoom(roomId: string, {sessions}: {readonly sessions: Readonly<Record<string, KeyBody>>}): RoomKeyRow[] {
	return Object.entries(sessions).map(([sessionId, key]) => readKey(roomId, sessionId, key));
}

/** Writes a key; its data is JSON text already. */
function keyText({firstMessageIndex, forwardedCount, isVerified, sessionData}: RoomKeyRow): string {
	return `{"first_message_index":${firstMessageIndex},"forwarded_count":${forwardedCount},"is_verified":${isVerified},"session_data":${sessionData}}`;
}

const sessionText = (key: RoomKeyRow): string => `${JSON.stringify(key.sessionId)}:${keyText(key)}`;

async function* renderRoom(pages: AsyncIterable<readonly RoomKeyRow[]>): AsyncGenerator<string> {
	let before = '{"sessions":{';
	for await (const page of pages) {
		yield before + page.map(sessionText).join(',');
		before = ',';
	}
	yield before === ',' ? '}}' : `${before}}}`;
}

/** Keys come in the order of rooms, so that each room is opened and closed once. */
async function* renderRooms(pages: AsyncIterable<readonly RoomKeyRow[]>): AsyncGenerator<string> {
	let roomId: RoomId | undefined;
	let text = '{"rooms":{';
	for await (const page of pages) {
		for (const key of page) {
			if (key.roomId === roomId) text += ',';
			else text += `${roomId === undefined ? '' : '}},'}${JSON.stringify(key.roomId)}:{"sessions":{`;
			roomId = key.roomId;
			text += sessionText(key);
		}
		yield text;
		text = '';
	}
	yield `${text}${roomId === undefined ? '' : '}}'}}}`;
}

/** Sends what is rendered as it is asked for: a backup may be larger than what should be held in memory. */
function stream(text: AsyncIterable<string>): HttpResponse {
	return content('application/json', Readable.from(text, {highWaterMark: 1}));
}

/**
 * Begins a new version of the caller's key backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3room_keysversion
 */
export const postRoomKeysVersion = route({
	id: 'postRoomKeysVersion',
	method: 'POST',
	path: '/_matrix/client/v3/room_keys/version',
	auth: 'user',
	rateLimit: 'keys',
	body: v.object(methodForm),
	async handle({caller, body: {algorithm, auth_data: authData}}, {encryption: {backups}}) {
		return {version: await backups.createVersion(caller.userId, {algorithm, authData})};
	},
});

/**
 * Describes the newest version of the caller's key backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversion
 */
export const getRoomKeysVersionCurrent = route({
	id: 'getRoomKeysVersionCurrent',
	method: 'GET',
	path: '/_matrix/client/v3/room_keys/version',
	auth: 'user',
	rateLimit: 'keys',
	handle: async ({caller}, {encryption: {backups}}) => versionBody(await backups.getVersion(caller.userId)),
});

/**
 * Describes a version of the caller's key backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keysversionversion
 */
export const getRoomKeysVersion = route({
	id: 'getRoomKeysVersion',
	method: 'GET',
	path: '/_matrix/client/v3/room_keys/version/:version',
	auth: 'user',
	rateLimit: 'keys',
	handle: async ({caller, parameters: {version}}, {encryption: {backups}}) =>
		versionBody(await backups.getVersion(caller.userId, version)),
});

/**
 * Replaces the data of a version of the caller's key backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keysversionversion
 */
export const putRoomKeysVersion = route({
	id: 'putRoomKeysVersion',
	method: 'PUT',
	path: '/_matrix/client/v3/room_keys/version/:version',
	auth: 'user',
	rateLimit: 'keys',
	body: v.object({...methodForm, version: v.optional(v.string())}),
	async handle({caller, parameters: {version}, body}, {encryption: {backups}}) {
		if (body.version !== undefined && body.version !== version) {
			throw new MatrixError('M_INVALID_PARAM', "Expected the version of the path as 'version'");
		}
		await backups.updateVersion(caller.userId, version, {algorithm: body.algorithm, authData: body.auth_data});
		return {};
	},
});

/**
 * Deletes a version of the caller's key backup, with its keys.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keysversionversion
 */
export const deleteRoomKeysVersion = route({
	id: 'deleteRoomKeysVersion',
	method: 'DELETE',
	path: '/_matrix/client/v3/room_keys/version/:version',
	auth: 'user',
	rateLimit: 'keys',
	async handle({caller, parameters: {version}}, {encryption: {backups}}) {
		await backups.deleteVersion(caller.userId, version);
		return {};
	},
});

/**
 * Puts one key into the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomidsessionid
 */
export const putRoomKeyBySessionId = route({
	id: 'putRoomKeyBySessionId',
	method: 'PUT',
	path: '/_matrix/client/v3/room_keys/keys/:roomId/:sessionId',
	auth: 'user',
	rateLimit: 'keys',
	query: versionQuery,
	body: keyForm,
	handle: ({caller, parameters: {roomId, sessionId}, query, body}, {encryption: {backups}}) =>
		backups.addKeys(caller.userId, query.version, [readKey(roomId, sessionId, body)]),
});

/**
 * Gives one key of the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomidsessionid
 */
export const getRoomKeyBySessionId = route({
	id: 'getRoomKeyBySessionId',
	method: 'GET',
	path: '/_matrix/client/v3/room_keys/keys/:roomId/:sessionId',
	auth: 'user',
	rateLimit: 'keys',
	query: versionQuery,
	async handle({caller, parameters, query}, {encryption: {backups}}) {
		return rawJson(keyText(await backups.getKey(caller.userId, query.version, parameters)));
	},
});

/**
 * Deletes one key of the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomidsessionid
 */
export const deleteRoomKeyBySessionId = route({
	id: 'deleteRoomKeyBySessionId',
	method: 'DELETE',
	path: '/_matrix/client/v3/room_keys/keys/:roomId/:sessionId',
	auth: 'user',
	rateLimit: 'keys',
	query: versionQuery,
	handle: ({caller, parameters, query}, {encryption: {backups}}) =>
		backups.deleteKeys(caller.userId, query.version, parameters),
});

/**
 * Puts keys of one room into the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeysroomid
 */
export const putRoomKeysByRoomId = route({
	id: 'putRoomKeysByRoomId',
	method: 'PUT',
	path: '/_matrix/client/v3/room_keys/keys/:roomId',
	auth: 'user',
	rateLimit: 'keys',
	bodyBytesMax: keysBytesMax,
	query: versionQuery,
	body: roomForm,
	handle: ({caller, parameters: {roomId}, query, body}, {encryption: {backups}}) =>
		backups.addKeys(caller.userId, query.version, readRoom(roomId, body)),
});

/**
 * Gives the keys of one room in the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeysroomid
 */
export const getRoomKeysByRoomId = route({
	id: 'getRoomKeysByRoomId',
	method: 'GET',
	path: '/_matrix/client/v3/room_keys/keys/:roomId',
	auth: 'user',
	rateLimit: 'keys',
	query: versionQuery,
	handle: async ({caller, parameters: {roomId}, query}, {encryption: {backups}}) =>
		stream(renderRoom(await backups.openKeys(caller.userId, query.version, roomId))),
});

/**
 * Deletes the keys of one room in the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeysroomid
 */
export const deleteRoomKeysByRoomId = route({
	id: 'deleteRoomKeysByRoomId',
	method: 'DELETE',
	path: '/_matrix/client/v3/room_keys/keys/:roomId',
	auth: 'user',
	rateLimit: 'keys',
	query: versionQuery,
	handle: ({caller, parameters, query}, {encryption: {backups}}) =>
		backups.deleteKeys(caller.userId, query.version, parameters),
});

/**
 * Puts keys into the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3room_keyskeys
 */
export const putRoomKeys = route({
	id: 'putRoomKeys',
	method: 'PUT',
	path: '/_matrix/client/v3/room_keys/keys',
	auth: 'user',
	rateLimit: 'keys',
	bodyBytesMax: keysBytesMax,
	query: versionQuery,
	body: v.object({rooms: v.record(roomForm)}),
	handle: ({caller, query, body}, {encryption: {backups}}) =>
		backups.addKeys(
			caller.userId,
			query.version,
			Object.entries(body.rooms).flatMap(([roomId, room]) => readRoom(roomId, room)),
		),
});

/**
 * Gives all keys of the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3room_keyskeys
 */
export const getRoomKeys = route({
	id: 'getRoomKeys',
	method: 'GET',
	path: '/_matrix/client/v3/room_keys/keys',
	auth: 'user',
	rateLimit: 'keys',
	query: versionQuery,
	handle: async ({caller, query}, {encryption: {backups}}) =>
		stream(renderRooms(await backups.openKeys(caller.userId, query.version))),
});

/**
 * Deletes all keys of the caller's backup.
 * @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3room_keyskeys
 */
export const deleteRoomKeys = route({
	id: 'deleteRoomKeys',
	method: 'DELETE',
	path: '/_matrix/client/v3/room_keys/keys',
	auth: 'user',
	rateLimit: 'keys',
	query: versionQuery,
	handle: ({caller, query}, {encryption: {backups}}) => backups.deleteKeys(caller.userId, query.version, {}),
});
