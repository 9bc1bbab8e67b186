import type {DeviceId, UserId} from '../../crypto/index.ts';
import {integer, table, text, textOrNull} from './columns.ts';

/** Whom other services vouch for. */
export const identities = table(
	'identities',
	{providerId: text(), subject: text(), userId: text<UserId>()},
	{key: ['providerId', 'subject'], index: [{on: ['userId']}]},
);

/** Browsers that are on their way to another service. */
export const upstreamFlows = table(
	'upstream_flows',
	{
		flowId: text(),
		providerId: text(),
		webSessionHash: text(),
		nonce: text(),
		codeVerifier: text(),
		linksUserId: textOrNull<UserId>(),
		returnTo: textOrNull(),
		expiresTs: integer(),
	},
	{key: ['flowId'], index: [{on: ['expiresTs']}]},
);

/** Browsers that have come back from another service, which vouches for somebody without an account. */
export const upstreamArrivals = table(
	'upstream_arrivals',
	{
		webSessionHash: text(),
		providerId: text(),
		subject: text(),
		sessionId: textOrNull(),
		suggestion: textOrNull(),
		returnTo: textOrNull(),
		expiresTs: integer(),
	},
	{key: ['webSessionHash'], index: [{on: ['expiresTs']}]},
);

/** Devices that were signed in by what another service says. */
export const upstreamDevices = table(
	'upstream_devices',
	{userId: text<UserId>(), deviceId: text<DeviceId>(), providerId: text(), sessionId: textOrNull()},
	{key: ['userId', 'deviceId']},
);

/** Ends of sessions that other services have told of: each is told once. */
export const upstreamLogouts = table(
	'upstream_logouts',
	{providerId: text(), tokenId: text(), expiresTs: integer()},
	{key: ['providerId', 'tokenId'], index: [{on: ['expiresTs']}]},
);
