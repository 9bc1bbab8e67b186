import {and} from 'drizzle-orm';
import type {DeviceId, EventId, JsonValue, UserId} from '../../crypto/index.ts';
import {build, equals} from '../catalog.ts';
import type {Core} from '../core.ts';
import type {ClientTransactionKey, ClientTransactionsRepository} from '../interfaces/transport.ts';
import {tables} from '../schema/index.ts';
import {readInChunks} from './page.ts';
import {sweepAll, sweepOlder} from './sweep.ts';

const {clientTransactionEvents: sent, clientTransactions: transactions} = tables;

/** Makes the repository of clients' transaction ids. */
export function createClientTransactions(core: Core): ClientTransactionsRepository {
	const {catalog} = core;
	const add = core.put(catalog.insert(transactions));
	const addEvent = core.put(catalog.insert(sent, {orIgnore: true}));
	const find = core.one<ClientTransactionKey, {answer: JsonValue}>((p) =>
		build
			.select({answer: transactions.answer})
			.from(transactions)
			.where(
				and(
					equals(transactions.userId, p.userId),
					equals(transactions.deviceId, p.deviceId),
					equals(transactions.method, p.method),
					equals(transactions.endpoint, p.endpoint),
					equals(transactions.roomId, p.roomId),
					equals(transactions.txnId, p.txnId),
				),
			),
	);
	type Sent = {userId: UserId; deviceId: DeviceId; eventIds: readonly EventId[]};
	const findOfEvents = core.many<Sent, {eventId: EventId; txnId: string}>((p) =>
		build
			.select({eventId: sent.eventId, txnId: sent.txnId})
			.from(sent)
			.where(
				and(
					equals(sent.userId, p.userId),
					equals(sent.deviceId, p.deviceId),
					catalog.isOneOf(sent.eventId, p.eventIds),
				),
			),
	);
	return {
		add: (batch, transaction) => add(batch, transaction),
		find: (key) => find(key),
		setEvent: (batch, eventId, {userId, deviceId, txnId}, ts) =>
			addEvent(batch, {eventId, userId, deviceId, txnId, ts}),
		async findOfEvents(userId, deviceId, eventIds) {
			const rows = await readInChunks(eventIds, (chunk) => findOfEvents({userId, deviceId, eventIds: chunk}));
			return new Map(rows.map((row) => [row.eventId, row.txnId]));
		},
		sweep: sweepAll([sweepOlder(core, transactions, transactions.ts), sweepOlder(core, sent, sent.ts)]),
	};
}
