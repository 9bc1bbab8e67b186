import type {RoomId, UserId} from '../../crypto/index.ts';
import {flag, integer, json, table, text} from './columns.ts';

/** Links by which sources get accounts. */
export const sourceLinks = table(
	'source_links',
	{
		linkId: text(),
		userId: text<UserId>(),
		name: text(),
		members: json<readonly UserId[]>(),
		usesAllowed: integer(),
		usesDone: integer(),
		expiresTs: integer(),
		accountDays: integer(),
		silenceDays: integer(),
		federates: flag(),
	},
	{key: ['linkId'], index: [{on: ['userId']}, {on: ['expiresTs']}]},
);

/** Accounts that were made by such links, as long as they are there. */
export const sources = table(
	'sources',
	{
		userId: text<UserId>(),
		owner: text<UserId>(),
		name: text(),
		roomId: text<RoomId>(),
		endsTs: integer(),
		silenceDays: integer(),
		isOwnerTold: flag(),
	},
	{key: ['userId'], index: [{on: ['owner']}]},
);
