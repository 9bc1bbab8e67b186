import type {DeviceId, JsonObject, UserId} from '../../crypto/index.ts';
import {flag, integer, json, table, text, textOrNull} from './columns.ts';

/** Programs that have registered to sign people in; equal ones are one row. */
export const oauthClients = table(
	'oauth_clients',
	{clientId: text(), metadata: json<JsonObject>(), usedTs: integer()},
	{key: ['clientId'], index: [{on: ['usedTs']}]},
);

/** What a browser was sent back with, to be exchanged for a session once. */
export const oauthCodes = table(
	'oauth_codes',
	{
		codeHash: text(),
		clientId: text(),
		userId: text<UserId>(),
		deviceId: text<DeviceId>(),
		scope: text(),
		redirectUri: text(),
		codeChallenge: text(),
		expiresTs: integer(),
		isUsed: flag(),
		upstreamProviderId: textOrNull(),
		upstreamSessionId: textOrNull(),
	},
	{key: ['codeHash'], index: [{on: ['userId']}, {on: ['expiresTs']}]},
);

/** Devices without a browser that wait for their person's consent. */
export const oauthDeviceCodes = table(
	'oauth_device_codes',
	{
		codeHash: text(),
		userCodeHash: text(),
		clientId: text(),
		deviceId: text<DeviceId>(),
		scope: text(),
		expiresTs: integer(),
		polledTs: integer(),
		state: text<'pending' | 'approved' | 'denied' | 'used'>(),
		/** Empty: nobody has consented yet. */
		userId: text<UserId | ''>(),
		upstreamProviderId: textOrNull(),
		upstreamSessionId: textOrNull(),
	},
	{key: ['codeHash'], unique: [['userCodeHash']], index: [{on: ['userId']}, {on: ['expiresTs']}]},
);

/** Devices that signed in by OAuth, and with which program. */
export const oauthSessions = table(
	'oauth_sessions',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), clientId: text(), scope: text(), codeHash: text()},
	{key: ['userId', 'deviceId'], index: [{on: ['clientId']}]},
);

/** What all refresh tokens of one session have in common, by which one that was used up is known. */
export const refreshFamilies = table(
	'refresh_families',
	{familyHash: text(), userId: text<UserId>(), deviceId: text<DeviceId>()},
	{key: ['familyHash'], index: [{on: ['userId', 'deviceId']}]},
);
