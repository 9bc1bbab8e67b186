import type {DeviceId, EventId, JsonObject, JsonValue, RoomId, ServerName, UserId} from '../../crypto/index.ts';
import {blob, integer, integerOrNull, json, jsonOrNull, table, text, textOrNull} from './columns.ts';

export const cursors = table(
	'cursors',
	{
		name: text(),
		acked: integer(),
		inFlightTxnId: textOrNull(),
		inFlightTo: integerOrNull(),
		inFlightBody: textOrNull(),
		failingSinceTs: integerOrNull(),
		attempts: integer(),
		retryTs: integerOrNull(),
	},
	{key: ['name']},
);

export const outgoingEdus = table(
	'outgoing_edus',
	{id: integer(), destination: text<ServerName>(), pos: integer(), type: text(), content: json<JsonObject>()},
	{key: ['id'], index: [{on: ['destination', 'pos', 'id']}]},
);

export const inboundStaging = table(
	'inbound_staging',
	{id: integer(), origin: text<ServerName>(), txnId: text(), index: integer(), json: text(), receivedTs: integer()},
	{key: ['id'], unique: [['origin', 'txnId', 'index']]},
);

export const inboundTransactions = table(
	'inbound_transactions',
	{origin: text<ServerName>(), txnId: text(), answer: text(), receivedTs: integer()},
	{key: ['origin', 'txnId'], index: [{on: ['receivedTs']}]},
);

export const serverKeys = table(
	'server_keys',
	{
		server: text<ServerName>(),
		keyId: text(),
		key: text(),
		validUntilTs: integer(),
		expiredTs: integerOrNull(),
		fetchedTs: integer(),
	},
	{key: ['server', 'keyId']},
);

export const clientTransactions = table(
	'client_transactions',
	{
		userId: text<UserId>(),
		deviceId: text<DeviceId>(),
		method: text(),
		endpoint: text(),
		roomId: text<RoomId | ''>(),
		txnId: text(),
		answer: jsonOrNull<JsonValue>(),
		ts: integer(),
	},
	{key: ['userId', 'deviceId', 'method', 'endpoint', 'roomId', 'txnId'], index: [{on: ['ts']}]},
);

export const clientTransactionEvents = table(
	'client_transaction_events',
	{eventId: text<EventId>(), userId: text<UserId>(), deviceId: text<DeviceId>(), txnId: text(), ts: integer()},
	{key: ['eventId'], index: [{on: ['ts']}, {on: ['userId', 'deviceId']}]},
);

export const slidingSnapshots = table(
	'sliding_snapshots',
	{
		id: integer(),
		userId: text<UserId>(),
		deviceId: text<DeviceId>(),
		connId: text(),
		createdTs: integer(),
		body: blob(),
	},
	{key: ['id'], index: [{on: ['userId', 'deviceId', 'createdTs', 'id']}]},
);

export const jobs = table(
	'jobs',
	{
		id: integer(),
		kind: text(),
		key: text(),
		payload: json<JsonObject>(),
		dueTs: integer(),
		attempts: integer(),
		leasedUntilTs: integerOrNull(),
	},
	{key: ['id'], unique: [['kind', 'key']], index: [{on: ['dueTs']}]},
);
