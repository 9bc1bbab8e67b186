import type {UserId} from '../../crypto/index.ts';
import {blob, flag, integer, integerOrNull, json, table, text} from './columns.ts';

/** The secrets of people's code generators, sealed; one each. */
export const totpSecrets = table(
	'totp_secrets',
	{
		userId: text<UserId>(),
		sealedSecret: text(),
		isConfirmed: flag(),
		lastStep: integer(),
		failures: integer(),
		waitMs: integer(),
		nextTryTs: integer(),
		createdDay: integer(),
	},
	{key: ['userId']},
);

/** Recovery codes that were not used yet. */
export const recoveryCodes = table(
	'recovery_codes',
	{userId: text<UserId>(), codeHash: text()},
	{key: ['userId', 'codeHash']},
);

export const passkeys = table(
	'passkeys',
	{
		credentialId: text(),
		userId: text<UserId>(),
		userHandle: text(),
		publicKey: blob(),
		signCount: integer(),
		transports: json<readonly string[]>(),
		name: text(),
		createdDay: integer(),
		lastUsedDay: integerOrNull(),
	},
	{key: ['credentialId'], index: [{on: ['userId']}]},
);

/** What a passkey is to sign, once, for the browser's session that asked. */
export const passkeyChallenges = table(
	'passkey_challenges',
	{session: text(), purpose: text<'register' | 'authenticate'>(), challenge: text(), expiresTs: integer()},
	{key: ['session', 'purpose'], index: [{on: ['expiresTs']}]},
);
