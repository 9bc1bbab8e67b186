import type {DeviceId, JsonObject, JsonValue, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import {flag, integer, integerOrNull, json, jsonOrNull, name, table, text, textOrNull} from './columns.ts';

export const accounts = table(
	'accounts',
	{
		userId: text<UserId>(),
		passwordHash: textOrNull(),
		isAdmin: flag(),
		isGuest: flag(),
		isDeactivated: flag(),
		isLocked: flag(),
		isSuspended: flag(),
		isErased: flag(),
		createdDay: integer(),
	},
	{key: ['userId']},
);

/** Which accounts an application service brought here; the id is that of its registration. */
export const appserviceAccounts = table(
	'appservice_accounts',
	{userId: text<UserId>(), appserviceId: text()},
	{key: ['userId']},
);

/** How much somebody, or another server, learnt and asked about people in one day. Of whom is not kept. */
export const factCounts = table(
	'fact_counts',
	{
		kind: text<'person' | 'server'>(),
		name: text(),
		day: integer(),
		learnt: integer(),
		refused: integer(),
		probes: integer(),
	},
	{key: ['kind', 'name', 'day'], index: [{on: ['day']}]},
);

export const registrationTokens = table(
	'registration_tokens',
	{
		tokenHash: text(),
		name: text(),
		usesAllowed: integerOrNull(),
		usesDone: integer(),
		expiresTs: integerOrNull(),
		makesAdmin: flag(),
	},
	{key: ['tokenHash']},
);

export const profiles = table(
	'profiles',
	{userId: text<UserId>(), key: text(), value: jsonOrNull<JsonValue>(), pos: integer()},
	{key: ['userId', 'key'], index: [{on: ['pos'], whereNull: 'value'}]},
);

export const devices = table(
	'devices',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), displayName: textOrNull(), lastSeenDay: integerOrNull()},
	{key: ['userId', 'deviceId']},
);

/** Where people were seen from; empty unless the settings ask for it. */
export const deviceAddresses = table(
	'device_addresses',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), address: text(), seenDay: integer()},
	{key: ['userId', 'deviceId'], index: [{on: ['seenDay']}]},
);

/** People who are gone and want to be forgotten, and where the stream stood when they said so. */
export const erasures = table('erasures', {userId: text<UserId>(), pos: integer()}, {key: ['userId']});

export const accessTokens = table(
	'access_tokens',
	{
		tokenHash: text(),
		userId: text<UserId>(),
		deviceId: text<DeviceId>(),
		expiresTs: integerOrNull(),
		refreshHash: textOrNull(),
	},
	{
		key: ['tokenHash'],
		index: [
			{on: ['userId', 'deviceId']},
			{on: ['refreshHash'], where: 'refreshHash'},
			{on: ['expiresTs', 'tokenHash'], where: 'expiresTs'},
		],
	},
);

export const refreshTokens = table(
	'refresh_tokens',
	{
		tokenHash: text(),
		userId: text<UserId>(),
		deviceId: text<DeviceId>(),
		expiresTs: integerOrNull(),
		nextHash: textOrNull(),
	},
	{key: ['tokenHash'], index: [{on: ['userId', 'deviceId']}, {on: ['nextHash'], where: 'nextHash'}]},
);

export const accountData = table(
	'account_data',
	{
		userId: name<UserId>(),
		/** Empty: of the account. */
		roomId: name<RoomId | ''>(),
		type: name(),
		content: jsonOrNull<JsonObject>(),
		pos: integer(),
	},
	{key: ['userId', 'roomId', 'type'], index: [{on: ['userId', 'pos']}, {on: ['pos'], whereNull: 'content'}]},
);

export const filters = table(
	'filters',
	{userId: text<UserId>(), filterId: text(), filter: json<JsonObject>()},
	{key: ['userId', 'filterId']},
);

export const pushers = table(
	'pushers',
	{
		userId: text<UserId>(),
		appId: text(),
		pushkey: text(),
		deviceId: text<DeviceId>(),
		json: json<JsonObject>(),
		pos: integer(),
	},
	{key: ['userId', 'appId', 'pushkey'], index: [{on: ['appId', 'pushkey']}]},
);

export const deviceKeys = table(
	'device_keys',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), json: json<JsonObject>(), displayName: textOrNull()},
	{key: ['userId', 'deviceId']},
);

export const oneTimeKeys = table(
	'one_time_keys',
	{
		id: integer(),
		userId: text<UserId>(),
		deviceId: text<DeviceId>(),
		keyId: text(),
		json: json<JsonObject | string>(),
	},
	{key: ['id'], unique: [['userId', 'deviceId', 'keyId']]},
);

export const fallbackKeys = table(
	'fallback_keys',
	{
		userId: text<UserId>(),
		deviceId: text<DeviceId>(),
		algorithm: text(),
		keyId: text(),
		json: json<JsonObject | string>(),
		isUsed: flag(),
	},
	{key: ['userId', 'deviceId', 'algorithm']},
);

export const crossSigningKeys = table(
	'cross_signing_keys',
	{userId: text<UserId>(), usage: text<'master' | 'self_signing' | 'user_signing'>(), json: json<JsonObject>()},
	{key: ['userId', 'usage']},
);

export const keySignatures = table(
	'key_signatures',
	{userId: text<UserId>(), targetId: text(), signer: text<UserId>(), signerKeyId: text(), signature: text()},
	{key: ['userId', 'targetId', 'signer', 'signerKeyId']},
);

export const remoteDeviceLists = table(
	'remote_device_lists',
	{userId: text<UserId>(), streamId: integer(), isStale: flag(), fetchedPos: integer()},
	{key: ['userId'], index: [{on: ['isStale', 'userId']}]},
);

export const toDevice = table(
	'to_device',
	{
		id: integer(),
		/** The position while the message is fresh, so that what comes together lies together; 0 once it is filed by device. */
		bundle: integer(),
		userId: text<UserId>(),
		deviceId: text<DeviceId>(),
		pos: integer(),
		sender: text<UserId>(),
		type: text(),
		content: json<JsonObject>(),
	},
	{key: ['id'], index: [{on: ['bundle', 'userId', 'deviceId', 'pos', 'id']}]},
);

export const toDeviceReceived = table(
	'to_device_received',
	{origin: text<ServerName>(), messageId: text(), receivedTs: integer()},
	{key: ['origin', 'messageId'], index: [{on: ['receivedTs']}]},
);
