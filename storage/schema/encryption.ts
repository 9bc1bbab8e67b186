import type {DeviceId, JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import {flag, integer, json, table, text} from './columns.ts';

export const keyBackups = table(
	'key_backups',
	{
		id: integer(),
		userId: text<UserId>(),
		version: integer(),
		algorithm: text(),
		authData: json<JsonObject>(),
		etag: integer(),
		count: integer(),
		isDeleted: flag(),
	},
	{key: ['id'], unique: [['userId', 'version']], index: [{on: ['isDeleted', 'count']}]},
);

export const roomKeys = table(
	'room_keys',
	{
		backupId: integer(),
		roomId: text<RoomId>(),
		sessionId: text(),
		isVerified: flag(),
		firstMessageIndex: integer(),
		forwardedCount: integer(),
		/** JSON text: it is given back as it came, and never read here. */
		sessionData: text(),
	},
	{key: ['backupId', 'roomId', 'sessionId']},
);

export const dehydratedDevices = table(
	'dehydrated_devices',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), json: json<JsonObject>()},
	{key: ['userId']},
);

/** The keys of one algorithm in one upload: they have all the ids from the first to the last one. */
export const oneTimeKeyUploads = table(
	'one_time_key_uploads',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), algorithm: text(), lastId: integer(), firstId: integer()},
	{key: ['userId', 'deviceId', 'algorithm', 'lastId']},
);

export const claimedOneTimeKeys = table(
	'claimed_one_time_keys',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), algorithm: text(), lastId: integer()},
	{key: ['userId', 'deviceId', 'algorithm']},
);

export const openidTokens = table(
	'openid_tokens',
	{tokenHash: text(), userId: text<UserId>(), deviceId: text<DeviceId>(), expiresTs: integer()},
	{key: ['tokenHash'], index: [{on: ['userId', 'deviceId']}, {on: ['expiresTs']}]},
);
