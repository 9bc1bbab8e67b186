import type {EventId, RoomId, UserId} from '../../crypto/index.ts';
import {integer, integerOrNull, name, table, text, textOrNull} from './columns.ts';

/** Threads by their newest event; a thread whose events are all redacted has none. */
export const threads = table(
	'threads',
	{roomId: name<RoomId>(), root: text<EventId>(), latestAnchor: integerOrNull(), latestMinor: integerOrNull()},
	{key: ['roomId', 'root'], index: [{on: ['roomId', 'latestAnchor', 'latestMinor']}]},
);

/** Annotations of people of this server that stand: nobody makes the same one twice. */
export const annotations = table(
	'annotations',
	{roomId: name<RoomId>(), digest: text(), eventId: text<EventId>()},
	{key: ['roomId', 'digest'], index: [{on: ['eventId']}]},
);

/**
 * Words of events, in the order of their places. The migrations add what finds them: a full-text index over `words`
 * that SQLite keeps by triggers, and PostgreSQL as a generated column.
 */
export const searchEntries = table('search_entries', {id: integer(), nid: integer(), words: text()}, {key: ['id']});

/** What people complain about. Names are not interned: they need not exist. */
export const reports = table(
	'reports',
	{
		id: integer(),
		kind: text<'event' | 'room' | 'user'>(),
		target: text(),
		roomId: textOrNull<RoomId>(),
		reporter: text<UserId>(),
		reason: text(),
		receivedTs: integer(),
	},
	{key: ['id']},
);
