import type {UserId} from '../../crypto/index.ts';
import type {GivenProof} from '../interfaces/web-sessions.ts';
import {integer, json, table, text, textOrNull} from './columns.ts';

/** Browsers that have shown who is before them. */
export const webSessions = table(
	'web_sessions',
	{
		tokenHash: text(),
		userId: text<UserId>(),
		proofs: json<readonly GivenProof[]>(),
		returnTo: textOrNull(),
		expiresTs: integer(),
	},
	{key: ['tokenHash'], index: [{on: ['userId']}, {on: ['expiresTs']}]},
);
