import type {DeviceId, JsonObject, RoomId, UserId} from '../../crypto/index.ts';
import {integer, json, table, text, textOrNull} from './columns.ts';

/** Events that wait for their time. */
export const delayedEvents = table(
	'delayed_events',
	{
		delayId: text(),
		userId: text<UserId>(),
		roomId: text<RoomId>(),
		type: text(),
		stateKey: textOrNull(),
		content: json<JsonObject>(),
		delayMs: integer(),
		runningSinceTs: integer(),
		pos: integer(),
	},
	{key: ['delayId'], index: [{on: ['userId']}]},
);

/** Tokens that sign in once. */
export const loginTokens = table(
	'login_tokens',
	{
		tokenHash: text(),
		userId: text<UserId>(),
		deviceId: textOrNull<DeviceId>(),
		webSessionHash: textOrNull(),
		expiresTs: integer(),
	},
	{key: ['tokenHash'], index: [{on: ['userId', 'deviceId']}, {on: ['expiresTs']}]},
);
