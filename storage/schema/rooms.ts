import type {EventId, JsonObject, RoomAlias, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import type {ChangeKind} from '../batch.ts';
import type {Membership} from '../interfaces/memberships.ts';
import {
	blob,
	flag,
	integer,
	integerOrNull,
	json,
	jsonOrNull,
	name,
	nameOrNull,
	table,
	text,
	textOrNull,
} from './columns.ts';

export const meta = table('meta', {name: text(), value: text()}, {key: ['name']});

/** The one sequence of ids. */
export const sequence = table('sequence', {id: integer(), next: integer()}, {key: ['id']});

/** Interned text. Rows never change. */
export const strings = table('strings', {id: integer(), text: text()}, {key: ['id'], unique: [['text']]});

/** One row: the last position handed out. Locking it puts commits in position order. */
export const streamHead = table('stream_head', {id: integer(), pos: integer()}, {key: ['id']});

export const stream = table(
	'stream',
	{
		pos: integer(),
		kind: text<ChangeKind>(),
		roomId: nameOrNull<RoomId>(),
		subject: textOrNull(),
		ref: integerOrNull(),
		relay: flag(),
		extra: jsonOrNull<JsonObject>(),
	},
	{key: ['pos']},
);

export const events = table(
	'events',
	{
		nid: integer(),
		eventId: text<EventId>(),
		roomId: name<RoomId>(),
		type: name(),
		stateKey: nameOrNull(),
		sender: name<UserId>(),
		depth: integer(),
		originServerTs: integer(),
		receivedTs: integer(),
		anchor: integerOrNull(),
		minor: integerOrNull(),
		stateBefore: integerOrNull(),
		statePartial: flag(),
		rejected: textOrNull(),
		softFailed: flag(),
		outlier: flag(),
		redactedBy: integerOrNull(),
		relatesTo: textOrNull<EventId>(),
		relType: textOrNull(),
		notifyCount: integer(),
		threadNotifyCount: integer(),
		json: text(),
	},
	{
		key: ['nid'],
		unique: [['eventId'], ['roomId', 'anchor', 'minor']],
		index: [
			{on: ['roomId', 'relatesTo', 'anchor', 'minor'], where: 'relatesTo'},
			// With the sender, so that children are counted by sender without reading their rows.
			{on: ['roomId', 'relatesTo', 'relType', 'anchor', 'minor', 'sender'], where: 'relatesTo'},
			{on: ['roomId', 'originServerTs'], where: 'anchor'},
		],
	},
);

export const gaps = table(
	'gaps',
	{eventNid: integer(), missing: text<EventId>(), roomId: name<RoomId>()},
	{key: ['eventNid', 'missing'], index: [{on: ['missing']}, {on: ['roomId']}]},
);

export const trieNodes = table(
	'trie_nodes',
	{roomId: name<RoomId>(), node: integer(), body: blob()},
	{key: ['roomId', 'node']},
);

export const rooms = table(
	'rooms',
	{
		roomId: name<RoomId>(),
		version: text(),
		creator: nameOrNull<UserId>(),
		headVersion: integer(),
		headPos: integer(),
		headRoot: integerOrNull(),
		extremities: json<readonly EventId[]>(),
		depth: integer(),
		notifyCount: integer(),
		isPartial: flag(),
		isPublished: flag(),
		isBlocked: flag(),
	},
	{key: ['roomId'], index: [{on: ['isPublished', 'roomId']}]},
);

export const roomHeads = table(
	'room_heads',
	{roomId: name<RoomId>(), pos: integer(), version: integer(), root: integer()},
	{key: ['roomId', 'pos']},
);

export const currentState = table(
	'current_state',
	{roomId: name<RoomId>(), type: name(), stateKey: name(), eventNid: integer()},
	{key: ['roomId', 'type', 'stateKey']},
);

export const memberships = table(
	'memberships',
	{
		roomId: name<RoomId>(),
		userId: name<UserId>(),
		membership: text<Membership>(),
		eventNid: integerOrNull(),
		sender: name<UserId>(),
		isLocal: flag(),
		strippedState: jsonOrNull<readonly JsonObject[]>(),
		pos: integer(),
		forgotten: flag(),
	},
	{
		key: ['roomId', 'userId'],
		index: [
			{on: ['roomId', 'membership', 'userId']},
			{on: ['roomId', 'membership', 'pos']},
			{on: ['userId', 'membership', 'roomId']},
		],
	},
);

export const roomServers = table(
	'room_servers',
	{roomId: name<RoomId>(), server: name<ServerName>(), fromPos: integer(), toPos: integerOrNull()},
	{key: ['roomId', 'server', 'fromPos'], index: [{on: ['server', 'toPos']}]},
);

export const aliases = table(
	'aliases',
	{alias: text<RoomAlias>(), roomId: name<RoomId>(), creator: name<UserId>(), servers: json<readonly ServerName[]>()},
	{key: ['alias'], index: [{on: ['roomId']}]},
);

export const receipts = table(
	'receipts',
	{
		roomId: name<RoomId>(),
		userId: name<UserId>(),
		type: name(),
		/** Empty: unthreaded. */
		threadId: text(),
		eventId: text<EventId>(),
		ts: integer(),
		data: json<JsonObject>(),
		pos: integer(),
	},
	{key: ['roomId', 'userId', 'type', 'threadId'], index: [{on: ['roomId', 'pos']}]},
);

export const media = table(
	'media',
	{
		origin: text<ServerName>(),
		mediaId: text(),
		uploader: textOrNull<UserId>(),
		contentType: text(),
		fileName: textOrNull(),
		sizeBytes: integerOrNull(),
		sha256: textOrNull(),
		isQuarantined: flag(),
		createdTs: integer(),
		lastUsedDay: integer(),
	},
	{
		key: ['origin', 'mediaId'],
		index: [
			{on: ['sha256'], where: 'sha256'},
			{on: ['uploader', 'mediaId'], where: 'uploader'},
			{on: ['createdTs'], whereNull: 'sizeBytes'},
			{on: ['lastUsedDay', 'createdTs'], whereNull: 'uploader'},
			{on: ['origin', 'lastUsedDay', 'createdTs'], whereNull: 'uploader'},
		],
	},
);

/** How much is kept of whom, counted in the commits that add and remove it. */
export const mediaUsage = table(
	'media_usage',
	{
		kind: text<'cache' | 'origin' | 'uploader'>(),
		/** A person, a server, or nothing where it is all of the cache. */
		holder: text(),
		bytes: integer(),
	},
	{key: ['kind', 'holder'], index: [{on: ['kind', 'bytes']}]},
);

/** Pictures in small, made of a content and kept as one. */
export const thumbnails = table(
	'thumbnails',
	{
		/** Of the picture that it shows. */
		sha256: text(),
		/** The form, of a closed list. */
		variant: text(),
		contentType: text(),
		sizeBytes: integer(),
		/** Of the thumbnail itself, which names its file. */
		thumbnailSha256: text(),
	},
	{key: ['sha256', 'variant'], index: [{on: ['thumbnailSha256']}]},
);

export const mediaReferences = table(
	'media_references',
	{origin: text<ServerName>(), mediaId: text(), eventId: text<EventId>()},
	{key: ['origin', 'mediaId', 'eventId'], index: [{on: ['eventId']}]},
);
