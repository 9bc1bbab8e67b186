import {and, sql} from 'drizzle-orm';
import type {ServerName} from '../../crypto/index.ts';
import {Outcome} from '../batch.ts';
import {above, atMost, below, build, equals} from '../catalog.ts';
import {type Core, freshId} from '../core.ts';
import type {FederationRepository, OutgoingEduRow, ServerKeyRow, StagedRow} from '../interfaces/transport.ts';
import {tables} from '../schema/index.ts';
import {pageOf} from './page.ts';
import {sweepOlder} from './sweep.ts';

const {inboundStaging: staging, inboundTransactions, outgoingEdus: edus, serverKeys} = tables;

/** Positions whose waiting EDUs one sweep removes at most. */
const eduPositionsMax = 500;

type Range = {destination: ServerName; after: number; upto: number; limit: number};

function createEdus(core: Core) {
	const {catalog} = core;
	const add = core.put(catalog.insert(edus));
	const list = core.many<Range, OutgoingEduRow>((p) =>
		build
			.select({destination: edus.destination, pos: edus.pos, type: edus.type, content: edus.content})
			.from(edus)
			.where(and(equals(edus.destination, p.destination), above(edus.pos, p.after), atMost(edus.pos, p.upto)))
			.orderBy(edus.pos, edus.id)
			.limit(p.limit.placeholder),
	);
	const remove = core.put(
		catalog.write<{destination: ServerName; upto: number}>((p) =>
			build.delete(edus).where(and(equals(edus.destination, p.destination), atMost(edus.pos, p.upto))),
		),
	);
	const next = core.one<{after: string}, {destination: ServerName | null}>((p) =>
		build
			.select({destination: sql<ServerName | null>`min(${edus.destination})`.mapWith(edus.destination)})
			.from(edus)
			.where(above(edus.destination, p.after)),
	);
	const sweep = core.putReturning<{destination: ServerName; before: number}, {pos: number}>(
		catalog.write<{destination: ServerName; before: number}>(
			(p) => sql`delete from ${edus} where ${equals(edus.destination, p.destination)} and ${edus.pos} in
				(select distinct ${edus.pos} from ${edus} where ${equals(edus.destination, p.destination)}
					and ${below(edus.pos, p.before)} order by ${edus.pos} limit ${sql.raw(String(eduPositionsMax))})
				returning pos`,
			{pos: edus.pos},
		),
	);
	return {add, list, remove, next, sweep};
}

function createStaging(core: Core) {
	const {catalog} = core;
	const add = core.put(catalog.insert(staging));
	const remove = core.put(catalog.delete(staging, ['origin', 'txnId', 'index']));
	const list = core.many<{after: number; limit: number}, StagedRow>((p) =>
		build
			.select({
				id: staging.id,
				origin: staging.origin,
				txnId: staging.txnId,
				index: staging.index,
				json: staging.json,
				receivedTs: staging.receivedTs,
			})
			.from(staging)
			.where(above(staging.id, p.after))
			.orderBy(staging.id)
			.limit(p.limit.placeholder),
	);
	const addTransaction = core.put(catalog.insert(inboundTransactions));
	const findTransaction = core.one<{origin: ServerName; txnId: string}, {answer: string}>((p) =>
		build
			.select({answer: inboundTransactions.answer})
			.from(inboundTransactions)
			.where(and(equals(inboundTransactions.origin, p.origin), equals(inboundTransactions.txnId, p.txnId))),
	);
	return {add, remove, list, addTransaction, findTransaction};
}

const excluded = (name: string) => sql`excluded.${sql.identifier(name)}`;

function createServerKeys(core: Core) {
	const later = core.dialect.maxOf(sql`${serverKeys.validUntilTs}`, excluded('valid_until_ts'));
	const set = core.put(
		core.catalog.insertOrUpdate(serverKeys, ['server', 'keyId'], {
			key: excluded('key'),
			validUntilTs: sql`case when ${serverKeys.key} = ${excluded('key')} then ${later} else ${excluded('valid_until_ts')} end`,
			expiredTs: excluded('expired_ts'),
			fetchedTs: excluded('fetched_ts'),
		}),
	);
	const list = core.many<{server: ServerName}, ServerKeyRow>((p) =>
		build.select().from(serverKeys).where(equals(serverKeys.server, p.server)).orderBy(serverKeys.keyId),
	);
	return {set, list};
}

/** Makes the repository of the conversation with partner servers. */
export function createFederation(core: Core): FederationRepository {
	const edu = createEdus(core);
	const stage = createStaging(core);
	const keys = createServerKeys(core);
	return {
		addOutgoingEdu: (batch, row) => edu.add(batch, {...row, id: freshId}),
		listOutgoingEdus: (destination, {after, upto, limit}) => edu.list({destination, after, upto, limit: pageOf(limit)}),
		removeOutgoingEdus: (batch, destination, upto) => edu.remove(batch, {destination, upto}),
		findEduDestination: async (after) => (await edu.next({after}))?.destination ?? undefined,
		sweepOutgoingEdus(batch, destination, before) {
			const rows = edu.sweep(batch, {destination, before});
			return new Outcome(() => rows.value.length);
		},
		stage(batch, pdus) {
			for (const pdu of pdus) stage.add(batch, {...pdu, id: freshId});
		},
		unstage: (batch, {origin, txnId, index}) => stage.remove(batch, {origin, txnId, index}),
		listStaged: ({after = 0, limit}) => stage.list({after, limit: pageOf(limit)}),
		addInboundTransaction: (batch, transaction) => stage.addTransaction(batch, transaction),
		findInboundTransaction: async (origin, txnId) => (await stage.findTransaction({origin, txnId}))?.answer,
		sweepInboundTransactions: sweepOlder(core, inboundTransactions, inboundTransactions.receivedTs),
		setServerKey: keys.set,
		listServerKeys: (server) => keys.list({server}),
	};
}
