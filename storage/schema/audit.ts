import type {JsonObject} from '../../crypto/index.ts';
import {integer, json, table, text, textOrNull} from './columns.ts';

/** What administrators did: each entry as text, and a hash over it. The text holds the hash of the entry before. */
export const auditEntries = table(
	'audit_entries',
	{position: integer(), entry: text(), hash: text()},
	{key: ['position']},
);

/** Signed words of this server that the audit log held an entry. */
export const auditSeals = table(
	'audit_seals',
	{position: integer(), hash: text(), sealedTs: integer(), keyId: text(), signature: text()},
	{key: ['position']},
);

/** Long work that an administrator asked for, and what has become of it. */
export const administrativeTasks = table(
	'administrative_tasks',
	{
		taskId: text(),
		kind: text<'delete-room' | 'redact-user'>(),
		/** The room or the user that it is about. */
		subject: text(),
		status: text<'scheduled' | 'active' | 'complete' | 'failed'>(),
		result: json<JsonObject>(),
		error: textOrNull(),
		changedTs: integer(),
	},
	{key: ['taskId'], index: [{on: ['subject']}, {on: ['changedTs']}]},
);
